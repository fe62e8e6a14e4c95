"""What was found, over the size of the catalogue."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from bench.indexer import growth, recall
from bench.indexer.chart import Chart, Point, sheet
from bench.indexer.growth import Grown
from bench.indexer.recall import Kind, Recalled

KINDS: tuple[tuple[Kind, str], ...] = (("mix", "weights of the blocks"), ("filter", "filters"))


def of_recall(found: Sequence[Recalled]) -> str:
    """For each data set recall above, latency below; weights on the left, filters on the right."""
    charts = list[Chart]()
    for data in dict.fromkeys(each.data for each in found):
        here = [each for each in found if each.data == data]
        lowest = min(0.9, math.floor(min(each.recall for each in here) * 20) / 20)
        charts += [
            Chart(f"{data}: recall@10 by {title}", _by_name(here, kind, lambda e: e.recall), recall.LEAST, lowest, 1.0)
            for kind, title in KINDS
        ]
        charts += [
            Chart(f"{data}: p50 by {title}, one caller, ms", _by_name(here, kind, lambda each: each.p50_ms))
            for kind, title in KINDS
        ]
    return sheet(charts)


def of_growth(found: Sequence[Grown]) -> str:
    """Six of them."""

    def over(value: Callable[[Grown], float | None]) -> list[Point]:
        values = ((each.rows, value(each)) for each in found)
        return [(float(rows), number) for rows, number in values if number is not None]

    least = found[-1].least_row_bytes if found else 0.0
    written = {"burst": over(lambda each: each.burst_per_s), "lasting": over(lambda each: each.lasting_per_s)}
    fresh = {"p99": over(lambda e: e.fresh.latency.p99_ms), "p50": over(lambda e: e.fresh.latency.p50_ms)}
    searched = {
        "p99 merging": over(lambda e: e.merging.merging.p99_ms if e.merging.merging else None),
        "p99 at rest": over(lambda each: each.merging.idle.p99_ms),
        "p50 merging": over(lambda e: e.merging.merging.p50_ms if e.merging.merging else None),
        "p50 at rest": over(lambda each: each.merging.idle.p50_ms),
    }
    held = {"at rest": over(lambda each: each.row_bytes), "vectors, links": over(lambda each: each.least_row_bytes)}
    peak = {"peak": over(lambda e: e.memory.peak / 1e6), "at rest": over(lambda e: e.memory.held / 1e6)}
    restart = {"to SERVING": over(lambda e: e.restart_s), "writing it": over(lambda e: e.snapshot_s)}
    return sheet(
        [
            Chart("writing, items/s", written, growth.LEAST_PER_S),
            Chart("found after an acknowledgement, ms", fresh, growth.FRESH_WITHIN_MS),
            Chart("memory of a row, bytes", held, growth.LARGEST_SHARE * least),
            Chart("memory of the process, MB", peak),
            Chart("restart from a snapshot, s", restart, growth.SERVING_WITHIN_S),
            Chart("a search from one caller, ms", searched),
        ]
    )


def _by_name(found: Sequence[Recalled], kind: Kind, value: Callable[[Recalled], float]) -> dict[str, list[Point]]:
    series = dict[str, list[Point]]()
    for each in found:
        if each.kind == kind:
            series.setdefault(each.name, []).append((float(each.rows), value(each)))
    return series
