"""`make bench`: what the services do on this machine, and what an answer costs in CPU beside an empty gRPC call.

Starts a private set of services with metrics on, fills a catalogue of vectors, and sends each request from one caller
and then from 32. CPU is the user and system time of all service processes and of Redis over a run, divided by its
answers; the load generator shares the machine and is not counted. Prints a table and writes var/bench/cost.json.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench import cases, machine
from bench.cases import Case
from bench.failure import BenchFailed
from bench.fleet import ROOT, Fleet, started
from bench.generators import Generator, best
from visrec.client import Client
from visrec.errors import VisrecCallError

FOLDER = ROOT / "var" / "bench"
CALLERS = 32
WARM_UP_S = 1.0

console = Console()


@dataclass(frozen=True)
class Cost:
    """What one case came to: latencies in milliseconds, alone and from 32 callers; CPU in milliseconds for each answer
    by process, from 32 callers."""

    name: str
    alone_p50_ms: float
    alone_p99_ms: float
    per_s: float
    p50_ms: float
    p99_ms: float
    cpu_ms: dict[str, float]

    @property
    def total_cpu_ms(self) -> float:
        """Of all processes together."""
        return sum(self.cpu_ms.values())


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures everything and reports it; the exit code is 1 when a call failed or nothing could be measured."""
    options = _options(arguments)
    generator = best()
    try:
        console.print("Starting the services; the first start builds the network.")
        with started() as fleet:
            costs = list(measure_all(fleet, generator, options.items, options.seconds))
    except (BenchFailed, VisrecCallError) as error:
        console.print(f"[red]{error}[/red]")
        return 1
    report(costs, generator.name, options.items)
    return 0


def measure_all(fleet: Fleet, generator: Generator, items: int, seconds: float) -> Iterator[Cost]:
    """Fills the catalogue, then one Cost after the other, the empty call first. Raises BenchFailed."""
    with Client.connect(fleet.targets) as client:
        with Progress(console=console) as progress:
            filling = progress.add_task(f"Filling a catalogue of {items} vectors", total=items)
            cases.fill(client, items, lambda: progress.advance(filling))
        with console.status("Waiting for the index to settle"):
            fleet.settle()
        failures = _failed_calls(fleet)
        with cases.empty_call() as case:
            yield measure(case, generator, seconds)
        for case in cases.main_calls(client, fleet):
            yield measure(case, generator, seconds)
    if _failed_calls(fleet) != failures:
        raise BenchFailed("calls failed while they were measured; the services' metrics have their statuses")


def measure(case: Case, generator: Generator, seconds: float) -> Cost:
    """A case from one caller and from CALLERS, each for `seconds`, after a warm-up."""
    with console.status(f"Measuring: {case.name}"):
        generator.run(case.request, 1, WARM_UP_S)
        alone = generator.run(case.request, 1, seconds)
        before = _cpu_s(case)
        full = generator.run(case.request, CALLERS, seconds)
        spent = {name: used - before[name] for name, used in _cpu_s(case).items()}
    return Cost(
        name=case.name,
        alone_p50_ms=alone.percentile_ms(50),
        alone_p99_ms=alone.percentile_ms(99),
        per_s=full.per_s,
        p50_ms=full.percentile_ms(50),
        p99_ms=full.percentile_ms(99),
        cpu_ms={name: seconds_spent * 1e3 / full.answers for name, seconds_spent in spent.items()},
    )


def report(costs: Sequence[Cost], generator: str, items: int) -> None:
    """The table on the terminal, and everything in var/bench/cost.json."""
    where = machine.describe()
    console.print(table(costs))
    console.print(processes(costs))
    console.print(
        f"{items} items; load by {generator}; " + ", ".join(f"{name} {value}" for name, value in where.items())
    )
    FOLDER.mkdir(parents=True, exist_ok=True)
    found = {"machine": where, "generator": generator, "items": items, "costs": [asdict(each) for each in costs]}
    (FOLDER / "cost.json").write_text(json.dumps(found, indent=2) + "\n")


def table(costs: Sequence[Cost]) -> Table:
    """One row for each case, within 80 columns."""
    table = Table(title=f"one caller, then {CALLERS}; ms; metrics on", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("call", no_wrap=True)
    for column in ("1: p50", "p99", f"{CALLERS}: per s", "p50", "p99", "CPU", "x empty"):
        table.add_column(column, justify="right", no_wrap=True)
    for each in costs:
        alone, full = (each.alone_p50_ms, each.alone_p99_ms), (each.p50_ms, each.p99_ms, each.total_cpu_ms)
        ratio = each.total_cpu_ms / costs[0].total_cpu_ms
        cells = [*(f"{ms:.2f}" for ms in alone), f"{each.per_s:.0f}", *(f"{ms:.2f}" for ms in full), f"{ratio:.1f}"]
        table.add_row(each.name, *cells)
    return table


def processes(costs: Sequence[Cost]) -> Table:
    """Which process the CPU of an answer was spent in, ms; one row for each case, one column for each process."""
    names = list(dict.fromkeys(name for each in costs for name in each.cpu_ms))
    table = Table(title="CPU of an answer by process, ms", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("call", no_wrap=True)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for each in costs:
        table.add_row(each.name, *(f"{each.cpu_ms[name]:.2f}" if name in each.cpu_ms else "" for name in names))
    return table


def _cpu_s(case: Case) -> dict[str, float]:
    """Of each process and of those below it: the embedder works in some."""
    return {
        name: sum(sum(each.cpu_times()[:2]) for each in (process, *process.children(recursive=True)))
        for name, process in case.processes.items()
    }


def _failed_calls(fleet: Fleet) -> float:
    """Calls that the services have answered with another status than OK, since they started."""
    failed = 0.0
    for port in (fleet.metrics_ports or {}).values():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            for line in answer.read().decode().splitlines():
                # A generator that ends breaks off the calls that are running: those are CANCELLED.
                if line.startswith("grpc_server_handled_total") and not re.search(r'grpc_code="(OK|CANCELLED)"', line):
                    failed += float(line.rpartition(" ")[2])
    return failed


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.cost", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=20_000, help="in the catalogue (default 20000)")
    parser.add_argument("--seconds", type=float, default=5.0, help="each run takes, two for each call (default 5)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
