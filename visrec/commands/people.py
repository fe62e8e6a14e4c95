"""visrec user and visrec events: people and what they did."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import Annotated

import grpc
import typer
from rich.markup import escape

from visrec import people_tables as tables
from visrec.commands.faults import sentence
from visrec.commands.session import CatalogueOption, CountOption, JsonOption, Session, YesOption, session_of
from visrec.errors import VisrecCallError
from visrec.options import as_typed
from visrec.people import Event, Facts, Gender, ItemEventType
from visrec.v1 import profile_pb2

user_app = typer.Typer(no_args_is_help=True, help="People: attributes, consent and taste.")
events_app = typer.Typer(no_args_is_help=True, help="What people did.")


def moment(text: str) -> datetime:
    """An instant as ISO 8601 writes it; without a zone in local time. Raises typer.BadParameter."""
    try:
        told = datetime.fromisoformat(text)
        return told if told.tzinfo else told.astimezone()
    except (ValueError, OverflowError, OSError) as error:
        raise typer.BadParameter(
            f"{text!r} is no time; give ISO 8601, such as 2026-11-28 or 2026-11-28T10:00:00Z"
        ) from error


UserArgument = Annotated[str, typer.Argument(help="Your id for the person; best a pseudonym.", metavar="USER")]
Personalisation = Annotated[
    bool | None, typer.Option(help="May what they do form a taste? Refusing erases events and taste.")
]
PhotoLearning = Annotated[bool | None, typer.Option(help="May photos they send count as something they did?")]
Segments = Annotated[bool | None, typer.Option(help="May they be counted in a group of people?")]


@user_app.command("put")
def put(
    context: typer.Context,
    user: UserArgument,
    *,
    age: Annotated[int | None, typer.Option(min=0, max=120, help="In years.")] = None,
    gender: Annotated[Gender | None, typer.Option(help="As they state it.")] = None,
    country: Annotated[str | None, typer.Option(help="Two letters, such as NL.")] = None,
    region: Annotated[str | None, typer.Option(help="Region or state.")] = None,
    city: Annotated[str | None, typer.Option(help="City.")] = None,
    interest: Annotated[list[str] | None, typer.Option("--interest", help="A word; may be given again.")] = None,
    personalisation: Personalisation = None,
    photo_learning: PhotoLearning = None,
    segments: Segments = None,
    as_json: JsonOption = False,
) -> None:
    """Make a person, or change what is given; everything else stays as it is.

    Nothing is learned about somebody before they agree to personalisation.

    ```
    visrec user put anna --age 31 --interest plants --personalisation
    ```
    """
    session = session_of(context)
    facts = Facts(age, gender, country, region, city, interest, personalisation, photo_learning, segments)
    person = session.client.put_user(user, facts)
    session.show(person, as_json, tables.user(person))


@user_app.command("get")
def get(context: typer.Context, user: UserArgument, as_json: JsonOption = False) -> None:
    """What is known of a person, and what they agreed to."""
    session = session_of(context)
    person = session.client.get_user(user)
    session.show(person, as_json, tables.user(person))


@user_app.command("list")
def list_(context: typer.Context, count: CountOption = 50, as_json: JsonOption = False) -> None:
    """Some of the people there are, in no particular order.

    ```
    visrec user list -n 1000 --json
    ```
    """
    session = session_of(context)
    found = list(islice(session.client.list_users(), count))
    session.show(profile_pb2.ListUsersResponse(users=found), as_json, tables.users(found))


@user_app.command("consent")
def consent(
    context: typer.Context,
    user: UserArgument,
    *,
    personalisation: Personalisation = None,
    photo_learning: PhotoLearning = None,
    segments: Segments = None,
    as_json: JsonOption = False,
) -> None:
    """Record what a person agrees to; a purpose that is not given stays as it is.

    ```
    visrec user consent anna --personalisation --no-photo-learning
    ```
    """
    session = session_of(context)
    facts = Facts(personalisation=personalisation, photo_learning=photo_learning, segments=segments)
    if not facts.paths():
        raise typer.BadParameter("give at least one purpose, such as --personalisation or --no-personalisation")
    held = session.client.set_consent(user, facts)
    session.show(held, as_json, tables.consent(held))


@user_app.command("taste")
def taste(context: typer.Context, user: UserArgument, catalogue: CatalogueOption, as_json: JsonOption = False) -> None:
    """What a person likes in a catalogue, and where that is from."""
    session = session_of(context)
    held = session.client.taste(user, catalogue, include_seen=True)
    session.show(held, as_json, tables.taste(held) if held.interests or as_json else _why_none(session, held))


def _why_none(session: Session, held: profile_pb2.Taste) -> str:
    if held.personalised:
        return f"Nothing yet: `visrec events record {escape(held.user_id)} like ITEM -c {held.catalogue}` would tell."
    agrees = f"`visrec user consent {escape(held.user_id)} --personalisation` records that they agree"
    asked = session.client.get_user(held.user_id).consent.personalisation
    if asked == profile_pb2.CONSENT_STATE_REFUSED:
        return f"They refused personalisation, so nothing is learned; {agrees}."
    return f"They were never asked about personalisation, so nothing is learned; {agrees}."


@user_app.command("export")
def export(context: typer.Context, user: UserArgument, as_json: JsonOption = False) -> None:
    """All that is held about a person: how much of what, or with --json the whole, as they have a right to.

    ```
    visrec user export anna --json > anna.json
    ```
    """
    session = session_of(context)
    held = session.client.export_user(user)
    session.show(held, as_json, tables.user(held.user), tables.export(held))


@user_app.command("delete")
def delete(
    context: typer.Context,
    user: UserArgument,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Erase a person with all they did, and print the receipt."""
    session = session_of(context)
    if not yes:
        session.client.get_user(user)
        typer.confirm(f"Erase {user} with all they did?", abort=True)
    answer = session.client.delete_user(user)
    session.show(answer, as_json, tables.receipt(answer))


