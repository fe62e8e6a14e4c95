"""The `visrec` command: every step of the services by hand. The commands themselves are in `visrec.commands`."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from typing import Annotated

import typer
from rich.console import Console

from visrec.client import Client
from visrec.commands import catalogues, experiments, items, looking, people, recommend, results, scenes, segments
from visrec.commands.faults import ClearErrors
from visrec.commands.session import Session

app = typer.Typer(
    cls=ClearErrors,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


PIPE_WIDTH = 200
"""Letters in a line where the output is not a terminal."""


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"visrec {version('visrec')}")
        raise typer.Exit


@app.callback()
def connect(
    context: typer.Context,
    timeout: Annotated[float, typer.Option(min=0.1, help="Longest wait for an answer, in seconds.")] = 10.0,
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it and exit.")] = False,
) -> None:
    """Visual recommendations from the command line.

    The services are looked for where `python -m services all` starts them on this machine, or where
    VISREC_EMBEDDER_TARGET, VISREC_INDEXER_TARGET, VISREC_PROFILE_TARGET and VISREC_RANKER_TARGET say. VISREC_CHANNEL_CA
    (a PEM file) makes the connection encrypted. VISREC_CATALOGUE saves typing -c NAME.

    A first walk:

    ```
    visrec ingest photos/ -c shop          # sub-folders are categories
    visrec similar -c shop --photo boot.jpg
    visrec user put anna --personalisation
    visrec events record anna like ITEM -c shop
    visrec recommend -c shop --user anna --photo boot.jpg --explain
    ```
    """
    client = Client.from_environment(os.environ, timeout_s=timeout)
    context.call_on_close(client.close)
    width = None if sys.stdout.isatty() else PIPE_WIDTH
    context.obj = Session(client, Console(width=width), Console(stderr=True))


app.command("ingest")(items.ingest)
app.command("recommend")(recommend.recommend)
app.command("next")(results.next_page)
app.command("explain")(results.explain)
app.command("shown")(results.shown)
app.command("similar")(looking.similar)
app.command("popular")(looking.popular)
app.command("stats")(catalogues.stats)
app.command("model")(catalogues.model)
app.add_typer(catalogues.catalogue_app, name="catalogue")
app.add_typer(items.item_app, name="item")
app.add_typer(people.user_app, name="user")
app.add_typer(people.events_app, name="events")
app.add_typer(segments.segments_app, name="segments")
app.add_typer(scenes.scene_app, name="scene")
app.add_typer(experiments.experiment_app, name="experiment")

if __name__ == "__main__":
    app()
