"""What filters test, column by column over the items of a settled part.

A field's words are an inverted index: for each word the places of the items that carry it. Numbers, instants and truth
values are sorted by value, so that a range is a slice. A filter is compiled to a roaring bitmap of items.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from services.indexer.filters import Condition, Filter, NumberTest, Test, TimeTest, TruthTest, WordTest
from services.indexer.index.items import Places, bitmap_of
from services.indexer.index.texts import Digests, Lookup, Texts, digests_of
from services.indexer.item import Fact, Kind

OFTEN = 4096
"""A word of so many items keeps its bitmap once it was asked for: about as many bytes as it has items, or fewer."""

FindItem = Callable[[str], int | None]
"""Item id -> its place; ids have no column of their own."""

_NO_PLACES: Places = np.empty(0, np.uint32)


@dataclass(frozen=True)
class Words:
    """One field: `words` in the order of `lookup`'s places; word w is carried by `carriers[starts[w] : starts[w + 1]]`,
    ascending places of items. `starts` (words + 1,) int64, `carriers` uint32."""

    words: Texts
    lookup: Lookup
    starts: NDArray[np.int64]
    carriers: Places
    _often: dict[int, BitMap] = field(default_factory=dict, compare=False)

    @classmethod
    def joined(
        cls, texts: Sequence[Texts], digests: Sequence[Digests], counts: Sequence[Any], carriers: Places
    ) -> Words:
        """Several lists of different words, one after the other; `counts`: for each list how many carriers each of its
        words has; `carriers`: of all of them, one word after the other. Equal words of two lists become one."""
        every = np.concatenate(digests)
        repeated = np.concatenate(counts)
        different, first, word_of = np.unique(every, return_index=True, return_inverse=True)
        owner = np.repeat(word_of, repeated)
        order = np.lexsort((carriers, owner))
        starts = np.zeros(len(different) + 1, np.int64)
        np.cumsum(np.bincount(owner, minlength=len(different)), out=starts[1:])
        lookup = Lookup(different, np.arange(len(different), dtype=np.int32))
        return cls(Texts.joined(texts).take(first), lookup, starts, carriers[order])

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return self.words.nbytes + self.lookup.nbytes + self.starts.nbytes + self.carriers.nbytes

    def carried_by(self, word: str) -> BitMap:
        """The items that carry it. Not to be changed."""
        place = self.lookup.find(word)
        if place is None:
            return BitMap()
        if place not in self._often:
            places = self.carriers[self.starts[place] : self.starts[place + 1]]
            bitmap = bitmap_of(places)
            if len(places) < OFTEN:
                return bitmap
            bitmap.run_optimize()
            self._often[place] = bitmap
        return self._often[place]

    def counts(self, mask: NDArray[np.bool_]) -> Iterator[tuple[str, int]]:
        """Each word that items of the mask carry, and how many of them do."""
        before = np.zeros(len(self.carriers) + 1, np.int64)
        np.cumsum(mask[self.carriers], out=before[1:])
        counts = np.diff(before[self.starts])
        for place in np.flatnonzero(counts).tolist():
            yield self.words[place].decode(), int(counts[place])

    def kept(self, new_places: NDArray[np.int64]) -> tuple[Texts, Digests, NDArray[np.int64], Places]:
        """What `joined` takes, under new places of items, -1 for those that go; words that nobody carries go, too."""
        moved = new_places[self.carriers]
        before = np.zeros(len(moved) + 1, np.int64)
        np.cumsum(moved >= 0, out=before[1:])
        counts = np.diff(before[self.starts])
        there = np.flatnonzero(counts)
        digests = self.lookup.in_order()[there]
        return self.words.take(there), digests, counts[there], moved[moved >= 0].astype(np.uint32)


@dataclass(frozen=True)
class Values:
    """One field: `values` ascending, and for each the place of its item."""

    values: NDArray[Any]
    carriers: Places

    @classmethod
    def of(cls, values: NDArray[Any], carriers: Places) -> Values:
        """In any order."""
        order = np.argsort(values, kind="stable")
        return cls(values[order], carriers[order])

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return int(self.values.nbytes + self.carriers.nbytes)

    def passing(self, test: Test) -> BitMap:
        """The items whose value passes."""
        least, most = _bounds(test)
        begin = 0 if least is None else int(np.searchsorted(self.values, least, "left"))
        side: Any = "left" if isinstance(test, TimeTest) else "right"
        end = len(self.values) if most is None else int(np.searchsorted(self.values, most, side))
        return bitmap_of(self.carriers[begin:end])

    def kept(self, new_places: NDArray[np.int64]) -> tuple[NDArray[Any], Places]:
        """Under new places of items, without those that go (-1)."""
        moved = new_places[self.carriers]
        return self.values[moved >= 0], moved[moved >= 0].astype(np.uint32)


@dataclass(frozen=True)
class Facts:
    """All fields of `items` items."""

    items: int
    words: Mapping[str, Words]
    values: Mapping[tuple[str, Kind], Values]

    @classmethod
    def of(cls, facts: Sequence[Sequence[Fact]]) -> Facts:
        """`facts`: of each item."""
        words: dict[str, dict[str, list[int]]] = {}
        values: dict[tuple[str, Kind], tuple[list[Any], list[int]]] = {}
        for place, mine in enumerate(facts):
            for fact in mine:
                if fact.kind is Kind.WORD:
                    words.setdefault(fact.field, {}).setdefault(str(fact.value), []).append(place)
                else:
                    known, carriers = values.setdefault((fact.field, fact.kind), ([], []))
                    known.append(fact.value)
                    carriers.append(place)
        return cls(
            len(facts),
            {name: _inverted(carried) for name, carried in words.items()},
            {
                key: Values.of(np.array(known, _DTYPES[key[1]]), np.array(carriers, np.uint32))
                for key, (known, carriers) in values.items()
            },
        )

    @classmethod
    def joined(cls, several: Sequence[tuple[Facts, NDArray[np.int64]]]) -> Facts:
        """Of several parts, each with the new places of its items, -1 for those that go."""
        items = sum(int(np.count_nonzero(new_places >= 0)) for _, new_places in several)
        names = dict.fromkeys(name for facts, _ in several for name in facts.words)
        words = {}
        for name in names:
            kept = [facts.words[name].kept(new_places) for facts, new_places in several if name in facts.words]
            texts, digests, counts, carriers = (list(part) for part in zip(*kept, strict=True))
            words[name] = Words.joined(texts, digests, counts, np.concatenate(carriers))
        keys = dict.fromkeys(key for facts, _ in several for key in facts.values)
        values = {}
        for key in keys:
            moved = [facts.values[key].kept(new_places) for facts, new_places in several if key in facts.values]
            values[key] = Values.of(*(np.concatenate(part) for part in zip(*moved, strict=True)))
        return cls(items, words, values)

    @property
    def nbytes(self) -> int:
        """Bytes of all columns."""
        return sum(words.nbytes for words in self.words.values()) + sum(one.nbytes for one in self.values.values())

    def passing(self, filter_: Filter, find_item: FindItem) -> BitMap:
        """The items that pass."""
        passing = BitMap()
        passing.add_range(0, self.items)
        for condition in filter_.must:
            passing &= self._condition(condition, find_item)
        if filter_.should:
            passing &= BitMap.union(*(self._condition(one, find_item) for one in filter_.should))
        for condition in filter_.must_not:
            passing -= self._condition(condition, find_item)
        return passing

    def counts(self, name: str, mask: NDArray[np.bool_]) -> Iterator[tuple[str, int]]:
        """Words, or truth values, of a field with how many items of the mask have them."""
        if name in self.words:
            yield from self.words[name].counts(mask)
        truths = self.values.get((name, Kind.TRUTH))
        if truths is not None:
            passing = truths.values[mask[truths.carriers]]
            counts = {"true": int(np.count_nonzero(passing)), "false": int(np.count_nonzero(passing == 0))}
            yield from ((word, count) for word, count in counts.items() if count)

    def _condition(self, condition: Condition, find_item: FindItem) -> BitMap:
        test = condition.test
        if isinstance(test, WordTest):
            if condition.field == "id":
                return BitMap(place for word in test.any_of if (place := find_item(word)) is not None)
            known = self.words.get(condition.field)
            found = [known.carried_by(word) for word in test.any_of] if known else []
            return found[0] if len(found) == 1 else BitMap().union(*found) if found else BitMap()
        values = self.values.get((condition.field, test.kind)) if test else None
        return values.passing(test) if values and test else BitMap()


_DTYPES = {Kind.NUMBER: np.float64, Kind.INSTANT: np.int64, Kind.TRUTH: np.uint8}


def _inverted(carried: Mapping[str, Sequence[int]]) -> Words:
    texts = Texts.of([word.encode() for word in carried])
    counts = np.array([len(places) for places in carried.values()], np.int64)
    places = np.array([place for mine in carried.values() for place in mine], np.uint32)
    return Words.joined([texts], [digests_of(carried)], [counts], places)


def _bounds(test: Test) -> tuple[Any, Any]:
    """Least and most; None does not bind. The most is included, but for instants."""
    match test:
        case NumberTest():
            return test.at_least, test.at_most
        case TruthTest():
            return int(test.value), int(test.value)
        case TimeTest():
            return _within_64_bits(test.not_before_us), _within_64_bits(test.before_us)
    raise AssertionError("unreachable: words are not values")


def _within_64_bits(instant: int | None) -> int | None:
    """A caller's instant may be beyond them; an item's is not."""
    return None if instant is None else max(-(2**63), min(instant, 2**63 - 1))
