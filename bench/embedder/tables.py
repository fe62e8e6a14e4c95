"""The figures on a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from bench.embedder.bare import Bare
from bench.embedder.bars import Bar
from bench.embedder.measure import Measured
from bench.grid import grid


def figures(bare: Bare, measured: Sequence[Measured]) -> Table:
    """One row for the bare loop and one for each server."""
    table = grid(
        "one caller (bare: one thread), then 16 callers (bare: two threads); ms",
        ("1: p50", "p99", "CPU", "x", "16: /s", "p50", "p99", "CPU", "x", "MB", "end"),
    )
    table.add_row(
        "bare loop",
        *_ms(bare.latency.p50_ms, bare.latency.p99_ms, bare.cpu_ms),
        "1",
        f"{bare.per_s:.0f}",
        *("", "", *_ms(bare.two_cpu_ms)),
        f"{bare.two_cpu_ms / bare.cpu_ms:.2f}",
    )
    for each in measured:
        alone, together = each.alone, each.together
        table.add_row(
            each.name,
            *_ms(alone.latency.p50_ms, alone.latency.p99_ms, alone.cpu_ms),
            f"{alone.cpu_ms / bare.cpu_ms:.2f}",
            f"{together.per_s:.0f}",
            *(f"{ms:.0f}" for ms in (together.latency.p50_ms, together.latency.p99_ms)),
            *_ms(together.cpu_ms),
            f"{together.cpu_ms / bare.cpu_ms:.2f}",
            f"{each.start_mb:.0f}",
            f"{each.end_mb:.0f}",
        )
    return table


def steady(measured: Sequence[Measured]) -> Table:
    """Latencies at a fixed rate, one row for each server."""
    table = grid("photos at a fixed rate; ms", ("per s", "p50", "p99", "p99/p50", "CPU"))
    for each in measured:
        latency = each.steady.latency
        ratio = latency.p99_ms / latency.p50_ms
        table.add_row(
            each.name,
            f"{each.steady_rate:.0f}",
            *_ms(latency.p50_ms, latency.p99_ms),
            f"{ratio:.1f}",
            *_ms(each.steady.cpu_ms),
        )
    return table


def bars(found: Sequence[Bar]) -> Table:
    """One row for each bar, and whether it is held."""
    table = grid("bars", ("figure",))
    table.columns[0].header = "what"
    table.add_column("wanted", no_wrap=True)
    table.add_column("", no_wrap=True)
    for bar in found:
        verdict = "[green]held[/green]" if bar.held else "[red]missed[/red]"
        table.add_row(bar.name, f"{bar.figure:.2f}", bar.wanted, verdict)
    return table


def _ms(*values: float) -> list[str]:
    return [f"{value:.1f}" if value < 100 else f"{value:.0f}" for value in values]
