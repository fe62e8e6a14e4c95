"""Generations of factors: the space of each run, what it is called, which is gone on with and which may go. Pure.

The name tells when a run began and by which recipe, so that a later run knows both of what it finds. An alias, NEXT,
points at the one whose rows are whole and whose people are being placed: rows cannot be learned the same again, since
windows move on, people are erased and acts arrive late; so whoever goes on reads them back.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from jobs.kmeans import Float32

FAMILY = "factors"
SERVED = "collaborative"
"""The alias that is searched."""
NEXT = "collaborative-next"
"""The alias of the one that is on its way there."""

YOUNG_S = 6 * 3600.0
"""One that began longer ago is not gone on with: who was erased since is to be out of the rows within a day."""


_MADE_HERE = re.compile(rf"{FAMILY}@[0-9a-f]{{32}}")


def is_made_here(space: str) -> bool:
    """Whether a run can have called a space that: others of the family are somebody's own."""
    return _MADE_HERE.fullmatch(space) is not None


@dataclass(frozen=True)
class Generation:
    """A space of this family by its name, and the aliases that point at it."""

    name: str
    aliases: frozenset[str] = frozenset()

    @property
    def began_s(self) -> int:
        """When its run began to read, seconds since 1970. Of a name that was not made here: any number."""
        return int(self._digest[:8], 16)

    def is_by(self, recipe: str) -> bool:
        """Whether it was learned by this recipe."""
        return self._digest[8:16] == _digest(recipe.encode())

    @property
    def _digest(self) -> str:
        return self.name.partition("@")[2]


def name_of(began_s: float, recipe: str, ids: Sequence[str], rows: Float32) -> str:
    """By a digest of all that makes the numbers what they are: themselves. `recipe`: any words."""
    numbers = np.ascontiguousarray(rows, dtype="<f4").tobytes()
    made = _digest("\0".join(ids).encode() + numbers, 8)
    return f"{FAMILY}@{int(began_s):08x}{_digest(recipe.encode())}{made}"


def to_go_on_with(known: Iterable[Generation], recipe: str, now_s: float) -> str | None:
    """The one whose people are still to be placed, if it is young, by the same recipe, and no older than what is
    searched."""
    known = list(known)
    for each in known:
        if NEXT in each.aliases and SERVED not in each.aliases and not is_overtaken(each.name, known):
            is_young = abs(now_s - each.began_s) < YOUNG_S
            return each.name if is_young and each.is_by(recipe) else None
    return None


def is_overtaken(space: str, known: Iterable[Generation]) -> bool:
    """Whether one that began later is searched, or on its way there. What began much later is by a clock that was
    wrong, and does not count."""
    began_s = Generation(space).began_s
    return any(
        0 < each.began_s - began_s < YOUNG_S
        for each in known
        if each.name != space and not each.aliases.isdisjoint((SERVED, NEXT))
    )


def outlived(known: Iterable[Generation], served: str, previous: str) -> list[str]:
    """Those that may go once the alias is at `served`: not the way back, and none that began since, for its run may go
    on at the same time."""
    began_s = Generation(served).began_s
    kept = {served, previous}
    return [
        each.name
        for each in known
        if not each.aliases and each.name not in kept and not 0 <= each.began_s - began_s < YOUNG_S
    ]


def _digest(content: bytes, size: int = 4) -> str:
    return hashlib.blake2b(content, digest_size=size).hexdigest()
