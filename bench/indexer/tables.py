"""The figures on a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from bench.embedder.bars import Bar
from bench.grid import grid
from bench.indexer.comparison import Compared, Served
from bench.indexer.cost import PROMISED, Cost
from bench.indexer.growth import Grown
from bench.indexer.load import Load
from bench.indexer.recall import Recalled

MB = 1e6


def cost(found: Cost) -> Table:
    """The parts, the search, and how they compare: the round of the middle ratio."""
    low, high = found.spread
    title = (
        f"{found.rows:,} rows ({found.fresh_rows:,} fresh), {found.data}: 16 callers, then one; ms\n"
        f"recall@10 {found.recall:.4f}, bare {found.equal.recall:.4f} (efSearch {found.equal.ef}) or "
        f"{found.usual.recall:.4f} ({found.usual.ef})\n"
        f"x beside empty call and bare search: {low:.2f} to {high:.2f} in {len(found.rounds)} rounds"
    )
    table = grid(title, ("16: CPU", "x", "/s", "p50", "p99", "1: CPU", "x", "p50"))
    middle = sorted(found.rounds, key=lambda each: each.ratio)[len(found.rounds) // 2]
    table.add_row("empty call", *_loads(middle.empty, "", middle.empty_alone, ""))
    for name, timed in (
        ("bare, one thread", middle.bare),
        ("bare, two threads", middle.bare_two),
        (f"bare, recall {PROMISED}", middle.bare_usual),
    ):
        table.add_row(name, *_ms(timed.cpu_ms), "", f"{timed.per_s:.0f}", *_ms(timed.p50_ms, timed.p99_ms))
    ratios = f"{found.ratio:.2f}", f"{middle.ratio_alone:.2f}"
    table.add_row("Search", *_loads(middle.search, ratios[0], middle.search_alone, ratios[1]))
    table.add_row(f"  beside bare {PROMISED}", "", f"{middle.ratio_usual:.2f}")
    if again := found.repeated:
        table.add_row("one query, h2load", *_ms(again.search_ms), f"{again.ratio:.2f}")
    return table


def peers(found: Sequence[Compared], rows: int) -> Table:
    """Each server, with as much found as it must and as the indexer finds, and the indexer in the same minutes."""
    title = f"{rows:,} rows: one caller, then 16; ms"
    table = grid(title, ("ef", "recall", "1: p50", "p99", "16: /s", "p50", "p99", "CPU", "MB"))
    for each in found:
        table.add_row(each.name)
        table.add_row("  usual", str(each.usual.ef), *_served(each.usual))
        table.add_row("  equal", str(each.equal.ef), *_served(each.equal))
        table.add_row("visrec beside it", "", *_served(each.ours))
        table.add_row("  x of equal", "", "", f"{each.sooner:.2f}", "", f"{each.faster:.2f}")
    return table


def recalled(found: Sequence[Recalled]) -> Iterator[Table]:
    """One table for each data set: one row for each kind of question, two columns for each size."""
    for data in dict.fromkeys(each.data for each in found):
        here = [each for each in found if each.data == data]
        sizes = list(dict.fromkeys(each.rows for each in here))
        by_place = {(each.name, each.rows): each for each in here}
        heads = [head for rows in sizes for head in (f"{rows:,}", "ms")]
        table = grid(f"recall@10 by rows ({data}), and p50 from one caller", heads)
        for name in dict.fromkeys(each.name for each in here):
            places = [by_place.get((name, rows)) for rows in sizes]
            table.add_row(name, *(cell for each in places for cell in _recalled(each)))
        yield table


def _recalled(found: Recalled | None) -> list[str]:
    return [f"{found.recall:.3f}", *_ms(found.p50_ms)] if found else ["", ""]


def growth(found: Sequence[Grown]) -> Table:
    """One column for each size."""
    table = grid("as the catalogue grows; ms: p50 / p99", [f"{each.rows:,} rows" for each in found])
    rows = {
        "burst, items/s": [f"{each.burst_per_s:,.0f} ({each.burst_rows:,})" for each in found],
        "  at rest after, s": [f"{each.rest_s:.0f}" for each in found],
        "lasting, items/s": [f"{each.lasting_per_s:,.0f} ({each.lasting_rows:,})" for each in found],
        "at rest, MB": [f"{each.memory.held / MB:,.0f}" for each in found],
        "  without a row": [f"{each.base.held / MB:,.0f}" for each in found],
        "  bytes a row": [f"{each.row_bytes:,.0f} ({each.row_bytes / each.least_row_bytes:.2f} x)" for each in found],
        "peak, MB": [f"{each.memory.peak / MB:,.0f}" for each in found],
        "snapshot, s": [_or(each.snapshot_s) for each in found],
        "restart, s": [_or(each.restart_s) for each in found],
        "after it, MB": [
            f"{each.memory_after_restart.held / MB:,.0f}" if each.memory_after_restart else "" for each in found
        ],
        "found after, ms": [_pair(each.fresh.latency.p50_ms, each.fresh.latency.p99_ms) for each in found],
        "  at items/s": [f"{each.fresh.rate:,.0f} of {each.fresh.wanted_rate:,.0f}" for each in found],
        "search at rest, ms": [_pair(each.merging.idle.p50_ms, each.merging.idle.p99_ms) for each in found],
        "search beside merge": [
            _pair(each.merging.merging.p50_ms, each.merging.merging.p99_ms) if each.merging.merging else "none seen"
            for each in found
        ],
        "  seconds of it": [f"{each.merging.seconds:.1f}" for each in found],
    }
    for name, cells in rows.items():
        table.add_row(name, *cells)
    return table


def bars(found: Sequence[Bar]) -> Table:
    """One row for each bar, and whether it is held."""
    table = Table(title="bars", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in ("what", "figure", "wanted", ""):
        table.add_column(column, justify="right" if column == "figure" else "left", no_wrap=column != "what")
    for bar in found:
        verdict = "[green]held[/green]" if bar.held else "[red]missed[/red]"
        table.add_row(bar.name, f"{bar.figure:.4g}", bar.wanted, verdict)
    return table


def _loads(full: Load, ratio: str, alone: Load, ratio_alone: str) -> list[str]:
    together = [*_ms(full.cpu_ms), ratio, f"{full.per_s:.0f}", *_ms(full.latency.p50_ms, full.latency.p99_ms)]
    return [*together, *_ms(alone.cpu_ms), ratio_alone, *_ms(alone.latency.p50_ms)]


def _served(found: Served) -> list[str]:
    alone, full = found.alone, found.full
    return [
        f"{found.recall:.3f}",
        *_ms(alone.latency.p50_ms, alone.latency.p99_ms),
        f"{full.per_s:.0f}",
        *_ms(full.latency.p50_ms, full.latency.p99_ms, full.cpu_ms),
        f"{found.mb:.0f}",
    ]


def _ms(*values: float) -> list[str]:
    """Three digits."""
    return [f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}" for value in values]


def _pair(p50_ms: float, p99_ms: float) -> str:
    return f"{_ms(p50_ms)[0]} / {_ms(p99_ms)[0]}"


def _or(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.1f}"
