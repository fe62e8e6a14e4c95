"""Bars with their intervals, as an SVG: groups of them, one below the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT = 640, 230, 60
LINE, TOP = 20, 46
"""Pixels of a bar with its gap, and of the title above."""


@dataclass(frozen=True)
class Bar:
    """A value of at least 0. `low`, `high`: its interval; `least`: what it should reach."""

    name: str
    value: float
    colour: str
    low: float | None = None
    high: float | None = None
    least: float | None = None


@dataclass(frozen=True)
class Group:
    """Bars of one scale, which ends at `most`, or else where the longest does."""

    title: str
    bars: Sequence[Bar]
    most: float | None = None

    @property
    def height(self) -> int:
        """In pixels."""
        return TOP + LINE * len(self.bars) + LINE


def sheet(groups: Sequence[Group], columns: int = 1) -> str:
    """All of them, row by row."""
    drawn, top = list[str](), 0
    for start in range(0, len(groups), columns):
        row = groups[start : start + columns]
        for column, group in enumerate(row):
            drawn += [f'<g transform="translate({column * WIDTH} {top})">', *_group(group), "</g>"]
        top += max(group.height for group in row)
    width = columns * WIDTH
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {top}">',
            f'<rect width="{width}" height="{top}" fill="#fff"/>',
            '<g font-family="sans-serif" font-size="12" fill="#333">',
            *drawn,
            "</g></svg>\n",
        )
    )


def _group(group: Group) -> list[str]:
    most = group.most or max((max(bar.high or bar.value, bar.least or 0.0) for bar in group.bars), default=0.0) or 1.0
    lines = [f'<text x="10" y="24" font-weight="bold">{escape(group.title)}</text>']
    for number, bar in enumerate(group.bars):
        lines += _bar(bar, TOP + LINE * number, (WIDTH - LEFT - RIGHT) / most)
    return lines


def _bar(bar: Bar, y: int, scale: float) -> list[str]:
    end, middle = LEFT + scale * bar.value, y + LINE / 2 - 3
    lines = [
        f'<text x="{LEFT - 8}" y="{y + 11}" text-anchor="end">{escape(bar.name)}</text>',
        f'<rect x="{LEFT}" y="{y}" width="{scale * bar.value:.1f}" height="{LINE - 6}" fill="{bar.colour}"/>',
    ]
    if bar.low is not None and bar.high is not None:
        end = LEFT + scale * bar.high
        lines.append(f'<path d="M{LEFT + scale * bar.low:.1f} {middle}H{end:.1f}" stroke="#333"/>')
    if bar.least is not None:
        lines.append(f'<path d="M{LEFT + scale * bar.least:.1f} {y - 2}v{LINE - 2}" stroke="#c33"/>')
        end = max(end, LEFT + scale * bar.least)
    return [*lines, f'<text x="{end + 6:.1f}" y="{y + 11}">{bar.value:.3f}</text>']
