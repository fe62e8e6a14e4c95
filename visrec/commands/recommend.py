"""visrec recommend: the best items, and everything that may be said about which those are."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from visrec import tables
from visrec.commands.absence import why_nothing
from visrec.commands.looking import (
    COUNTS,
    ONLY,
    BlockOption,
    CategoryOption,
    CurrencyOption,
    DomainOption,
    MaxPriceOption,
    MinPriceOption,
    PhotoOption,
    conditions_of,
    weights_of,
)
from visrec.commands.session import CatalogueOption, JsonOption, session_of
from visrec.filters import all_of, one_of
from visrec.v1 import ranker_pb2

BOOST_FIELD = re.compile(r"id|domain|category|group_id|tags|currency|availability|attributes\.[a-z0-9_]{1,32}")
BOOST_FORM = (
    "give FIELD=VALUE=AMOUNT, such as category=lamps=0.1; FIELD: category, domain, tags, group_id, currency, "
    "availability, id or attributes.NAME; AMOUNT: from -1 to 1, not 0"
)

MIX = "The mix"
PEOPLE = "What becomes of it"


def recommend(
    context: typer.Context,
    *,
    catalogue: CatalogueOption,
    photo: PhotoOption = None,
    user: Annotated[str, typer.Option("--user", "-u", help="For whom.")] = "",
    seed: Annotated[
        list[str] | None,
        typer.Option("--seed", help="An item to be near to, as ID or ID=WEIGHT; a negative weight: far from."),
    ] = None,
    count: Annotated[int, typer.Option("-n", "--count", min=1, max=100, help="How many.")] = 10,
    explain: Annotated[bool, typer.Option("--explain", help="Show what each score is made of, and why.")] = False,
    language: Annotated[str, typer.Option("--language", help="Of the reasons: en or zh.")] = "",
    as_json: JsonOption = False,
    category: CategoryOption = None,
    domain: DomainOption = None,
    min_price: MinPriceOption = None,
    max_price: MaxPriceOption = None,
    currency: CurrencyOption = "",
    available: Annotated[
        bool, typer.Option("--available", help="Only items that can be had now.", rich_help_panel=ONLY)
    ] = False,
    exclude: Annotated[
        list[str] | None,
        typer.Option("--exclude", metavar="ID", help="Not this item; may be given again.", rich_help_panel=ONLY),
    ] = None,
    include_seen: Annotated[
        bool, typer.Option("--include-seen", help="Also what the person has seen.", rich_help_panel=ONLY)
    ] = False,
    scene: Annotated[
        str, typer.Option(help="A named set of weights; `visrec scene list` has them.", rich_help_panel=COUNTS)
    ] = "",
    signal: Annotated[
        list[str] | None,
        typer.Option(
            "--signal",
            help="Weight of a signal, as NAME=WEIGHT; `visrec scene list` has them all.",
            rich_help_panel=COUNTS,
        ),
    ] = None,
    block: BlockOption = None,
    boost: Annotated[
        list[str] | None,
        typer.Option(
            "--boost",
            metavar="FIELD=VALUE=AMOUNT",
            help="Add to the scores of some items, such as category=lamps=0.1; -1 to 1. May be given again.",
            rich_help_panel=COUNTS,
        ),
    ] = None,
    reciprocal_rank: Annotated[
        bool,
        typer.Option(
            "--reciprocal-rank", help="Add up places by each signal instead of its values.", rich_help_panel=COUNTS
        ),
    ] = False,
    diversity: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            metavar="0..1",
            show_default=False,
            help="How much it counts against an item to be like those above it; 0: not at all.",
            rich_help_panel=MIX,
        ),
    ] = 0.0,
    max_per_category: Annotated[
        int,
        typer.Option(
            min=0, metavar="N", show_default=False, help="Most items of one category; 0: any.", rich_help_panel=MIX
        ),
    ] = 0,
    max_per_group: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="N",
            show_default=False,
            help="Most variants of one product (group_id); 0: any.",
            rich_help_panel=MIX,
        ),
    ] = 0,
    near_duplicates: Annotated[
        float,
        typer.Option(
            "--near-duplicates",
            min=0,
            max=1,
            metavar="0..1",
            show_default=False,
            help="Of items that are more alike (cosine) than this, such as 0.98, only the best; 0: all.",
            rich_help_panel=MIX,
        ),
    ] = 0.0,
    record_impressions: Annotated[
        bool,
        typer.Option(
            "--record-impressions", help="Record that the person was shown these items.", rich_help_panel=PEOPLE
        ),
    ] = False,
    remember_photo: Annotated[
        bool,
        typer.Option(
            "--remember-photo", help="Let the photo count as an upload of the person.", rich_help_panel=PEOPLE
        ),
    ] = False,
) -> None:
    """The best items for a photo, a person, some items, or any mix of them. For none of them: what is popular.

    ```
    visrec recommend -c shop --photo room.jpg --user anna --explain
    visrec recommend -c shop --seed chair-1 --seed sofa-9=-0.5 --max-price 200
    visrec recommend -c shop --user anna --diversity 0.3 --max-per-category 2
    visrec recommend -c shop --photo poster.jpg --block colour=1 --json
    ```
    """
    session = session_of(context)
    conditions = conditions_of(category, (), min_price, max_price, currency)
    answer = session.client.recommend(
        catalogue,
        photo=photo,
        user=user,
        seeds=weights_of(seed, "--seed"),
        n=count,
        scene=scene,
        where=all_of(*conditions) if conditions else None,
        domains=domain or (),
        signal_weights=weights_of(signal, "--signal"),
        block_weights=weights_of(block, "--block"),
        explain=explain,
        include_seen=include_seen,
        exclude=exclude or (),
        rules=ranker_pb2.Rules(
            only_available=available,
            boosts=_boosts(boost or ()),
            max_per_category=max_per_category,
            max_per_group=max_per_group,
            near_duplicate_cosine=near_duplicates,
        ),
        diversity=diversity,
        reciprocal_rank=reciprocal_rank,
        language=language,
        record_impressions=record_impressions,
        remember_photo=remember_photo,
    )
    if answer.recommendations or as_json:
        session.show(answer, as_json, tables.recommendations(answer), "", tables.signals(answer))
        return
    conditions += [one_of("domain", *domain)] if domain else []
    conditions += [one_of("availability", "available")] if available else []
    if user and not include_seen:
        otherwise = f"{user} has seen all that may be shown; `--include-seen` shows it again"
    else:
        otherwise = "what may be shown was excluded, or asked with"
    why = why_nothing(session.client, catalogue, conditions, otherwise)
    session.show(answer, as_json, why, "", tables.basis(answer))


def _boosts(given: list[str] | tuple[()]) -> list[ranker_pb2.Boost]:
    return [_boost(number, text) for number, text in enumerate(given, 1)]


def _boost(number: int, text: str) -> ranker_pb2.Boost:
    """Raises typer.BadParameter."""
    field, _, rest = text.partition("=")
    value, _, amount = rest.rpartition("=")
    try:
        boost = ranker_pb2.Boost(name=f"boost-{number}", field=field, values=[value], amount=float(amount))
    except ValueError as error:
        raise typer.BadParameter(f"--boost {text}: {BOOST_FORM}") from error
    if not value or not BOOST_FIELD.fullmatch(field) or not 0 < abs(boost.amount) <= 1:
        raise typer.BadParameter(f"--boost {text}: {BOOST_FORM}")
    return boost
