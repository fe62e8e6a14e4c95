"""What filters test, column by column over the rows of an index.

A word of a field has the list of the rows that carry it; numbers, instants and truth values are kept as (row, value)
pairs. Both are in the order of the rows and only grow, so a reader cuts them off at the rows it knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from services.indexer.filters import Condition, Filter, WordTest
from services.indexer.index.growing import Growing
from services.indexer.item import Fact, Kind

Bools = NDArray[np.bool_]
Rows = NDArray[np.int32]

FindRows = Callable[[str], Iterable[int]]
"""Item id -> the rows of that item; ids have no column of their own."""


class Columns:
    """One writer, any number of readers. A mask is always over the first `rows` rows, which must be complete."""

    def __init__(self) -> None:
        self._words: dict[tuple[str, str], Growing] = {}
        self._values: dict[tuple[str, Kind], tuple[Growing, Growing]] = {}

    def add(self, first: int, count: int, facts: Iterable[Fact]) -> None:
        """The facts of the item that owns the rows `first` to `first + count`, which come after all rows so far."""
        rows = np.arange(first, first + count, dtype=np.int32)
        for fact in facts:
            if fact.kind is Kind.WORD:
                self._rows_of_word(fact.field, str(fact.value)).extend(rows)
            else:
                where, values = self._pairs(fact.field, fact.kind)
                values.extend(np.full(count, fact.value))
                where.extend(rows)

    def mask(self, filter_: Filter, rows: int, find_rows: FindRows) -> Bools:
        """(rows,) bool: which of the first `rows` rows pass."""
        passing = np.ones(rows, dtype=bool)
        for condition in filter_.must:
            passing &= self._condition(condition, rows, find_rows)
        if filter_.should:
            passing &= np.any([self._condition(one, rows, find_rows) for one in filter_.should], axis=0)
        for condition in filter_.must_not:
            passing &= ~self._condition(condition, rows, find_rows)
        return passing

    def words(self, field: str) -> list[str]:
        """All words that a row of this field ever had."""
        return sorted(word for name, word in list(self._words) if name == field)

    def rows_with(self, field: str, word: str, rows: int) -> Rows:
        """Those of the first `rows` rows that have the word, ascending."""
        column = self._words.get((field, word))
        return _below(column.head(), rows) if column is not None else np.empty(0, np.int32)

    def renumbered(self, new_rows: Rows) -> Columns:
        """A copy under other row numbers: `new_rows[row]`, ascending over the rows that stay, -1 for those that go."""
        copy = Columns()
        for (field, word), column in self._words.items():
            moved = new_rows[column.head()]
            if (moved >= 0).any():
                copy._rows_of_word(field, word).extend(moved[moved >= 0])
        for (field, kind), (where, values) in self._values.items():
            moved = new_rows[where.head()]
            rows, kept = copy._pairs(field, kind)
            kept.extend(values.head()[moved >= 0])
            rows.extend(moved[moved >= 0])
        return copy

    def _condition(self, condition: Condition, rows: int, find_rows: FindRows) -> Bools:
        passing = np.zeros(rows, dtype=bool)
        test = condition.test
        if isinstance(test, WordTest):
            for word in test.any_of:
                if condition.field == "id":
                    passing[list(find_rows(word))] = True
                else:
                    passing[self.rows_with(condition.field, word, rows)] = True
        elif test is not None and (condition.field, test.kind) in self._values:
            where, values = self._values[condition.field, test.kind]
            known = _below(where.head(), rows)
            passing[known[test.passes(values.head(len(known)))]] = True
        return passing

    def _rows_of_word(self, field: str, word: str) -> Growing:
        return self._words.setdefault((field, word), Growing(np.int32))

    def _pairs(self, field: str, kind: Kind) -> tuple[Growing, Growing]:
        dtype = np.float64 if kind is Kind.NUMBER else np.int64
        return self._values.setdefault((field, kind), (Growing(np.int32), Growing(dtype)))


def _below(rows: Rows, end: int) -> Rows:
    """Those of ascending row numbers that are less than `end`."""
    if len(rows) == 0 or rows[-1] < end:
        return rows
    return rows[: int(np.searchsorted(rows, end))]
