"""Measures, on a part itself, what a recall takes."""

from __future__ import annotations

from services.indexer.index.effort import Effort
from services.indexer.index.port import Proceed
from services.indexer.index.settled import SettledPart
from services.spaces import Space


def due(part: SettledPart) -> bool:
    return False


def calibrated(part: SettledPart, space: Space, proceed: Proceed) -> Effort:
    return part.effort
