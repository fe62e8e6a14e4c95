"""Training at a terminal: torch looked for, bars on the way, how it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from services.errors import VisrecError
from train.photos import WrongList

EXIT_WRONG, EXIT_NOTHING, EXIT_STOPPED = 2, 3, 130

OnPhase = Callable[[str, int], Callable[[int], None]]
"""What begins, and how many steps it has; gives what is told of each."""


def with_torch(threads: int, notes: Console) -> None:
    """Exits with EXIT_WRONG where it is not installed."""
    try:
        import torch
    except ModuleNotFoundError as missing:
        if missing.name != "torch":
            raise
        notes.print("[bold red]error:[/] torch is missing: pip install '.\\[train]', or make train")
        raise typer.Exit(EXIT_WRONG) from missing
    torch.set_num_threads(threads)


@contextmanager
def told(notes: Console) -> Iterator[OnPhase]:
    """A bar for each phase of what is done inside, and what stops it as an exit code with a sentence."""
    try:
        with _progress(notes) as progress:
            yield lambda what, total: _phase(progress, what, total)
    except (WrongList, VisrecError) as wrong:
        notes.print(f"[bold red]error:[/] {escape(str(wrong))}")
        raise typer.Exit(EXIT_WRONG) from wrong
    except OSError as problem:
        where = f"{problem.filename}: " if problem.filename else ""
        notes.print(f"[bold red]error:[/] {escape(where + (problem.strerror or str(problem)))}; no model was written")
        raise typer.Exit(EXIT_WRONG) from problem
    except KeyboardInterrupt as stopped:
        notes.print("stopped; no model was written")
        raise typer.Exit(EXIT_STOPPED) from stopped


def _phase(progress: Progress, what: str, total: int) -> Callable[[int], None]:
    task = progress.add_task(what, total=total)
    return lambda more: progress.advance(task, more)


def _progress(notes: Console) -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=notes, transient=True)
