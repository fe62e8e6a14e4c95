"""Bars with their intervals, as an SVG: one group for each part of a split."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from bench.recommendation.measure import Measured, Part, Row

WIDTH, LEFT, RIGHT = 640, 230, 60
LINE, TOP = 20, 46
"""Pixels of a bar with its gap, and of the title above."""

COLOURS = {"fused": "#d62728", "signal": "#1f77b4", "baseline": "#9aa5b1"}


def sheet(found: Sequence[Measured]) -> str:
    """nDCG@10 of every method, one below the other."""
    parts = [(f"{each.name}: {part.people} {part.title}", part) for each in found for part in each.parts]
    drawn, top = list[str](), 0
    for title, part in parts:
        drawn += _group(title, part, top)
        top += TOP + LINE * len(part.rows) + LINE
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}">',
            f'<rect width="{WIDTH}" height="{top}" fill="#fff"/>',
            '<g font-family="sans-serif" font-size="12" fill="#333">',
            *drawn,
            "</g></svg>\n",
        )
    )


def _group(title: str, part: Part, top: int) -> list[str]:
    most = max(row.ndcg.high for row in part.rows) or 1.0
    lines = [f'<text x="10" y="{top + 24}" font-weight="bold">nDCG@10, {escape(title)}</text>']
    for number, row in enumerate(part.rows):
        lines += _bar(row, top + TOP + LINE * number, (WIDTH - LEFT - RIGHT) / most)
    return lines


def _bar(row: Row, y: int, scale: float) -> list[str]:
    kind = "signal" if row.is_signal else row.method if row.method in COLOURS else "baseline"
    low, mean, high = (LEFT + scale * value for value in (row.ndcg.low, row.ndcg.mean, row.ndcg.high))
    middle = y + LINE / 2 - 3
    return [
        f'<text x="{LEFT - 8}" y="{y + 11}" text-anchor="end">{escape(row.method)}</text>',
        f'<rect x="{LEFT}" y="{y}" width="{mean - LEFT:.1f}" height="{LINE - 6}" fill="{COLOURS[kind]}"/>',
        f'<path d="M{low:.1f} {middle}H{high:.1f}" stroke="#333"/>',
        f'<text x="{high + 6:.1f}" y="{y + 11}">{row.ndcg.mean:.3f}</text>',
    ]
