"""What a word looks like: the mean of items that carry it. Remembered a while, for all who state the word."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from services.errors import VisrecError
from services.spaces import Float16, Space, canonical

MAX_CARRIERS = 50
"""Items that a word is the mean of. More would hardly move it."""
MAX_REMEMBERED = 2000
"""Words that are remembered, of all catalogues and spaces: some 2 MB with 400 dimensions."""
REMEMBERED_S = 600.0
UNANSWERED_S = 5.0
"""A word that could not be looked up is asked for again after so many seconds: one reader waits, not all."""

_Key: TypeAlias = tuple[str, str, str]


class Carriers(ABC):
    """The catalogue, as far as words need it."""

    @abstractmethod
    def carrying(self, catalogue: str, space: Space, word: str, limit: int) -> Sequence[Float16]:
        """(D,) vectors in `space` of at most `limit` items that have the word as a tag or as their category, in one of
        its `spellings`. Raises as `Items.resolve`."""


def spellings(word: str) -> list[str]:
    """A word as it may be written in a catalogue: as it is, in small letters, with a capital one."""
    return list(dict.fromkeys((word, word.lower(), word.capitalize(), word.title())))


class Words:
    """Looks words up. `clock`: seconds, monotonic. May be used by several threads."""

    def __init__(self, carriers: Carriers, clock: Callable[[], float]) -> None:
        self._carriers = carriers
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[_Key, tuple[float, Float16 | None]] = OrderedDict()

    def vectors(self, catalogue: str, space: Space, words: Sequence[str]) -> Mapping[str, Float16]:
        """(D,) canonical float16 of each word that items carry. A catalogue that does not answer has none: somebody's
        taste is not to fail for want of a guess."""
        found = {word: self._vector(catalogue, space, word) for word in dict.fromkeys(words)}
        return {word: vector for word, vector in found.items() if vector is not None}

    def _vector(self, catalogue: str, space: Space, word: str) -> Float16 | None:
        key = (catalogue, space.name, word)
        with self._lock:
            until, vector = self._known.get(key, (0.0, None))
            if until > self._clock():
                return vector
        vector, for_s = self._asked(catalogue, space, word, vector)
        with self._lock:
            self._known[key] = (self._clock() + for_s, vector)
            self._known.move_to_end(key)
            while len(self._known) > MAX_REMEMBERED:
                self._known.popitem(last=False)
        return vector

    def _asked(self, catalogue: str, space: Space, word: str, before: Float16 | None) -> tuple[Float16 | None, float]:
        """The word's vector and for how long to believe it; while nobody answers, the one before."""
        try:
            carriers = self._carriers.carrying(catalogue, space, word, MAX_CARRIERS)
        except VisrecError:
            return before, UNANSWERED_S
        if not carriers:
            return None, REMEMBERED_S
        mean = space.normalise(np.mean(np.stack(carriers).astype(np.float32), axis=0))
        return canonical(mean) if mean.any() else None, REMEMBERED_S
