"""What one waits for lately, and so how long a taste may wait for company."""

from __future__ import annotations

from dataclasses import dataclass

from services.ranker.others.lately import Lately

SPARE_SHARE, MOST_SPARE_S = 0.25, 0.05
"""A taste may wait for company for a quarter of what comes beside or after it takes lately, at most so long."""


@dataclass(frozen=True)
class Waits:
    """How long one waits lately: until a photo is embedded, and until a search goes out."""

    embedding: Lately
    searching: Lately

    def spare_s(self, *, beside_photo: bool) -> float:
        """What a taste may wait for company: while nobody waits for anything else, it does not wait either."""
        wait_s = max(self.searching.seconds, self.embedding.seconds if beside_photo else 0.0)
        return min(SPARE_SHARE * wait_s, MOST_SPARE_S)
