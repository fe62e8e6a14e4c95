"""A job at a terminal: what all commands take, bars on the way, and how each ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from jobs.calibrate import NoCurves
from jobs.head.reading import NothingLearned
from jobs.learn_head import OnPhase
from jobs.pages import BrokenOff
from jobs.rebuild import NoSuchSpace
from jobs.scene_keeper import TooLittle
from jobs.segment_people import NoSegments
from visrec.commands.faults import sentence
from visrec.connection import Connection, Targets, WrongConnection
from visrec.errors import VisrecCallError
from visrec.scenes import NoScene

EXIT_FAILED = 1
EXIT_WRONG = 2
EXIT_NOTHING = 3
EXIT_STOPPED = 130

EXTRA = frozenset({"implicit", "scipy", "threadpoolctl"})
"""Packages that only some jobs need, and load when they do."""

CALL_S = 60.0
PIPE_WIDTH = 160
"""Letters in a line where the output is not a terminal."""

CatalogueOption = Annotated[
    str, typer.Option("--catalogue", "-c", envvar="VISREC_CATALOGUE", help="Name of the catalogue.", metavar="NAME")
]
PatienceOption = Annotated[
    float,
    typer.Option(min=0, metavar="SECONDS", help="How long to go on asking a service that is away or busy."),
]


def run(work: Callable[[Connection, Console, Console], None], *, resumes: bool = False) -> None:
    """`work` is given a connection, the console for answers and the one for everything else. `resumes`: the command
    takes --from TOKEN."""
    out = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)
    notes = Console(stderr=True, soft_wrap=True, highlight=False)
    try:
        with Connection(Targets.from_environment(os.environ), CALL_S) as connection:
            work(connection, out, notes)
    except (NoSegments, NoCurves, NothingLearned, TooLittle) as reason:
        notes.print(f"[bold]nothing was put:[/] {escape(str(reason))}")
        raise typer.Exit(EXIT_NOTHING) from reason
    except (NoSuchSpace, NoScene) as wrong:
        notes.print(f"[bold red]error:[/] {escape(str(wrong))}")
        raise typer.Exit(EXIT_WRONG) from wrong
    except BrokenOff as broken:
        notes.print(f"[bold red]error:[/] {escape(f'{sentence(broken.cause)}; {_going_on(broken, resumes)}')}")
        raise typer.Exit(EXIT_FAILED) from broken
    except ModuleNotFoundError as missing:
        package = (missing.name or "").partition(".")[0]
        if package not in EXTRA:
            raise
        notes.print(f"[bold red]error:[/] this job needs {package}: pip install '.\\[jobs]'")
        raise typer.Exit(EXIT_WRONG) from missing
    except (VisrecCallError, WrongConnection, OSError) as error:
        notes.print(f"[bold red]error:[/] {escape(sentence(error))}")
        raise typer.Exit(EXIT_FAILED) from error
    except KeyboardInterrupt as stopped:
        notes.print("stopped")
        raise typer.Exit(EXIT_STOPPED) from stopped


def _going_on(broken: BrokenOff, resumes: bool) -> str:
    if broken.token and resumes:
        return f"go on with --from {broken.token}"
    return "then run it again"


def phases(progress: Progress) -> OnPhase:
    """A bar for each phase of a job."""

    def begin(what: str, total: float | None) -> Callable[[float], None]:
        task = progress.add_task(what, total=total)
        return lambda more: progress.advance(task, more)

    return begin


def progress_on(notes: Console) -> Progress:
    """Bars that go away when they are done."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f}"),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=notes, transient=True)
