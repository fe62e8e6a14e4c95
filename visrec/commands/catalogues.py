"""visrec catalogue, visrec stats, visrec model: what there is."""

from __future__ import annotations

from typing import Annotated

import typer

from visrec import tables
from visrec.commands.session import JsonOption, YesOption, session_of
from visrec.v1 import indexer_pb2

catalogue_app = typer.Typer(no_args_is_help=True, help="Create, list and delete catalogues.")

Name = Annotated[str, typer.Argument(help="a-z, 0-9, _ and -, beginning with a letter.", metavar="NAME")]


@catalogue_app.command("create")
def create(
    context: typer.Context,
    name: Name,
    partitions: Annotated[int, typer.Option(min=0, max=64, help="Parts of its record; 0: as the service is set.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Make an empty catalogue.

    ```
    visrec catalogue create shop
    ```
    """
    session = session_of(context)
    made = session.client.create_catalogue(name, partitions=partitions)
    session.show(made, as_json, tables.catalogues([made]))


@catalogue_app.command("list")
def list_(context: typer.Context, as_json: JsonOption = False) -> None:
    """All catalogues, by name."""
    session = session_of(context)
    answer = indexer_pb2.ListCataloguesResponse(catalogues=session.client.list_catalogues())
    session.show(answer, as_json, tables.catalogues(answer.catalogues))


@catalogue_app.command("delete")
def delete(
    context: typer.Context,
    name: Name,
    yes: YesOption = False,
) -> None:
    """Remove a catalogue with all its items.

    What people did in it stays with them, and a new catalogue of its name inherits it, unless `python -m jobs
    forget-catalogue` takes it away.
    """
    session = session_of(context)
    if not yes:
        (held,) = session.client.stats(name).catalogues
        typer.confirm(f"Remove {name} with its {held.items:,} items?", abort=True)
    count = session.client.delete_catalogue(name)
    session.out.print(f"{name} is gone, and {count:,} items with it.")
    session.out.print(f"What people did in it stays, until: python -m jobs forget-catalogue -c {name}")


def stats(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Which catalogue; left out: all of them.", metavar="[NAME]")] = "",
    as_json: JsonOption = False,
) -> None:
    """Sizes of the catalogues, and what the record survives."""
    session = session_of(context)
    answer = session.client.stats(name)
    session.show(answer, as_json, tables.stats(answer), f"[bold]survives a crash[/] {answer.durability}")


def model(context: typer.Context, as_json: JsonOption = False) -> None:
    """The network that turns photos into vectors, and its spaces."""
    session = session_of(context)
    answer = session.client.model()
    session.show(answer, as_json, tables.model(answer))
