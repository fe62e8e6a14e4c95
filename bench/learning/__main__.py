"""`make eval` (its last part): what learning from people's choices is worth.

Simulated shoppers (bench/learning/visits.py says what is assumed) act on the photos of both shops, are shown
recommendations and click. `jobs weights` learns from one half of them, through the services, and puts what it learned;
the other half is asked by the built-in weights and by the learned ones. nDCG@10 of what they want, and the difference
with its interval, by people. CLOTHING and LUMA name the folders of photos, as for bench.quality.

Prints tables, writes var/eval/learning.json, and ends with exit code 1 when the learned weights are not better beyond
the interval, the job has not put them, or nothing can be measured.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench import machine, sample
from bench.failure import BenchFailed
from bench.fleet import ROOT, Fleet, started
from bench.learning import weights
from bench.learning.visits import ETA, Visitors
from bench.quality import tastes
from bench.quality.folders import add_folders
from bench.quality.picture import Picture
from bench.quality.shops import TABLE, Clothing, read_luma
from bench.quality.vectors import embed
from jobs import scene_tables
from jobs.head.gate import interval
from tests.profile.shoppers import shoppers
from visrec.client import Client
from visrec.connection import Connection
from visrec.errors import VisrecCallError
from visrec.items import NewItem

FILE = ROOT / "var" / "eval" / "learning.json"
PEOPLE, SEED = 800, 1

console = Console(width=None if sys.stdout.isatty() else 120)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures. Returns the exit code."""
    options = _options(arguments)
    try:
        pictures = _pictures(options.clothing, options.luma)
        with started() as fleet:
            found = _measured(fleet, pictures, options.people)
    except (BenchFailed, VisrecCallError) as error:
        console.print(f"[red]{escape(str(error))}[/]")
        return 1
    for piece in scene_tables.weights(found.outcome):
        console.print(piece)
    console.print(scene_tables.next_step(found.outcome, weights.EVERYBODY, found.version))
    console.print(f"(A place k is looked at by k^-{ETA:.2f}.)")
    console.print(_table(found))
    _save(found)
    is_better = _gain(*found.kinds[weights.ALL])[0] > 0
    return 0 if is_better and found.version else 1


def _measured(fleet: Fleet, pictures: list[Picture], people: int) -> weights.Found:
    with Client.connect(fleet.targets) as client, Connection(fleet.targets) as connection:
        shop = tastes.kinds(pictures, embed(fleet, pictures, "photos", console))
        sample.create(client, shop.catalogue)
        items = (NewItem(each.name, vectors=[shop.vectors.by_name[each.name]]) for each in pictures)
        sample.ingest(client, shop.catalogue, items, lambda: None)
        everybody = list(shoppers(shop.labels, people, SEED))
        one, other = (
            Visitors(shop, {f"{name} {number}": each for number, each in enumerate(half)}, SEED + at)
            for at, (name, half) in enumerate((("one", everybody[: people // 2]), ("other", everybody[people // 2 :])))
        )
        return weights.measure(client, connection, one, other, console)


def _table(found: weights.Found) -> Table:
    table = Table("visits of the other half", "built-in", "learned", "gain, 95 %", title="nDCG@10 of what they want")
    for kind, (before, after) in found.kinds.items():
        low, high = _gain(before, after)
        gain = f"{(after - before).mean():+.3f} ({low:+.3f} to {high:+.3f})"
        table.add_row(f"{kind}: {len(before)} people", f"{before.mean():.3f}", f"{after.mean():.3f}", gain)
    return table


def _gain(before: weights.Scores, after: weights.Scores) -> tuple[float, float]:
    """95 % of what was gained, by people."""
    return interval(after - before)


def _save(found: weights.Found) -> None:
    told = {
        "machine": machine.describe(),
        "present": dict(found.outcome.present),
        "learned": dict(found.outcome.learned.weights),
        "eta": found.outcome.examination.eta,
        "seen": [found.outcome.verdicts.found.low, found.outcome.verdicts.found.high],
        "put": bool(found.version),
        "ndcg@10": {
            kind: [float(before.mean()), float(after.mean()), *_gain(before, after)]
            for kind, (before, after) in found.kinds.items()
        },
    }
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def _pictures(clothing: Path, luma: Path) -> list[Picture]:
    found: list[Picture] = []
    if (clothing / TABLE).is_file():
        shop = Clothing.read(clothing)
        found += [*shop.gallery, *shop.queries]
    if (luma / TABLE).is_file():
        found += read_luma(luma)
    if not found:
        raise BenchFailed(f"no photos: no {TABLE} in {clothing} or {luma} (name their folders by CLOTHING and LUMA)")
    return found


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.learning", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_folders(parser)
    parser.add_argument("--people", type=int, default=PEOPLE, help=f"simulated shoppers (default {PEOPLE})")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
