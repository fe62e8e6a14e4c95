"""visrec next, shown and explain: recommendations that were made a while ago."""

from __future__ import annotations

from typing import Annotated

import typer

from visrec import explained, tables
from visrec.commands.looking import PhotoOption
from visrec.commands.session import JsonOption, session_of

NameArgument = Annotated[str, typer.Argument(help="What the answer is kept as.", metavar="RECOMMENDATION")]
LanguageOption = Annotated[str, typer.Option("--language", help="Of the reasons: en or zh; else as it was asked for.")]


def next_page(
    context: typer.Context,
    token: Annotated[str, typer.Argument(help="What an answer says behind `more`.", metavar="TOKEN")],
    count: Annotated[int, typer.Option("-n", "--count", min=0, max=100, help="How many; 0: as many as before.")] = 0,
    explain: Annotated[bool, typer.Option("--explain", help="Show what each score is made of, and why.")] = False,
    as_json: JsonOption = False,
) -> None:
    """What comes behind an answer, in the same ranking, however the world has changed since."""
    session = session_of(context)
    page = session.client.next_page(token, n=count, explain=explain)
    session.show(page, as_json, tables.recommendations(page), "", tables.signals(page))


def shown(context: typer.Context, recommendation: NameArgument, as_json: JsonOption = False) -> None:
    """An answer once more, as it was shown, with what each score is made of."""
    session = session_of(context)
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
    answer = session.client.explain(recommendation, item, photo=photo, language=language)
    session.show(answer, as_json, explained.explanation(answer), explained.change(answer), explained.regions(answer))
