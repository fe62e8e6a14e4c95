"""`make bench-profile`: what tastes and events cost, and what people take.

reading  CPU of GetTaste and of GetTastes of 32, of tastes that are kept, beside an empty gRPC call
writing  events per second that are recorded so that they last (append-only file, fsync always)
memory   bytes of a person in Redis, apart for who they are, their events and their taste

Starts an indexer, a profile service and a Redis of its own. Prints tables, writes var/bench/profile.json, and ends with
exit code 1 when a bar is missed or something could not be measured.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import machine
from bench.embedder.bars import Bar
from bench.failure import BenchFailed
from bench.fleet import ROOT
from bench.grid import grid
from bench.indexer.tables import bars as bars_table
from bench.profile import holding, reading, town, writing
from bench.profile.holding import Held
from bench.profile.reading import Read
from bench.profile.town import Say, Town
from bench.profile.writing import Written

FILE = ROOT / "var" / "bench" / "profile.json"
SECTIONS = ("reading", "writing", "memory")
PEOPLE, MANY_PEOPLE = 5000, 100_000
PROJECTED = (10**6, 10**8)

console = Console()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and reports."""
    options = _parser().parse_args(arguments)
    found: dict[str, Any] = {}
    bars: list[Bar] = []
    try:
        with console.status("starting") as status, town.opened(status.update) as place:
            for name in options.only:
                tables, made, figures = _measured(name, place, options, status.update)
                found[name] = figures
                bars += made
                for table in tables:
                    console.print(table)
    except BenchFailed as problem:
        console.print(f"[red]{problem}[/red]")
        return 1
    console.print(bars_table(bars))
    where = machine.describe()
    console.print(", ".join(f"{name} {value}" for name, value in where.items()))
    known = json.loads(FILE.read_text()) if FILE.exists() else {}
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(
        json.dumps(known | {name: {"machine": where, **figures} for name, figures in found.items()}, indent=1)
    )
    console.print(f"written: {FILE}")
    return 0 if all(bar.held for bar in bars) else 1


def _measured(
    name: str, place: Town, options: argparse.Namespace, say: Say
) -> tuple[list[Table], list[Bar], dict[str, Any]]:
    if name == "reading":
        read = reading.measure(place, options.seconds, say)
        return [_reading(read)], read.bars(), asdict(read)
    if name == "writing":
        written = writing.measure(place, options.seconds, say)
        return (
            [_writing(written)],
            [bar for each in written for bar in each.bars()],
            {"written": [asdict(each) for each in written]},
        )
    held = holding.measure(place, MANY_PEOPLE if options.full else options.people, say)
    return [_memory(held)], held.bars(), asdict(held)


def _reading(read: Read) -> Table:
    table = grid(
        f"a kept taste; CPU of the service, ms; medians of {len(read.rounds)} rounds",
        ("CPU", "x empty", "least", "most", "per s", "p50", "p99"),
    )
    rows = (
        ("empty call", read.middle("empty"), None),
        (f"GetTaste, {read.interests:.1f} interests", read.middle("one"), False),
        (f"GetTastes of {reading.MANY}", read.middle("many"), True),
    )
    for name, each, of_many in rows:
        ratios = ("", "", "") if of_many is None else (f"{n:.2f}" for n in (read.ratio(of_many), *read.spread(of_many)))
        cells = (f"{each.per_s:.0f}", f"{each.latency.p50_ms:.2f}", f"{each.latency.p99_ms:.2f}")
        table.add_row(name, f"{each.cpu_ms:.3f}", *ratios, *cells)
    steady = read.steady
    table.add_row(
        f"GetTaste, {read.steady_per_s:.0f}/s", "", "", "", "", "", f"{steady.p50_ms:.2f}", f"{steady.p99_ms:.2f}"
    )
    table.caption = f"of Redis, for each GetTaste: {read.redis_ms:.3f} ms"
    return table


def _writing(written: Sequence[Written]) -> Table:
    table = grid("events that last", ("events/s", "CPU, ms", "of Redis"))
    for each in written:
        table.add_row(each.name, f"{each.per_s:.0f}", f"{each.cpu_ms:.3f}", f"{each.redis_ms:.3f}")
    return table


def _memory(held: Held) -> Table:
    table = grid(f"a person in Redis, of {held.people:,}; bytes", ("one", *(f"{count:,}, GB" for count in PROJECTED)))
    parts = (
        ("who they are", held.profile),
        (f"{held.events} events", held.window),
        ("taste", held.taste),
        ("together", held.total),
    )
    for name, size in parts:
        table.add_row(name, f"{size:.0f}", *(f"{size * count / 1e9:.1f}" for count in PROJECTED))
    return table


def _parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="python -m bench.profile", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    found.add_argument("--only", type=_sections, default=SECTIONS, help=f"some of {','.join(SECTIONS)} (default all)")
    found.add_argument("--people", type=int, default=PEOPLE, help=f"for memory (default {PEOPLE})")
    found.add_argument("--full", action="store_true", help=f"memory of {MANY_PEOPLE:,} people: ten minutes or more")
    found.add_argument("--seconds", type=float, default=3.0, help="each load takes (default 3)")
    return found


def _sections(text: str) -> tuple[str, ...]:
    words = text.split(",")
    if unknown := set(words) - set(SECTIONS):
        raise argparse.ArgumentTypeError(f"no such section: {', '.join(sorted(unknown))}")
    return tuple(each for each in SECTIONS if each in words)


if __name__ == "__main__":
    sys.exit(main())
