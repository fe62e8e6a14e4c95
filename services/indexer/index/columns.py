"""What filters test, column by column over the items of a part that grows.

A word of a field has the list of the items that carry it; numbers, instants and truth values are kept as (item, value)
pairs. Both are in the order of the items and only grow, so a reader cuts them off at the items it knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from services.indexer.filters import Condition, Filter, WordTest
from services.indexer.index.growing import Growing
from services.indexer.item import Fact, Kind

Bools = NDArray[np.bool_]
Places = NDArray[np.int32]

FindItem = Callable[[str], int | None]
"""Item id -> its place; ids have no column of their own."""


class Columns:
    """One writer, any number of readers. A mask is always over the first `items` items, which must be complete."""

    def __init__(self) -> None:
        self._words: dict[str, dict[str, Growing]] = {}
        self._values: dict[tuple[str, Kind], tuple[Growing, Growing]] = {}

    def add(self, place: int, facts: Iterable[Fact]) -> None:
        """The facts of the item at that place, which comes after all items so far."""
        for fact in facts:
            if fact.kind is Kind.WORD:
                self._carriers(fact.field, str(fact.value)).append(place)
            else:
                where, values = self._pairs(fact.field, fact.kind)
                values.append(fact.value)
                where.append(place)

    def mask(self, filter_: Filter, items: int, find_item: FindItem) -> Bools:
        """(items,) bool: which of the first `items` items pass."""
        passing = np.ones(items, dtype=bool)
        for condition in filter_.must:
            passing &= self._condition(condition, items, find_item)
        if filter_.should:
            passing &= np.any([self._condition(one, items, find_item) for one in filter_.should], axis=0)
        for condition in filter_.must_not:
            passing &= ~self._condition(condition, items, find_item)
        return passing

    def counts(self, field: str, mask: Bools) -> Iterator[tuple[str, int]]:
        """Words, or truth values, of a field with how many items of the mask, which is over the first items, have
        them."""
        # A copy of the keys in one step: the writer may add some.
        for word, carriers in list(self._words.get(field, {}).items()):
            count = int(np.count_nonzero(mask[_below(carriers.head(), len(mask))]))
            if count:
                yield word, count
        if (field, Kind.TRUTH) in self._values:
            where, values = self._values[field, Kind.TRUTH]
            known = _below(where.head(), len(mask))
            passing = values.head(len(known))[mask[known]]
            counts = {"true": int(np.count_nonzero(passing)), "false": int(np.count_nonzero(passing == 0))}
            yield from ((word, count) for word, count in counts.items() if count)

    def _condition(self, condition: Condition, items: int, find_item: FindItem) -> Bools:
        passing = np.zeros(items, dtype=bool)
        test = condition.test
        if isinstance(test, WordTest):
            known_words = self._words.get(condition.field, {})
            for word in test.any_of:
                if condition.field == "id":
                    place = find_item(word)
                    passing[[] if place is None else [place]] = True
                elif word in known_words:
                    passing[_below(known_words[word].head(), items)] = True
        elif test is not None and (condition.field, test.kind) in self._values:
            where, values = self._values[condition.field, test.kind]
            known = _below(where.head(), items)
            passing[known[test.passes(values.head(len(known)))]] = True
        return passing

    def _carriers(self, field: str, word: str) -> Growing:
        return self._words.setdefault(field, {}).setdefault(word, Growing(np.int32))

    def _pairs(self, field: str, kind: Kind) -> tuple[Growing, Growing]:
        dtype = np.float64 if kind is Kind.NUMBER else np.int64
        return self._values.setdefault((field, kind), (Growing(np.int32), Growing(dtype)))


def _below(places: Places, end: int) -> Places:
    """Those of ascending places that are less than `end`."""
    if len(places) == 0 or places[-1] < end:
        return places
    return places[: int(np.searchsorted(places, end))]
