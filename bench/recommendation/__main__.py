"""`make eval` (its second part): how good recommendations are, judged by what people did later.

MovieLens-100k; a rating of at least 4 is a like, all else a look; what was seen is left out. Two splits: one moment for
everybody, behind which a fifth of all events lie, and one for each person, with their last fifth. Half-lives, factors
and weights are chosen on the last fifth of what is known, split off in the same way; the test period is reported once.

nDCG@10 and recall@10 with intervals by the bootstrap over people, differences paired; coverage of the catalogue,
novelty (bits), diversity in a list (1 - cosine of kind and year), calibration (divergence of kinds, 0 is best). Signals
are the ranker's: `collaborative` by the code of `jobs collaborative`; `taste` over kinds and years, which stand for
photos; `segment` over age and gender; `popularity`. The fused answer is their weighted sum.

Items without events: tenths of the films are taken out of what is known and ranked by where looks put them.

Writes var/eval/recommendation.json and .svg, and ends with exit code 1 when a target is missed. Needs no service
unless --served asks them the same; the data is fetched with pip into var/eval (its licence allows no handing on).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from bench.failure import BenchFailed
from bench.fleet import ROOT
from bench.recommendation import bars, movielens, new_items, report
from bench.recommendation.interval import interval
from bench.recommendation.log import by_person, by_time
from bench.recommendation.measure import Measured, measured
from bench.recommendation.movielens import Movies
from bench.recommendation.served import served

FOLDER = ROOT / "var" / "eval"
GLOBAL, OWN = "global time split", "per-user time split"
SPLITS = {GLOBAL: by_time, OWN: by_person}
LEAST = {GLOBAL: 0.26, OWN: 0.185}
CHOICES = 7

console = Console(width=None if sys.stdout.isatty() else 120)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures both splits. Returns the exit code."""
    options = _options(arguments)
    try:
        movies = movielens.read(movielens.fetched(options.data))
    except BenchFailed as error:
        console.print(f"[red]{escape(str(error))}[/]")
        return 1
    found = list[Measured]()
    with Progress(console=console, transient=True) as progress:
        for name, split in SPLITS.items():
            task = progress.add_task(name, total=CHOICES)
            found.append(measured(name, split, movies, lambda task=task: progress.advance(task)))  # type: ignore[misc]
    for each in found:
        for part in each.parts:
            console.print(report.table(each.name, part))
        console.print(report.chosen(each), style="dim")
    own = found[-1]
    of_new = new_items.measured(by_person(movies.log), movies, own.settings)
    console.print(report.of_new(of_new))
    missed = [line for each in found for line in misses(each)]
    if not of_new[new_items.GAIN].is_above:
        missed.append("rows by looks are not above taste for items without events")
    if options.served:
        missed += [line for each in found for line in _served(each, movies)]
    for line in missed:
        console.print(f"[red]missed:[/] {escape(line)}")
    report.save(found, of_new, missed, FOLDER / "recommendation.json")
    (FOLDER / "recommendation.svg").write_text(bars.drawn(found), encoding="utf-8")
    return 1 if missed else 0


def _served(found: Measured, movies: Movies) -> list[str]:
    """Asks the running services the same; what is missed."""
    test = SPLITS[found.name](movies.log)
    with Progress(console=console, transient=True) as progress:

        def begin(what: str, total: float | None) -> Callable[[float], None]:
            task = progress.add_task(f"{found.name}: {what}", total=total)
            return lambda more: progress.advance(task, more)

        people = np.concatenate([test.people(), test.newcomers()])
        ndcg = served(test, people, movies, found.settings, begin)
    missed = []
    for part, those in zip(found.parts, np.split(ndcg, [found.parts[0].people]), strict=False):
        own = interval(those)
        console.print(
            f"{found.name}, {part.title}, through the services: {own.mean:.3f} ({own.low:.3f} to {own.high:.3f})"
        )
        if own.mean < part.fused.ndcg.low:
            missed.append(f"{found.name}: served, {part.title} have {own.mean:.3f}, below {part.fused.ndcg.low:.3f}")
    return missed


def misses(found: Measured) -> list[str]:
    """Targets that the fused answer misses: a number; not below the best of all others beyond the interval; and in the
    split of each person above it."""
    known = found.parts[0]
    fused, other = known.fused, known.best_other
    assert other.less is not None
    checks = {
        f"nDCG@10 {fused.ndcg.mean:.3f} is below {LEAST[found.name]}": fused.ndcg.mean < LEAST[found.name],
        f"it is below {other.method} beyond the interval": other.less.is_below,
        f"it is not above {other.method}": found.name == OWN and other.less.mean <= 0,
    }
    return [f"{found.name}: {what}" for what, is_so in checks.items() if is_so]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.recommendation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    folder = FOLDER / "movielens"
    parser.add_argument("--served", action="store_true", help="ask running services, too, started for it; minutes")
    parser.add_argument("--data", type=Path, default=folder, help=f"where the data is, or goes to (default {folder})")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
