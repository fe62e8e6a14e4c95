"""`make bench-embedder`: the embedder beside a bare loop over the same photos and graph, and other model servers.

Everything is measured in one run, one thing after the other, each a process of its own with metrics on where there are
any. CPU is the user and system time of a server with all of its processes. The callers share the processors with the
servers; the bare loop has them for itself. Prints tables, writes var/bench/embedder.json, and ends with exit code 1
when a bar is missed. `--soak` watches the embedder's memory over 50,000 photos instead.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bench import machine
from bench.embedder import bars, callers, graph, servers, soak, tables
from bench.embedder.bare import Bare, drift
from bench.embedder.bars import Bar
from bench.embedder.measure import Method
from bench.embedder.photos import Photos
from bench.embedder.run import Run, run, steps
from bench.failure import BenchFailed

QUIET = 0.1
"""Drift of the bare loop above which the figures are said to be of a busy machine …"""
WHOLE = 1.8
"""… and cores that its two threads got below which they are."""

console = Console()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and reports; the exit code is 1 when a bar is missed or nothing could be measured."""
    options = _options(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="visrec-bench-") as name:
            folder = Path(name)
            exported = options.graph or _exported(folder / "network.onnx")
            found = soaked(options, exported, folder) if options.soak else compared(options, exported, folder)
    except BenchFailed as error:
        console.print(f"[red]{error}[/red]")
        return 1
    return 0 if all(bar.held for bar in found) else 1


def compared(options: argparse.Namespace, graph: Path, folder: Path) -> list[Bar]:
    """The comparison, reported. Raises BenchFailed."""
    others = not options.alone
    versions = servers.peer_versions() if others else {}
    by = callers.best()
    with _progress("", steps(others)) as (say, _):
        found = run(graph, Method(by, Photos.written(folder), options.seconds, say), folder, others=others)
    bare = Bare.mean(found.bare)
    held = bars.of(bare, found.servers[0])
    where = machine.describe() | versions
    _write("embedder.json", machine=where, callers=by.name, **asdict(found), bars=[asdict(bar) for bar in held])
    console.print(tables.figures(bare, found.servers), tables.steady(found.servers), tables.bars(held))
    console.print(_notes(found, by.name))
    console.print(", ".join(f"{name} {value}" for name, value in where.items()))
    return held


def soaked(options: argparse.Namespace, graph: Path, folder: Path) -> list[Bar]:
    """The embedder's memory, reported. Raises BenchFailed."""
    with _progress("photos", options.photos) as (say, advance):
        found = soak.run(graph, folder, options.photos, say, advance)
    held = found.bars()
    _write("embedder-memory.json", machine=machine.describe(), series=[asdict(each) for each in found.samples])
    (servers.FOLDER / "embedder-memory.svg").write_text(found.svg())
    console.print(tables.bars(held))
    console.print("var/bench/embedder-memory.json has the series, embedder-memory.svg shows it")
    return held


def _exported(path: Path) -> Path:
    with console.status("The embedder hands out its graph"):
        graph.export(path)
    return path


@contextmanager
def _progress(unit: str, total: int) -> Iterator[tuple[Callable[[str], None], Callable[[int], None]]]:
    """Two functions: one says what is being done, which without a `unit` is a step; the other, that so many units are
    done."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        task = progress.add_task("", total=total)

        def say(what: str) -> None:
            progress.update(task, description=what, advance=0 if unit else 1)

        yield say, lambda count: progress.advance(task, count)


def _notes(found: Run, by: str) -> str:
    """What has to be known to read the tables."""
    cores = ", ".join(f"{each.name} {each.callers_cores:.2f}" for each in found.servers)
    moved, got = drift(found.bare), min(each.cores for each in found.bare)
    lines = f"""\
CPU is of all processes of a server for each photo, x is that beside the bare loop's with one thread; MB is the
proportional set size of all of them, warm and at the end. The bare loop had the processors for itself; the servers
shared them with the 16 callers ({by}), which took, in cores: {cores}.
Between its {len(found.bare)} runs the bare loop's CPU of a photo moved by {moved:.0%}, and its two threads
got {got:.2f} cores or more.""".splitlines()
    busy = ["[red]The machine was busy: these figures mean little.[/red]"] if moved > QUIET or got < WHOLE else []
    return " ".join([*lines, *busy])


def _write(name: str, **found: object) -> None:
    servers.FOLDER.mkdir(parents=True, exist_ok=True)
    (servers.FOLDER / name).write_text(json.dumps(found, indent=2) + "\n")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.embedder", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=8.0, help="each measurement takes (default 8)")
    parser.add_argument("--alone", action="store_true", help="leave the other servers out")
    parser.add_argument("--soak", action="store_true", help="watch memory instead of comparing")
    parser.add_argument("--photos", type=int, default=50_000, help="of the soak (default 50000)")
    parser.add_argument(
        "--graph", type=Path, help="an ONNX file to compare by, instead of asking the embedder for its own"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
