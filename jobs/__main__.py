"""python -m jobs NAME: batch work, from the command line."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

try:
    from jobs import scene_commands, space_commands, tables
    from jobs.calibrate import CalibrateJob, NoCurves
    from jobs.curves import with_curves
    from jobs.forget import ForgetJob
    from jobs.pages import Patience
    from jobs.rebuild import RebuildJob
    from jobs.segment_people import SegmentJob
    from jobs.segmenting import Rules
    from jobs.terminal import CatalogueOption, PatienceOption, progress_on, run
except ModuleNotFoundError as missing:
    if missing.name != "numpy":
        raise
    sys.exit("error: jobs need numpy, which callers do not: pip install '.[jobs]'")
from visrec.connection import Connection

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=False,
)

_RULES = Rules()
_SAMPLE = 50_000


@app.callback()
def jobs() -> None:
    """Batch work over what the services keep.

    Jobs speak to running services, as any caller does: where `python -m services all` starts them on this machine, or
    where VISREC_EMBEDDER_TARGET, VISREC_INDEXER_TARGET, VISREC_PROFILE_TARGET and VISREC_RANKER_TARGET say;
    VISREC_CHANNEL_CA (a PEM file) encrypts. What they find is kept by the services; only `calibrate` writes a file.
    They may be stopped and run again at any time.

    Exit codes: 0 done; 1 a service refused or went away; 2 the command was wrong; 3 there was nothing to do;
    130 stopped by Ctrl-C.
    """


@app.command()
def segments(
    catalogue: CatalogueOption,
    *,
    min_people: Annotated[
        int,
        typer.Option(
            min=2,
            help="People below which a group is nobody's: not put, not described. The service has a bound of its own, "
            "VISREC_PROFILE_SEGMENT_MIN_PEOPLE, and drops what is smaller.",
        ),
    ] = _RULES.min_people,
    min_item_people: Annotated[
        int, typer.Option(min=2, help="People of a segment that must like an item before it is told as typical.")
    ] = _RULES.min_item_people,
    most: Annotated[int, typer.Option(min=2, max=256, help="Most segments.")] = _RULES.most,
    most_people: Annotated[
        int,
        typer.Option(
            "--sample", min=100, max=1_000_000, help="People that are looked at: a random sample where there are more."
        ),
    ] = _SAMPLE,
    seed: Annotated[int, typer.Option(help="Of all chance. The same people and seed make the same segments.")] = (
        _RULES.seed
    ),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Find and show them, and put nothing.")] = False,
    patience: PatienceOption = 60.0,
) -> None:
    """Find groups of people who like alike, describe them, and put them into place.

    Reads the features of everybody who consents to personalisation and to segments, under pseudonyms of this run.
    Tries 2, 3, … groups and takes the number with the best silhouette. The segments replace those before, at once;
    people are told which they are in when they are next looked at, newcomers by what they say of themselves.

    ```
    python -m jobs segments -c shop --dry-run
    python -m jobs segments -c shop
    ```
    """
    rules = Rules(min_people, min_item_people, most, seed)

    def work(connection: Connection, out: Console, notes: Console) -> None:
        job = SegmentJob(connection, catalogue, rules, Patience(patience, time.sleep, time.monotonic), most_people)
        with progress_on(notes) as progress:
            task = progress.add_task("people read", total=None)
            report = job.run(lambda count: progress.advance(task, count), put=not dry_run)
        for piece in tables.segments(report, rules):
            out.print(piece)

    run(work)


@app.command("rebuild-profiles")
def rebuild_profiles(
    catalogue: CatalogueOption,
    *,
    space: Annotated[
        str,
        typer.Option(metavar="NAME", help="In which space, by name or alias. Left out: in the present one."),
    ] = "",
    page_size: Annotated[int, typer.Option(min=1, max=1000, help="People of one call.")] = 100,
    start: Annotated[
        str, typer.Option("--from", metavar="TOKEN", help="Go on where a run broke off: it says this token.")
    ] = "",
    patience: PatienceOption = 60.0,
) -> None:
    """Make everybody's taste anew from what is kept of them.

    Fills a new space before an alias moves to it, so that nobody's first look at it has to wait:

    ```
    python -m jobs rebuild-profiles -c shop --space visual@0123456789abcdef
    ```
    """

    def work(connection: Connection, out: Console, notes: Console) -> None:
        job = RebuildJob(connection, catalogue, Patience(patience, time.sleep, time.monotonic), space, page_size, start)
        with progress_on(notes) as progress:
            task = progress.add_task("people", total=None)
            done = job.run(lambda so_far: progress.update(task, completed=so_far.people))
        out.print(tables.rebuilt(done, catalogue, space))

    run(work, resumes=True)


@app.command()
def calibrate(
    catalogue: CatalogueOption,
    file: Annotated[
        Path,
        typer.Option("--file", "-f", dir_okay=False, help="The calibration; other catalogues' curves in it stay."),
    ],
    *,
    most_items: Annotated[
        int, typer.Option("--sample", min=2, max=100_000, help="Items that are looked at, where there are more.")
    ] = 5_000,
    pairs: Annotated[int, typer.Option(min=100, max=10_000_000, help="Pairs of them that are compared.")] = 1_000_000,
    seed: Annotated[int, typer.Option(help="Of all chance. The same items and seed make the same curves.")] = 1,
    patience: PatienceOption = 60.0,
) -> None:
    """Find out how rare likeness is in a catalogue, and write the curves by which the ranker tells.

    The ranker reads the file that VISREC_RANKER_CALIBRATION names when it starts. Curves hold for the catalogue's
    present visual space; in another one they are not used.

    ```
    python -m jobs calibrate -c shop -f calibration.json
    ```
    """

    def work(connection: Connection, out: Console, notes: Console) -> None:
        before = file.read_text() if file.exists() else ""
        job = CalibrateJob(
            connection, catalogue, Patience(patience, time.sleep, time.monotonic), most_items, pairs, seed
        )
        with progress_on(notes) as progress:
            task = progress.add_task("items read", total=None)
            found = job.run(lambda count: progress.advance(task, count))
        try:
            text, version = with_curves(before, catalogue, found.space, found.curves)
        except ValueError as error:
            raise NoCurves(f"{file}: {error}") from error
        written = file.with_name(f".{file.name}.new")
        written.write_text(text)
        written.replace(file)
        out.print(tables.calibrated(found, version))
        out.print(
            f"To use it, start the ranker with VISREC_RANKER_CALIBRATION={escape(str(file.resolve()))}", soft_wrap=True
        )

    run(work)


app.command()(space_commands.head)
app.command()(space_commands.collaborative)
app.command()(scene_commands.weights)
app.command()(scene_commands.experiment)


@app.command("forget-catalogue")
def forget_catalogue(
    catalogue: CatalogueOption,
    *,
    start: Annotated[
        str, typer.Option("--from", metavar="TOKEN", help="Go on where a run broke off: it says this token.")
    ] = "",
    patience: PatienceOption = 60.0,
) -> None:
    """Remove what people did in a catalogue that was deleted.

    Deleting a catalogue leaves their events, tastes and what was popular, and a new one of its name inherits them. This
    takes them away, of everybody. While the catalogue exists it is refused.

    ```
    visrec catalogue delete shop
    python -m jobs forget-catalogue -c shop
    ```
    """

    def work(connection: Connection, out: Console, notes: Console) -> None:
        job = ForgetJob(connection, catalogue, Patience(patience, time.sleep, time.monotonic), start)
        with progress_on(notes) as progress:
            task = progress.add_task("people", total=None)
            people = job.run(lambda count: progress.advance(task, count))
        out.print(f"What {people:,} people did in {catalogue} is forgotten, and what was popular there.")

    run(work, resumes=True)


if __name__ == "__main__":
    app()