@events_app.command("record")
def record(
    context: typer.Context,
    user: UserArgument,
    kind: Annotated[ItemEventType, typer.Argument(help="What they did.", metavar="KIND")],
    items: Annotated[list[str], typer.Argument(help="To which items.", metavar="ITEM...")],
    *,
    catalogue: CatalogueOption,
    when: Annotated[
        datetime | None,
        typer.Option(
            parser=moment,
            metavar="TIME",
            help="When, such as 2026-11-28T10:00:00Z; without a zone: in local time; left out: now.",
        ),
    ] = None,
    recommendation: Annotated[
        str, typer.Option(help="The answer that showed them, by the id that `visrec recommend` tells.", metavar="ID")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Record that a person did something: view, click, like, dislike, save, cart, purchase or impression.

    ```
    visrec events record anna like chair-1 sofa-9 -c shop
    ```
    """
    session = session_of(context)
    events = [Event(user, kind, catalogue, item, time=when, recommendation_id=recommendation) for item in items]
    results = session.client.record(events)
    answer = profile_pb2.RecordEventsResponse(results=results)
    lines = [_line(user, item, result) for item, result in zip(items, results, strict=True)]
    session.show(answer, as_json, *lines)
    if any(result.status.code != grpc.StatusCode.OK.value[0] for result in results):
        raise typer.Exit(1)


def _line(user: str, item: str, result: profile_pb2.EventResult) -> str:
    if result.status.code != grpc.StatusCode.OK.value[0]:
        return f"[red]{escape(item)}: {escape(sentence(as_typed(VisrecCallError.from_status(result.status))))}[/]"
    learned = {
        profile_pb2.EVENT_OUTCOME_LEARNED: "learned",
        profile_pb2.EVENT_OUTCOME_COUNTED: "counted for popularity; nothing is learned of them before they agree: "
        f"`visrec user consent {user} --personalisation`",
        profile_pb2.EVENT_OUTCOME_DUPLICATE: "known already",
        profile_pb2.EVENT_OUTCOME_PENDING: "kept; learned from as soon as the item can be looked up",
        profile_pb2.EVENT_OUTCOME_IGNORED: "ignored; it is more in a minute than people do",
    }
    return f"{escape(item)}: {escape(learned.get(result.outcome, 'recorded'))}"
