"""Cold start: what somebody is thought to like before they have done anything. Pure.

Interests that a person stated, and those that people of their segment have, enter the folding of a taste as if they had
been liked a little, once, some time ago. Their mass is fixed and small, so that they lead while there is nothing else
and fade as events come: beside a like of today two stated interests are an eighth each, beside a purchase none is left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from services.profile.segments.segment import Segment
from services.spaces import Float16

STATED_MASS = 1.0
"""Of each stated interest, in clicks."""
MAX_STATED = 8
"""Stated interests that are made use of: each costs a search for everybody who follows."""
SEGMENT_MASS = 1.0
"""Of all interests of a segment together, in clicks: what others like says less than what one says oneself."""


class Origin(IntEnum):
    """What an interest follows from. The numbers are those of the contract."""

    EVENTS = 1
    STATED = 2
    SEGMENT = 3


@dataclass(frozen=True)
class Prior:
    """An interest that is supposed. `vector`: (D,) canonical float16; `mass` > 0 in clicks at the reference time;
    `word`: of a stated one."""

    vector: Float16
    mass: float
    origin: Origin
    word: str = ""


def stated(interests: Sequence[str], vectors: Mapping[str, Float16]) -> tuple[Prior, ...]:
    """One for each of the first interests that have a vector: one without an item to stand for it is passed over."""
    known = [word for word in dict.fromkeys(interests) if word in vectors]
    return tuple(Prior(vectors[word], STATED_MASS, Origin.STATED, word) for word in known[:MAX_STATED])


def of_segment(segment: Segment | None, space: str) -> tuple[Prior, ...]:
    """The interests of a segment that are in `space`, sharing the mass as they share the segment."""
    if segment is None or segment.interests_space != space:
        return ()
    total = sum(interest.weight for interest in segment.interests)
    return tuple(
        Prior(interest.vector, SEGMENT_MASS * interest.weight / total, Origin.SEGMENT) for interest in segment.interests
    )
