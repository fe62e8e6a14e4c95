"""`make bench-ranker`: what a recommendation costs with everything that stands behind it.

Starts the four services and a Redis of its own, metrics on, with a catalogue and people who like items of it, and asks
for recommendations of everybody in turn from 64 callers. CPU is the user and system time of all five processes; what
the callers take is not counted. The bare searches are those of FAISS alone for the same interests. Prints tables,
writes var/bench/ranker.json, and ends with exit code 1 when a bar is missed or something could not be measured.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from statistics import median

from rich.console import Console
from rich.table import Table

from bench import machine
from bench.failure import BenchFailed
from bench.fleet import ROOT
from bench.grid import grid
from bench.indexer.load import Load
from bench.indexer.tables import bars as bars_table
from bench.ranker import city
from bench.ranker.measure import Measured, measure

FILE = ROOT / "var" / "bench" / "ranker.json"
ITEMS, PEOPLE = 100_000, 10_000

console = Console()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and reports."""
    options = _parser().parse_args(arguments)
    try:
        with (
            console.status("starting") as status,
            city.opened(options.items, options.people, status.update, keep=options.keep) as place,
        ):
            found = measure(place, options.rounds, options.seconds, status.update)
    except BenchFailed as problem:
        console.print(f"[red]{problem}[/red]")
        return 1
    bars = found.bars()
    for table in (loads(found), processes(found), bars_table(bars)):
        console.print(table)
    where = machine.describe()
    console.print(f"{options.items:,} items, {options.people:,} people; a metric every call, no traces")
    console.print(", ".join(f"{name} {value}" for name, value in where.items()))
    FILE.parent.mkdir(parents=True, exist_ok=True)
    told = {"machine": where, "items": options.items, "people": options.people, **asdict(found)}
    FILE.write_text(json.dumps(told, indent=1) + "\n")
    console.print(f"written: {FILE}")
    return 0 if all(bar.held for bar in bars) else 1


def loads(found: Measured) -> Table:
    """One row for each kind of call."""
    title = f"recommendations for a person, and for a photo and a person; medians of {len(found.rounds)} rounds"
    table = grid(title, ("CPU, ms", "per s", "p50", "p99", "own cores"))
    rows = {
        "empty call": [each.empty for each in found.rounds],
        "a person": [each.person for each in found.rounds],
        "embed a photo": [found.embed],
        "a photo and a person": [found.photo],
    }
    for name, each in rows.items():
        table.add_row(name, *_cells(each))
    table.add_row(f"bare searches, {found.interests:.2f} of 50", f"{found.search_ms:.3f}", "", "", "", "")
    steady = found.steady
    table.add_row(f"a person, {found.steady_per_s:.0f}/s", "", "", f"{steady.p50_ms:.2f}", f"{steady.p99_ms:.2f}", "")
    table.caption = f"own cores: of the callers; the bare searches find {found.recall:.3f} of the nearest fifty"
    return table


def processes(found: Measured) -> Table:
    """Which process the CPU of an answer is spent in."""
    table = grid("CPU of an answer, ms", (*(names := list(found.rounds[0].parts)), "together"))
    parts = [median(each.parts[name] for each in found.rounds) for name in names]
    table.add_row("for a person", *(f"{ms:.3f}" for ms in parts), f"{found.cpu_ms:.3f}")
    parts = [found.photo_parts[name] for name in names]
    table.add_row("with a photo", *(f"{ms:.3f}" for ms in parts), f"{found.photo.cpu_ms:.3f}")
    return table


def _cells(every: Sequence[Load]) -> list[str]:
    cpu, per_s = median(each.cpu_ms for each in every), median(each.per_s for each in every)
    p50, p99 = (median(getattr(each.latency, name) for each in every) for name in ("p50_ms", "p99_ms"))
    return [f"{cpu:.3f}", f"{per_s:.0f}", f"{p50:.2f}", f"{p99:.2f}", f"{median(e.own_cores for e in every):.2f}"]


def _parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="python -m bench.ranker", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    found.add_argument("--items", type=int, default=ITEMS, help=f"in the catalogue (default {ITEMS})")
    found.add_argument("--people", type=int, default=PEOPLE, help=f"who are asked for (default {PEOPLE})")
    found.add_argument("--rounds", type=int, default=3, help="of which medians are told (default 3)")
    found.add_argument("--seconds", type=float, default=5.0, help="each load takes (default 5)")
    found.add_argument("--keep", action="store_true", help="keep what was filled, and take what an earlier run kept")
    return found


if __name__ == "__main__":
    sys.exit(main())
