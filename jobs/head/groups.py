"""Items that belong together: those of a label, or those that one person has engaged with. Pure.

Two items are *related* when they share a group at least TWICE as often as items that many groups have would by chance:

    c_ij >= 2 n_i n_j / G

c_ij are the groups that have both, n_i those that have i, G all of them (c/expected is the "lift" of association rules:
Brin et al., SIGMOD 1997). For labels, of which an item has one, that is "has the same label".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.intp]
Flags = NDArray[np.bool_]

TWICE = 2.0


@dataclass(frozen=True, eq=False)
class Groups:
    """Each group has two rows or more, none twice. `rows`: (m,) those of the first group, then those of the second, …;
    `starts`: (G,) where each begins; `items`: how many rows there are at all; `least`: groups that two rows must share
    to be related."""

    rows: Rows
    starts: Rows
    items: int
    least: int = 1

    @classmethod
    def of(cls, groups: Iterable[Iterable[int]], items: int, least: int = 1) -> Groups:
        """Groups of fewer than two rows say nothing and are left out."""
        kept = [chosen for group in groups if len(chosen := np.unique(np.fromiter(group, dtype=np.intp))) > 1]
        starts = np.cumsum([0, *(len(each) for each in kept)], dtype=np.intp)[:-1]
        rows = np.concatenate(kept) if kept else np.zeros(0, dtype=np.intp)
        return cls(rows, starts, items, least)

    def __len__(self) -> int:
        return len(self.starts)

    @cached_property
    def sizes(self) -> Rows:
        """(G,) of each group."""
        return np.diff(np.append(self.starts, len(self.rows)))

    @cached_property
    def of_row(self) -> Rows:
        """(items,) how many groups have each row."""
        return np.bincount(self.rows, minlength=self.items)

    def among(self, allowed: Flags) -> Groups:
        """Only rows that are `allowed`, (items,); they keep their numbers."""
        owners = np.repeat(np.arange(len(self)), self.sizes)
        inside = allowed[self.rows]
        sizes = np.bincount(owners[inside], minlength=len(self))
        inside &= sizes[owners] > 1
        rows, sizes = self.rows[inside], sizes[sizes > 1]
        return Groups(rows, np.asarray(np.cumsum(np.append(0, sizes))[:-1], dtype=np.intp), self.items, self.least)

    def renumbered(self, allowed: Flags) -> Groups:
        """Only rows that are `allowed`, numbered by their place among them."""
        inside = self.among(allowed)
        return Groups(np.cumsum(allowed)[inside.rows] - 1, inside.starts, int(allowed.sum()), self.least)

    def related(self, rows: Rows) -> Flags:
        """(rows, items): which are related to each; none to itself."""
        found = np.zeros((len(rows), self.items), dtype=np.bool_)
        for at, row in enumerate(rows):
            mine = self._groups_of[self._ends[row] : self._ends[row + 1]]
            if len(mine):
                together = np.concatenate(
                    [self.rows[self.starts[one] : self.starts[one] + self.sizes[one]] for one in mine]
                )
                shared = np.bincount(together, minlength=self.items)
                by_chance = self.of_row[row] * self.of_row / len(self)
                found[at] = (shared >= self.least) & (shared >= TWICE * by_chance)
                found[at, row] = False
        return found

    @cached_property
    def _groups_of(self) -> Rows:
        """(m,) the groups of the first row, then those of the second, and so on."""
        return np.repeat(np.arange(len(self)), self.sizes)[np.argsort(self.rows, kind="stable")]

    @cached_property
    def _ends(self) -> Rows:
        return np.append(0, np.cumsum(self.of_row))
