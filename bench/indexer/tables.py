"""The figures on a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from bench.embedder.bars import Bar
from bench.indexer.comparison import Compared, Served
from bench.indexer.cost import Cost
from bench.indexer.growth import Grown
from bench.indexer.load import Load
from bench.indexer.recall import Recalled

MB = 1e6


def cost(found: Cost) -> Table:
    """The parts, the search, and how they compare: the middle of the rounds by their ratio."""
    low, high = found.spread
    title = (
        f"CPU, {found.rows:,} rows ({found.fresh_rows:,} fresh), {found.data}; recall@10 {found.recall:.4f}\n"
        f"x of {len(found.rounds)} rounds: {low:.2f} to {high:.2f}; bare: efSearch {found.ef}, recall@10 "
        f"{found.bare_recall:.4f}"
    )
    table = _table(title, ("16: CPU ms", "x", "per s", "p50", "p99", "1: CPU ms", "x", "p50", "p99"))
    middle = sorted(found.rounds, key=lambda each: each.ratio)[len(found.rounds) // 2]
    table.add_row("empty call", *_loads(middle.empty, "", middle.empty_alone, ""))
    for name, timed in (("bare search, 1 thread", middle.bare), ("  2 threads", middle.bare_two)):
        table.add_row(name, *_ms(timed.cpu_ms), "", f"{timed.per_s:.0f}", *_ms(timed.p50_ms, timed.p99_ms))
    ratios = f"{found.ratio:.2f}", f"{middle.ratio_alone:.2f}"
    table.add_row("Search", *_loads(middle.search, ratios[0], middle.search_alone, ratios[1]))
    if again := found.repeated:
        table.add_row("one query, h2load", *_ms(again.search_ms), f"{again.ratio:.2f}")
    return table


def peers(found: Sequence[Compared], rows: int) -> Table:
    """Each server, and below it the indexer as it was in the same minutes."""
    title = f"{rows:,} rows: one caller, then 16; ms; CPU of one answer of 16 callers"
    table = _table(title, ("ef", "recall", "1: p50", "p99", "16: /s", "p50", "p99", "CPU", "MB", "idle"))
    for each in found:
        table.add_row(each.name, str(each.ef), *_served(each.peer))
        table.add_row("  visrec beside it", "", *_served(each.ours))
        table.add_row("  x", "", "", f"{each.sooner:.2f}", "", f"{each.faster:.2f}")
    return table


def recalled(found: Sequence[Recalled]) -> Table:
    """One row for each kind of question, two columns for each data set and size."""
    columns = list(dict.fromkeys((each.data, each.rows) for each in found))
    heads = [head for data, rows in columns for head in (f"{data[:9]}\n{rows:,}", "p50 ms")]
    table = _table("recall@10, and latency from one caller", heads)
    for name in dict.fromkeys(each.name for each in found):
        cells = []
        for column in columns:
            here = next((each for each in found if each.name == name and (each.data, each.rows) == column), None)
            cells += [f"{here.recall:.3f}", *_ms(here.p50_ms)] if here else ["", ""]
        table.add_row(name, *cells)
    return table


def growth(found: Sequence[Grown]) -> Table:
    """One column for each size."""
    table = _table("as the catalogue grows", [f"{each.rows:,} rows" for each in found])
    rows = {
        "burst, items/s": [f"{each.burst_per_s:,.0f} ({each.burst_rows:,})" for each in found],
        "lasting, items/s": [f"{each.lasting_per_s:,.0f} ({each.lasting_rows:,})" for each in found],
        "at rest, MB": [f"{each.memory.held / MB:,.0f}" for each in found],
        "  without a row": [f"{each.base.held / MB:,.0f}" for each in found],
        "  bytes a row": [f"{each.row_bytes:,.0f} ({each.row_bytes / each.least_row_bytes:.2f} x)" for each in found],
        "peak, MB": [f"{each.memory.peak / MB:,.0f}" for each in found],
        "snapshot, s": [_or(each.snapshot_s, each.why_not) for each in found],
        "restart, s": [_or(each.restart_s, each.why_not) for each in found],
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


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _loads(full: Load, ratio: str, alone: Load, ratio_alone: str) -> list[str]:
    return [
        *_ms(full.cpu_ms),
        ratio,
        f"{full.per_s:.0f}",
        *_ms(full.latency.p50_ms, full.latency.p99_ms),
        *_ms(alone.cpu_ms),
        ratio_alone,
        *_ms(alone.latency.p50_ms, alone.latency.p99_ms),
    ]


def _served(found: Served) -> list[str]:
    alone, full = found.alone, found.full
    return [
        f"{found.recall:.3f}",
        *_ms(alone.latency.p50_ms, alone.latency.p99_ms),
        f"{full.per_s:.0f}",
        *_ms(full.latency.p50_ms, full.latency.p99_ms, full.cpu_ms),
        f"{found.mb:.0f}",
        f"{found.idle_cores:.2f}",
    ]


def _ms(*values: float) -> list[str]:
    """Three digits."""
    return [f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}" for value in values]


def _pair(p50_ms: float, p99_ms: float) -> str:
    return f"p50 {_ms(p50_ms)[0]}, p99 {_ms(p99_ms)[0]}"


def _or(value: float | None, why_not: str) -> str:
    return why_not if value is None else f"{value:.1f}"
