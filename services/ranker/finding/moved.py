"""Spaces that are remembered, and an alias that has moved since: whoever finds that they do not fit asks once more."""

from __future__ import annotations

from services.ranker.others.ports import Indexer, Spaces
from services.ranker.stages import AWAY, Stages


async def moved(stages: Stages, indexer: Indexer, catalogue: str, known: Spaces) -> Spaces | None:
    """The spaces of now; None when those known are the same, or nobody can be asked."""
    try:
        now = await stages.need("space", indexer.spaces(catalogue, anew=True))
    except AWAY:
        return None
    return now if now != known else None
