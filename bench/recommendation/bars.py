"""nDCG@10 of every method as bars: one group for each part of a split."""

from __future__ import annotations

from collections.abc import Sequence

from bench.bar_chart import Bar, Group, sheet
from bench.recommendation.measure import Measured, Row

COLOURS = {"fused": "#d62728", "signal": "#1f77b4", "baseline": "#9aa5b1"}


def drawn(found: Sequence[Measured]) -> str:
    """As an SVG."""
    return sheet([
        Group(f"nDCG@10, {each.name}: {part.people} {part.title}", [_bar(row) for row in part.rows])
        for each in found
        for part in each.parts
    ])  # fmt: skip


def _bar(row: Row) -> Bar:
    kind = "signal" if row.is_signal else row.method if row.method in COLOURS else "baseline"
    return Bar(row.method, row.ndcg.mean, COLOURS[kind], row.ndcg.low, row.ndcg.high)
