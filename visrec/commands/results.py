"""visrec next, shown and explain: recommendations that were made a while ago."""

from __future__ import annotations

from typing import Annotated

import typer

from visrec import explained, tables
from visrec.client import Client
from visrec.commands.faults import told
from visrec.commands.looking import PhotoOption
from visrec.commands.session import JsonOption, session_of
from visrec.errors import VisrecCallError
from visrec.v1 import ranker_pb2

NameArgument = Annotated[str, typer.Argument(help="What the answer is kept as.", metavar="RECOMMENDATION")]
LanguageOption = Annotated[str, typer.Option("--language", help="Of the reasons: en or zh; else as it was asked for.")]

GONE = "RECOMMENDATION_EXPIRED"


def next_page(
    context: typer.Context,
    token: Annotated[
        str,
        typer.Argument(help="What an answer says behind `more`, or is kept as: then its second page.", metavar="TOKEN"),
    ],
    count: Annotated[int, typer.Option("-n", "--count", min=0, max=100, help="How many; 0: as many as before.")] = 0,
    explain: Annotated[bool, typer.Option("--explain", help="Show what each score is made of, and why.")] = False,
    as_json: JsonOption = False,
) -> None:
    """What comes behind an answer, in the same ranking, however the world has changed since."""
    session = session_of(context)
    with told({GONE: f"no answer has the token {token}; {_kept('more')}"}):
        page = _page(session.client, token, count, explain)
    if page.recommendations or as_json:
        session.show(page, as_json, tables.recommendations(page), "", tables.signals(page))
    else:
        session.show(page, as_json, "nothing comes behind it: all that was ranked has been shown")


def _page(client: Client, given: str, n: int, explain: bool) -> ranker_pb2.RecommendResponse:
    try:
        return client.next_page(given, n=n, explain=explain)
    except VisrecCallError as error:
        if error.reason != "BAD_PAGE_TOKEN":
            raise
    # No token, but it may be what an answer is kept as, which stands one line above its token.
    token = client.recommendation(given).shown.next_page_token
    return client.next_page(token, n=n, explain=explain) if token else ranker_pb2.RecommendResponse()


def shown(context: typer.Context, recommendation: NameArgument, as_json: JsonOption = False) -> None:
    """An answer once more, as it was shown, with what each score is made of."""
    session = session_of(context)
    with told({GONE: _gone(recommendation)}):
        answer = session.client.recommendation(recommendation)
    session.show(answer, as_json, tables.recommendations(answer.shown), "", explained.when(answer))


def explain(
    context: typer.Context,
    recommendation: NameArgument,
    item: Annotated[str, typer.Argument(help="An item of it, shown or not.", metavar="ITEM")],
    *,
    photo: PhotoOption = None,
    language: LanguageOption = "",
    as_json: JsonOption = False,
) -> None:
    """Why an item stands where it does, and what would change that.

    With the photo of the answer also which regions of it count; it has to be given again, for no photo is kept.

    ```
    visrec explain 3xQ…9w chair-1 --photo room.jpg
    ```
    """
    session = session_of(context)
    absent = (
        f"{item} was not ranked in this answer; `visrec shown {recommendation}` tells the items it has shown, "
        f"`visrec next {recommendation}` those behind them"
    )
    with told({GONE: _gone(recommendation), "ITEM_NOT_FOUND": absent}):
        answer = session.client.explain(recommendation, item, photo=photo, language=language)
    session.show(answer, as_json, explained.explanation(answer), explained.change(answer), explained.regions(answer))


def _gone(recommendation: str) -> str:
    return f"no answer is kept as {recommendation}; {_kept('kept')}"


def _kept(line: str) -> str:
    """Where to find what was meant; `line`: of an answer."""
    return f"give what `visrec recommend` tells behind `{line}`: it is kept for an hour or as the ranker is set"
