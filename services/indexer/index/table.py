"""Items in arrays: ids, what is packed of them, their rows, and what filters test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from services.indexer.index.facts import Facts
from services.indexer.index.texts import Lookup, Texts, digests_of
from services.indexer.item import Fact

GROUPED_BY = ("group_id", "category")


@dataclass(frozen=True)
class Items:
    """Items in arrays. `ids`, `packed`: of each; `lookup` finds ids. `starts` (items + 1,) int32: the first row of
    each."""

    ids: Texts
    lookup: Lookup
    packed: Texts
    starts: NDArray[np.int32]
    facts: Facts

    @classmethod
    def of(
        cls,
        ids: Sequence[str],
        packed: Sequence[bytes],
        photos: Sequence[int] | NDArray[np.integer],
        facts: Sequence[Sequence[Fact]],
    ) -> Items:
        """Of items one by one."""
        starts = np.zeros(len(ids) + 1, np.int32)
        np.cumsum(photos, out=starts[1:])
        texts = Texts.of([item_id.encode() for item_id in ids])
        return cls(texts, Lookup.over(digests_of(ids)), Texts.of(packed), starts, Facts.of(facts))

    @classmethod
    def joined(cls, several: Sequence[tuple[Items, NDArray[np.intp]]]) -> Items:
        """The given items of each, one list after the other. Of an id that is there twice the last one is found."""
        facts, offset = [], 0
        for items, kept in several:
            new_places = np.full(len(items.ids), -1, np.int64)
            new_places[kept] = np.arange(offset, offset + len(kept))
            facts.append((items.facts, new_places))
            offset += len(kept)
        starts = np.zeros(offset + 1, np.int32)
        np.cumsum(np.concatenate([np.diff(items.starts)[kept] for items, kept in several]), out=starts[1:])
        return cls(
            Texts.joined([items.ids.take(kept) for items, kept in several]),
            Lookup.over(np.concatenate([items.lookup.in_order()[kept] for items, kept in several])),
            Texts.joined([items.packed.take(kept) for items, kept in several]),
            starts,
            Facts.joined(facts),
        )

    @property
    def nbytes(self) -> int:
        """Of the arrays; what is derived from them on request is not counted."""
        return self.ids.nbytes + self.lookup.nbytes + self.packed.nbytes + self.starts.nbytes + self.facts.nbytes

    @cached_property
    def owners(self) -> NDArray[np.int32] | None:
        """The item of each row, None where each has one."""
        if self.starts[-1] == len(self.ids):
            return None
        return np.repeat(np.arange(len(self.ids), dtype=np.int32), np.diff(self.starts))

    @cached_property
    def codes(self) -> dict[str, NDArray[np.int32]]:
        """For the fields that hits are grouped by the place of each item's word, -1 for none."""
        codes = {}
        for name in GROUPED_BY:
            words = self.facts.words.get(name)
            codes[name] = np.full(len(self.ids), -1, np.int32)
            if words:
                codes[name][words.carriers] = np.repeat(np.arange(len(words.words)), np.diff(words.starts))
        return codes
