"""`make load`: the real ghz with 32 concurrent callers, one run for each configuration of deploy/ghz.

It loads the services that run at the default targets, or, when none do, a private set that it starts and stops. The
catalogue `load` is filled with CATALOG's photos, or with made-up ones. Prints a table, writes var/load/*.json, and ends
with exit code 1 when any call failed.

The configurations work by hand too, from the project's root, once `make load ARGS=--prepare` has filled the services
that run: `ghz --config deploy/ghz/search.json`.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench import ghz, sample
from bench.contract import descriptors
from bench.failure import BenchFailed
from bench.fleet import ROOT, Fleet, running, running_or_started
from visrec.client import Client
from visrec.connection import Targets
from visrec.errors import VisrecCallError

CONFIGURATIONS = {
    "recommend_person": "ranker",
    "recommend_photo": "ranker",
    "embed_image": "embedder",
    "search": "indexer",
    "record_events": "profile",
}
"""Each file of deploy/ghz and the service it calls, in the order of the runs: what only reads comes first."""

FOLDER = ROOT / "var" / "load"
CALLERS = 32
"""As every configuration says."""

PHOTOS = 16
"""Different photos among the requests; one alone would be a cache's best case."""

console = Console()


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs all of it; the exit code is 1 when a call failed or nothing could be measured."""
    options = _options(arguments)
    try:
        targets = Targets.from_environment(os.environ)
        if options.prepare:
            prepare(running(targets), options.catalog)
            return 0
        program = ghz.find(ROOT / "var" / "bin")
        with running_or_started(targets) as fleet:
            prepare(fleet, options.catalog)
            reports = [measure(program, name, fleet, options.duration) for name in CONFIGURATIONS]
            with Client.connect(fleet.targets) as client:
                sample.verify(client)
    except (BenchFailed, VisrecCallError) as error:
        console.print(f"[red]{error}[/red]")
        return 1
    console.print(table(reports, options.duration))
    return 0 if all(report.good for report in reports) else 1


def prepare(fleet: Fleet, folder: Path | None) -> None:
    """Fills the catalogue and writes the requests that carry photos to where the configurations look for them."""
    pictures = sample.photos(folder)
    with Client.connect(fleet.targets) as client, Progress(console=console) as progress:
        filling = progress.add_task("Filling the catalogue", total=len(pictures))
        sample.fill(client, pictures, lambda: progress.advance(filling))
    write_requests([_bytes(photo) for photo in pictures[:PHOTOS]], FOLDER / "requests")


def write_requests(pictures: Sequence[bytes], folder: Path) -> None:
    """What the configurations refer to: the contract, and requests with photos as JSON lists, which ghz goes through
    round and round."""
    photos = [{"data": base64.b64encode(each).decode()} for each in pictures]
    by_photo = [{"catalogue": sample.CATALOGUE, "n": 10, "photo": photo} for photo in photos]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "visrec.protoset").write_bytes(descriptors().SerializeToString())
    (folder / "embed_image.json").write_text(json.dumps([{"photo": photo} for photo in photos]))
    (folder / "recommend_photo.json").write_text(json.dumps(by_photo))


def measure(program: Path, name: str, fleet: Fleet, duration: str) -> ghz.Report:
    """One run; its summary is written as var/load/NAME.json."""
    configuration = ROOT / "deploy" / "ghz" / f"{name}.json"
    with console.status(f"{name}, {duration}"):
        target = getattr(fleet.targets, CONFIGURATIONS[name])
        report = ghz.run(program, configuration, target, ["--duration", duration])
    (FOLDER / f"{name}.json").write_text(json.dumps(asdict(report), indent=2) + "\n")
    return report


def table(reports: Sequence[ghz.Report], duration: str) -> Table:
    """One row for each configuration."""
    table = Table(title=f"ghz, {CALLERS} concurrent callers, {duration} each", box=SIMPLE_HEAD)
    table.add_column("call", no_wrap=True)
    for column in ("answers", "per second", "p50 ms", "p95 ms", "p99 ms", "errors"):
        table.add_column(column, justify="right")
    for each in reports:
        errors = ", ".join(f"{count} {status}" for status, count in each.errors.items()) or "0"
        latencies = (f"{each.p50_ms:.1f}", f"{each.p95_ms:.1f}", f"{each.p99_ms:.1f}")
        table.add_row(each.name, str(each.count), f"{each.per_s:.0f}", *latencies, errors)
    return table


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.load", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    catalog = os.environ.get("CATALOG")
    parser.add_argument("--catalog", type=Path, default=Path(catalog) if catalog else None, help="a folder of photos")
    parser.add_argument("--duration", default="10s", help="of each run, as ghz writes it (default 10s)")
    parser.add_argument("--prepare", action="store_true", help="fill the services that run, and stop there")
    return parser.parse_args(arguments)


def _bytes(photo: Path | bytes) -> bytes:
    return photo if isinstance(photo, bytes) else photo.read_bytes()


if __name__ == "__main__":
    sys.exit(main())
