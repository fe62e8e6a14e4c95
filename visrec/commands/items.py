"""visrec ingest and visrec item: what is in a catalogue."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from visrec import tables
from visrec.catalogue_files import read_items
from visrec.commands.absence import why_nothing
from visrec.commands.faults import sentence
from visrec.commands.session import CatalogueOption, CountOption, JsonOption, Session, YesOption, session_of
from visrec.ingest import IngestReport, ItemOutcome
from visrec.items import NewItem
from visrec.v1 import indexer_pb2

item_app = typer.Typer(no_args_is_help=True, help="Look at items and delete them.")


def ingest(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(help="A folder of photos, or an items.csv.", metavar="FOLDER|CSV")],
    catalogue: CatalogueOption,
    domain: Annotated[str, typer.Option(help="Domain of items that name none, such as fashion or places.")] = "",
    create: Annotated[bool, typer.Option(help="Make the catalogue if there is none of that name.")] = True,
) -> None:
    """Add photos to a catalogue, or replace them.

    Sub-folders are categories. An items.csv has the columns id and image (relative to the file) and, as far as you
    have them, title, category, domain, price, currency, tags and group_id; every other column becomes an attribute to
    filter by. Several images or tags are separated by |. Bad photos and rows are named at the end and the others go in.

    ```
    visrec ingest photos/ -c shop --domain fashion
    visrec ingest shop/items.csv -c shop
    ```
    """
    session = session_of(context)
    reading = read_items(source, domain=domain)
    if create:
        session.client.create_catalogue(catalogue, exist_ok=True)
    report = _ingest_with_progress(session, catalogue, reading.items)
    left_out = [*reading.refused, *(_failure(outcome) for outcome in report.failed)]
    session.out.print(f"{report.written:,} of {report.written + len(left_out):,} items are in {catalogue}.")
    for line in left_out:
        session.notes.print(f"[red]left out[/] {escape(line)}", soft_wrap=True)
    if left_out:
        raise typer.Exit(1)


def _failure(outcome: ItemOutcome) -> str:
    assert outcome.error is not None
    return f"{outcome.item_id}: {sentence(outcome.error)}"


def _ingest_with_progress(session: Session, catalogue: str, items: list[NewItem]) -> IngestReport:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=session.notes) as progress:
        task = progress.add_task("photos", total=len(items))
        return session.client.ingest(catalogue, items, on_outcome=lambda _: progress.advance(task))


@item_app.command("get")
def get(context: typer.Context, item_id: str, catalogue: CatalogueOption, as_json: JsonOption = False) -> None:
    """Everything about one item."""
    session = session_of(context)
    stored = session.client.get_item(catalogue, item_id)
    session.show(stored, as_json, tables.item(stored.item))


@item_app.command("list")
def list_(
    context: typer.Context,
    catalogue: CatalogueOption,
    title: Annotated[str, typer.Option(help="Only items whose title has all of these words.")] = "",
    count: CountOption = 50,
    as_json: JsonOption = False,
) -> None:
    """Some items of a catalogue, in no particular order."""
    session = session_of(context)
    found = list(islice(session.client.list_items(catalogue, title_words=title), count))
    answer = indexer_pb2.ListItemsResponse(items=[indexer_pb2.StoredItem(item=item) for item in found])
    session.show(answer, as_json, tables.items(found) if found or as_json else _why_none(session, catalogue, title))


def _why_none(session: Session, catalogue: str, title: str) -> str:
    otherwise = f"no title has all of the words {title!r}" if title else "there was nothing a moment ago"
    return why_nothing(session.client, catalogue, [], otherwise)


@item_app.command("delete")
def delete(
    context: typer.Context,
    item_ids: Annotated[list[str], typer.Argument(help="Their ids, at most 1000.", metavar="ITEM...")],
    catalogue: CatalogueOption,
    yes: YesOption = False,
) -> None:
    """Remove items. Those that do not exist are named, and the others go.

    ```
    visrec item delete chair-1 sofa-9 -c shop
    ```
    """
    session = session_of(context)
    there = [item.id for item in session.client.get_items(catalogue, item_ids)]
    unknown = sorted(set(item_ids) - set(there))
    if there and not yes:
        typer.confirm(f"Remove {', '.join(there)} from {catalogue}?", abort=True)
    deleted = session.client.delete_items(catalogue, there).deleted if there else 0
    session.out.print(f"{deleted:,} of {len(set(item_ids)):,} items are gone.", highlight=False)
    for item_id in unknown:
        session.notes.print(f"[red]left out[/] {escape(item_id)}: there is no such item", soft_wrap=True)
    if unknown:
        raise typer.Exit(1)
