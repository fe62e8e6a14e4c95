"""What a word looks like: the mean of items that carry it. Remembered a while, for all who state the word."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class _Word:
    """Not asked for again until `until_s`."""

    until_s: float
    vector: Float16 | None
    is_answered: bool = True


_NEVER = _Word(0.0, None)


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
        self._known: OrderedDict[_Key, _Word] = OrderedDict()

    def vectors(self, catalogue: str, space: Space, words: Sequence[str]) -> Mapping[str, Float16]:
        """(D,) canonical float16 of each word that items carry. A catalogue that does not answer has none, and is asked
        for no further word: somebody's taste is not to fail, or wait long, for want of a guess."""
        found: dict[str, Float16] = {}
        is_away = False
        for word in dict.fromkeys(words):
            key = (catalogue, space.name, word)
            with self._lock:
                held = self._known.get(key, _NEVER)
            vector = held.vector
            if held.until_s <= self._clock():
                vector, is_away = self._looked_up(key, space, vector, is_away=is_away)
            if vector is not None:
                found[word] = vector
        return found

    def lacks(self, catalogue: str, space: Space, words: Sequence[str]) -> bool:
        """Whether the catalogue did not answer when it was last asked for one of the words, and nothing is known of it
        from before."""
        with self._lock:
            known = [self._known.get((catalogue, space.name, word)) for word in words]
        return any(each is None or (each.vector is None and not each.is_answered) for each in known)

    def _looked_up(
        self, key: _Key, space: Space, before: Float16 | None, *, is_away: bool
    ) -> tuple[Float16 | None, bool]:
        """The vector of a word, and whether the catalogue is away: then the one from before."""
        vector, for_s, is_answered = before, UNANSWERED_S, False
        if not is_away:
            try:
                vector, for_s, is_answered = self._asked(key[0], key[2], space), REMEMBERED_S, True
            except VisrecError:
                is_away = True
        with self._lock:
            self._known[key] = _Word(self._clock() + for_s, vector, is_answered)
            self._known.move_to_end(key)
            while len(self._known) > MAX_REMEMBERED:
                self._known.popitem(last=False)
        return vector, is_away

    def _asked(self, catalogue: str, word: str, space: Space) -> Float16 | None:
        carriers = self._carriers.carrying(catalogue, space, word, MAX_CARRIERS)
        if not carriers:
            return None
        mean = space.normalise(np.mean(np.stack(carriers).astype(np.float32), axis=0))
        return canonical(mean) if mean.any() else None
