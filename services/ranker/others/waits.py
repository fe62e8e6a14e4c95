"""What one waits for lately, and so how long one may wait for company."""

from __future__ import annotations

from dataclasses import dataclass

from services.ranker.others.lately import Lately

SPARE_SHARE, MOST_SPARE_S = 0.25, 0.05
"""One may wait for company for a quarter of what one waits for lately anyway, at most so long."""

EMBEDDED_S = 0.05
"""A photo that takes longer waits for others."""


@dataclass(frozen=True)
class Waits:
    """How long one waits lately: until a photo is embedded, and until a search goes out. While nobody waits for
    anything, nobody waits for company."""

    embedding: Lately
    searching: Lately

    def before_taste_s(self, *, beside_photo: bool) -> float:
        """A taste is needed for the search, and beside a photo not before that is embedded."""
        return _spare_s(max(self.searching.seconds, self.embedding.seconds if beside_photo else 0.0))

    def before_search_s(self, *, after_photo: bool) -> float:
        """Where photos wait for each other, searches for them come one by one."""
        return _spare_s(self.embedding.seconds - EMBEDDED_S) if after_photo else 0.0


def _spare_s(waited_s: float) -> float:
    return max(0.0, min(SPARE_SHARE * waited_s, MOST_SPARE_S))
