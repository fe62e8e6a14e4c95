"""Spaces that are remembered, and an alias that has moved since: whoever finds that they do not fit asks once more."""

from __future__ import annotations

from collections.abc import Callable

from services.ranker.others.latest import Latest
from services.ranker.others.ports import Indexer, Spaces
from services.ranker.stages import AWAY, Stages

SHARE = 0.3
"""Of the time that is left: with what is known there may still be an answer."""

VAIN_S = 5.0
"""So long a space that a catalogue did not have is not asked for again: names are never given twice."""
MOST, EACH_BYTES = 1024, 300
"""Such spaces that are remembered, and what one takes."""


async def moved(stages: Stages, indexer: Indexer, catalogue: str, known: Spaces) -> Spaces | None:
    """The spaces of now; None when those known are the same, or nobody can be asked."""
    try:
        now = await stages.need("space", indexer.spaces(catalogue, anew=True), SHARE)
    except AWAY:
        return None
    return now if now != known else None


class AskedInVain:
    """Which spaces were asked for a moment ago and are not there: a person may be in one that is gone for good, and
    would else cost a question with every answer. `clock`: seconds, monotonic."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._asked: Latest[tuple[str, str], float] = Latest(MOST, MOST * EACH_BYTES)

    def add(self, catalogue: str, space: str) -> None:
        """It was not there."""
        self._asked.put((catalogue, space), self._clock(), EACH_BYTES)

    def has(self, catalogue: str, space: str) -> bool:
        """It was not there a moment ago."""
        asked = self._asked.get((catalogue, space))
        return asked is not None and self._clock() - asked < VAIN_S
