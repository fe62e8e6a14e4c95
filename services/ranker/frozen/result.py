"""A frozen result: what was answered, so that it can be turned to the next page, told again and explained.

It holds no photo, no vector and no session; the items themselves stay with the indexer. Where nobody is recognised it
is about nobody, and where somebody is it is kept under them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.ranker.answer import Dropped
from services.ranker.others.ports import Source
from services.ranker.ranking import Ranking
from services.ranker.scenes.scene import NOT_EXPOSED, Exposure


@dataclass(frozen=True)
class Versions:
    """What an answer was computed with; empty: none."""

    space: str = ""
    model_digest: str = ""
    index: str = ""
    weights: str = ""
    calibration: str = ""
    collaborative_space: str = ""


@dataclass(frozen=True)
class Frozen:
    """One answer.

    time_ms   when, milliseconds since 1970
    keep_ms   for how long from then
    asked     the request as the contract packs it, without what is personal in it
    n         items on its first page
    language  of its reasons
    used      the weight of each signal, summing to 1
    blocks    block weights that were searched with; empty: the space's defaults
    sources   query name to what is behind it, what counts most first
    nearest   item id to query name to the source that is nearest to it, for the first page of an explained answer
    exposure  the experiment and the variant whose weights were used
    confidence  of an answer across domains; None: it is none, or could not be told
    user_id   whom it is for, as callers call them; only in what is kept under that person
    """

    time_ms: int
    keep_ms: int
    catalogue: str
    asked: bytes
    n: int
    language: str
    scene: str
    used: Mapping[str, float]
    blocks: Mapping[str, float]
    dropped: Sequence[Dropped]
    versions: Versions
    ranking: Ranking
    sources: Mapping[str, Sequence[Source]] = field(default_factory=dict)
    nearest: Mapping[str, Mapping[str, Source]] = field(default_factory=dict)
    user_id: str = ""
    exposure: Exposure = NOT_EXPOSED
    confidence: float | None = None

    def sources_of(self, item_id: str) -> dict[str, Source]:
        """Query name to the source that stands for it in the reasons of an item."""
        first = {query: sources[0] for query, sources in self.sources.items() if sources}
        return {**first, **self.nearest.get(item_id, {})}
