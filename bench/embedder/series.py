"""Memory over a number of photos: is it flat, and what does it look like?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from bench.embedder.bars import Bar

MOST_MB = 600.0
FLAT = 0.05
"""How far the last quarter's mean may be from the second quarter's; the first is the one in which pools fill."""

LEAST_SAMPLES = 8
"""With fewer, a quarter is a single sample."""

WIDTH, HEIGHT, MARGIN = 720, 300, 50


@dataclass(frozen=True)
class Sample:
    """Memory in MB after so many photos."""

    photos: int
    mb: float


@dataclass(frozen=True)
class Series:
    """Samples in order."""

    samples: Sequence[Sample]

    def bars(self) -> list[Bar]:
        """Small enough at its greatest, and flat."""
        greatest = max(each.mb for each in self.samples)
        return [
            Bar("most memory of all processes, MB", greatest, MOST_MB, unit="MB"),
            Bar("last quarter's mean against the second's", abs(self.growth()), FLAT, unit=""),
        ]

    def growth(self) -> float:
        """Mean of the last quarter beside that of the second, less 1; not a number for a series too short to tell."""
        if len(self.samples) < LEAST_SAMPLES:
            return float("nan")
        quarter = len(self.samples) // 4
        early, late = self.samples[quarter : 2 * quarter], self.samples[-quarter:]
        return mean(each.mb for each in late) / mean(each.mb for each in early) - 1

    def svg(self) -> str:
        """A line from zero memory up, with the bar as a dashed one."""
        last = max(1, self.samples[-1].photos)
        top = max(MOST_MB, *(each.mb for each in self.samples)) * 1.1

        def at(photos: float, mb: float) -> tuple[float, float]:
            x = MARGIN + photos / last * (WIDTH - 2 * MARGIN)
            return x, HEIGHT - MARGIN - mb / top * (HEIGHT - 2 * MARGIN)

        points = " ".join("{:.1f},{:.1f}".format(*at(each.photos, each.mb)) for each in self.samples)
        (left, base), (right, bar) = at(0, 0), at(last, MOST_MB)
        x, y = at(last, self.samples[-1].mb)
        return "\n".join(
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">',
                '<g font-family="sans-serif" font-size="13" fill="#333">',
                f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
                f'<text x="{left:.1f}" y="{MARGIN - 20}">Memory of all processes of the embedder, MB</text>',
                f'<path d="M{left:.1f} {MARGIN}V{base:.1f}H{right:.1f}" fill="none" stroke="#999"/>',
                f'<path d="M{left:.1f} {bar:.1f}H{right:.1f}" stroke="#c33" stroke-dasharray="6 4"/>',
                f'<text x="{left - 6:.1f}" y="{bar + 4:.1f}" text-anchor="end">{MOST_MB:.0f}</text>',
                f'<text x="{left - 6:.1f}" y="{base + 4:.1f}" text-anchor="end">0</text>',
                f'<polyline points="{points}" fill="none" stroke="#246" stroke-width="2"/>',
                f'<text x="{x:.1f}" y="{y - 8:.1f}" text-anchor="end">{self.samples[-1].mb:.0f}</text>',
                f'<text x="{right:.1f}" y="{base + 20:.1f}" text-anchor="end">{last:,} photos</text>',
                "</g></svg>\n",
            )
        )
