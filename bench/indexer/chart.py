"""Lines over a size, as an SVG: a handful of series, a legend, and a bar as a dashed line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 480, 300
LEFT, RIGHT, TOP, BOTTOM = 60, 150, 40, 45
"""Margins of a chart; the legend is in the right one."""

COLOURS = (
    *("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b", "#17becf", "#bcbd22", "#e377c2", "#7f7f7f"),
    *("#0b3c5d", "#7a0019"),
)
TICKS = 4

Point = tuple[float, float]


@dataclass(frozen=True)
class Chart:
    """`series` by name, each a list of (x, y), x above zero and on a logarithmic axis. The y axis goes from `least` to
    `most`, or to the first round number that no value is above; `bar` is what is to be reached or kept within."""

    title: str
    series: Mapping[str, Sequence[Point]]
    bar: float | None = None
    least: float = 0.0
    most: float | None = None

    def svg(self, left: float = 0.0, top: float = 0.0) -> str:
        """A group whose upper left corner is there."""
        parts = [f'<g transform="translate({left:.0f} {top:.0f})">', *self._frame()]
        for number, (name, points) in enumerate(self.series.items()):
            parts += self._line(number, name, points)
        if self.bar is not None:
            y = self._at((self._span[0], self.bar))[1]
            parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#c33" stroke-dasharray="6 4"/>')
        return "\n".join([*parts, "</g>"])

    @property
    def _span(self) -> tuple[float, float]:
        """The least and the greatest x."""
        every = [x for points in self.series.values() for x, _ in points] or [1.0]
        return min(every), max(every)

    @property
    def _step(self) -> float:
        """Between two ticks: 1, 2 or 5 times a power of ten."""
        every = [y for points in self.series.values() for _, y in points]
        greatest = self.most or max([*every, self.bar or 0.0], default=0.0)
        rough = (greatest - self.least) / TICKS
        return _round_up(rough) if rough > 0 else 1.0

    @property
    def _top(self) -> float:
        if self.most is not None:
            return self.most
        every = [y for points in self.series.values() for _, y in points]
        greatest = max([*every, self.bar or 0.0], default=0.0)
        return self.least + max(1, math.ceil((greatest - self.least) / self._step - 1e-9)) * self._step

    def _at(self, point: Point) -> Point:
        low, high = map(math.log10, self._span)
        along = (math.log10(point[0]) - low) / (high - low) if high > low else 0.5
        up = (point[1] - self.least) / (self._top - self.least)
        return LEFT + along * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)

    def _frame(self) -> list[str]:
        base, right = HEIGHT - BOTTOM, WIDTH - RIGHT
        parts = [
            f'<text x="{LEFT}" y="{TOP - 16}" font-weight="bold">{escape(self.title)}</text>',
            f'<path d="M{LEFT} {TOP}V{base}H{right}" fill="none" stroke="#999"/>',
        ]
        for number in range(math.floor((self._top - self.least) / self._step + 1e-9) + 1):
            value = self.least + number * self._step
            y = self._at((self._span[0], value))[1]
            parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{short(value)}</text>')
        for size in sorted({x for points in self.series.values() for x, _ in points}):
            x = self._at((size, self.least))[0]
            parts.append(f'<text x="{x:.1f}" y="{base + 18}" text-anchor="middle">{short(size)}</text>')
        return parts

    def _line(self, number: int, name: str, points: Sequence[Point]) -> list[str]:
        colour, y = COLOURS[number % len(COLOURS)], TOP + 6 + 17 * number
        placed = [self._at(point) for point in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        return [
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
            *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in placed),
            f'<rect x="{WIDTH - RIGHT + 14}" y="{y - 8}" width="10" height="10" fill="{colour}"/>',
            f'<text x="{WIDTH - RIGHT + 30}" y="{y + 1}">{escape(name)}</text>',
        ]


def sheet(charts: Sequence[Chart], columns: int = 2) -> str:
    """Several, row by row."""
    rows = math.ceil(len(charts) / columns)
    width, height = columns * WIDTH, rows * HEIGHT
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">',
            f'<rect width="{width}" height="{height}" fill="#fff"/>',
            '<g font-family="sans-serif" font-size="12" fill="#333">',
            *(
                chart.svg((number % columns) * WIDTH, (number // columns) * HEIGHT)
                for number, chart in enumerate(charts)
            ),
            "</g></svg>\n",
        )
    )


def _round_up(value: float) -> float:
    """To 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(times * power for times in (1, 2, 5, 10) if times * power >= value * (1 - 1e-9))


def short(value: float) -> str:
    """A number in a few letters: 1e6 is 1M."""
    for unit, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{value / unit:.3g}{letter}"
    return f"{value:.3g}"
