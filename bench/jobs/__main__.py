"""`make bench-jobs`: what batch work takes where there is much of everything, and what is left when it is killed.

Starts the four services and a Redis of its own with a made-up catalogue, people and what they did (bench/jobs/goods.py
and crowd.py say what these are made of), and runs every job as `python -m jobs` does. With --kill all of them once more
over the same beginning: each is killed after a share of its time, and killed again, and run to its end; it must make
what it made before, and people must be answered meanwhile.

Prints tables, writes var/bench/jobs.json, and ends with exit code 1 when a bar is missed or something could not be
measured.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench import machine
from bench.failure import BenchFailed
from bench.fleet import ROOT
from bench.grid import grid
from bench.indexer.tables import bars as bars_table
from bench.jobs import place, plan, rounds
from bench.jobs.rounds import Killed, Stage, Whole
from visrec.errors import VisrecCallError

FILE = ROOT / "var" / "bench" / "jobs.json"
ITEMS, PEOPLE = 100_000, 10_000
SHARES = (0.4, 0.8)

console = Console()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and reports."""
    options = _parser().parse_args(arguments)
    again: dict[str, Killed] = {}
    try:
        with (
            console.status("starting") as status,
            TemporaryDirectory(prefix="visrec-bench-") as printed,
            place.filled(options.items, options.people, status.update, keep=options.keep) as folder,
        ):
            jobs = plan.jobs(Path(printed))
            jobs = [job for job in jobs if not options.only or job.arguments[0] in options.only]
            with place.copied(folder, status.update) as fleet:
                found = Stage(fleet, Path(printed), options.people, status.update).whole(jobs)
            console.print(took(found))
            if options.kill:
                with place.copied(folder, status.update) as fleet:
                    stage = Stage(fleet, Path(printed), options.people, status.update)
                    again = stage.killed(jobs, found, options.kill)
                console.print(survived(again))
    except (BenchFailed, VisrecCallError) as problem:
        console.print(f"[red]{escape(str(problem))}[/red]")
        return 1
    bars = [*found.bars(), *(rounds.bars(again) if again else [])]
    console.print(bars_table(bars))
    _tell(found)
    where = machine.describe()
    console.print(f"{options.items:,} items, {options.people:,} people")
    console.print(", ".join(f"{name} {value}" for name, value in where.items()))
    _save({"machine": where, "items": options.items, "people": options.people}, found, again)
    return 0 if all(bar.held for bar in bars) else 1


def took(found: Whole) -> Table:
    """One row for each job."""
    table = grid("jobs one after the other", ("s", "CPU, s", "services", "MB", "services", "grown", "exit"))
    for name, each in found.ran.items():
        cells = (each.wall_s, each.cpu_s, sum(each.services_cpu_s.values()), each.peak_mb, each.services_mb)
        table.add_row(name, *(f"{cell:,.0f}" for cell in (*cells, each.grown_mb)), str(each.exit_code))
    table.add_row("together", f"{found.seconds:,.0f}", *[""] * 6)
    table.caption = "MB: the most that was resident, of the job, and of all services and Redis"
    return table


def survived(found: Mapping[str, Killed]) -> Table:
    """One row for each job that was killed."""
    table = grid("killed, and run again", ("killed at, s", "then took", "exit", "the same", "answers"))
    for name, each in found.items():
        moments = ", ".join(f"{at:.0f}" for at in each.after_s)
        kept = "" if each.kept is None else f"{each.kept:.0%}"
        same = "yes" if each.same else "no"
        table.add_row(name, moments, f"{each.again.wall_s:.0f}", str(each.again.exit_code), same, kept)
    table.caption = "answers: how many of those from before the job are given while it lies dead, at least"
    return table


def _tell(found: Whole) -> None:
    """What those said that did not end well."""
    for name, each in found.ran.items():
        if each.exit_code:
            console.print(f"{name}: exit code {each.exit_code}\n{each.printed}", markup=False)


def _save(told: dict[str, object], found: Whole, again: Mapping[str, Killed]) -> None:
    told["jobs"] = {name: asdict(each) for name, each in found.ran.items()}
    told["killed"] = {name: asdict(each) for name, each in again.items()}
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(json.dumps(told, indent=1) + "\n")
    console.print(f"written: {FILE}")


def _parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="python -m bench.jobs", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    found.add_argument("--items", type=int, default=ITEMS, help=f"in the catalogue (default {ITEMS})")
    found.add_argument("--people", type=int, default=PEOPLE, help=f"who did something (default {PEOPLE})")
    found.add_argument("--only", type=lambda text: text.split(","), help="jobs, with commas between (default all)")
    found.add_argument("--keep", action="store_true", help="keep what was filled, and take what an earlier run kept")
    found.add_argument(
        "--kill",
        type=_shares,
        nargs="?",
        const=SHARES,
        metavar="SHARES",
        help=f"kill each after these shares of its time (default {','.join(map(str, SHARES))})",
    )
    return found


def _shares(text: str) -> tuple[float, ...]:
    shares = tuple(float(part) for part in text.split(","))
    if not all(0 < share < 1 for share in shares):
        raise argparse.ArgumentTypeError("shares are between 0 and 1")
    return shares


if __name__ == "__main__":
    sys.exit(main())
