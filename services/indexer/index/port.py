"""What a search needs of an index, whatever it is made of.

Rows are numbered from 0 in a view, one for each photo; the rows of an item stand side by side, and the first of them
stands for the item. A view never changes, so a search sees one state from beginning to end and waits for nobody.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.indexer.filters import Filter
from services.indexer.item import Item, Record
from services.indexer.version import Version
from services.spaces import Float32, Space

Bools = NDArray[np.bool_]
RowArray = NDArray[np.int64]

PackItem = Callable[[Item], bytes]
"""How an index keeps an item: as bytes that it hands back and never reads."""


class Accuracy(Enum):
    """The recall@10 to be expected: 0.90, 0.97, 1."""

    FAST = "fast"
    BALANCED = "balanced"
    EXACT = "exact"


Moved = Callable[[Path], None]
"""Told where a folder that was written is from now on."""

Proceed = Callable[[], None]
"""Called again and again during long work; raises to give it up."""


class Aims(NamedTuple):
    """What a search looks for: `weighed` (n, D) queries scaled by their block weights `weights` (n, blocks), of which
    the absolute values sum to 1."""

    weighed: Float32
    weights: Float32


class Eligible(ABC):
    """The rows of one view that may come back, made once for all that asks with the same filter. `count` of them."""

    count: int

    @abstractmethod
    def has(self, row: int) -> bool:
        """Whether this row may."""


@dataclass(frozen=True)
class Size:
    """What an index holds. `fresh`: rows that are searched one by one; `deleted`: rows that wait for compaction;
    `memory`: bytes of vectors and graph."""

    items: int
    rows: int
    fresh: int
    deleted: int
    memory: int
    items_by_domain: dict[str, int] = field(default_factory=dict)


class View(ABC):
    """One state of an index. Safe to use from any number of threads."""

    space: Space
    version: Version

    @property
    @abstractmethod
    def rows(self) -> int:
        """How many, those that no longer count included."""

    @property
    @abstractmethod
    def nbytes(self) -> int:
        """Bytes of memory, about."""

    @property
    def linked(self) -> int:
        """Rows that are in a graph. Links change what a snapshot is worth, and no version."""
        return 0

    @abstractmethod
    def size(self) -> Size:
        """Counts; costs time in the order of the rows."""

    @abstractmethod
    def find(self, item_id: str) -> int | None:
        """The first row of an item, None when this view has no such item."""

    def find_all(self, item_ids: Sequence[str]) -> list[int | None]:
        """The same for each of many, which costs less than one by one."""
        return [self.find(item_id) for item_id in item_ids]

    @abstractmethod
    def eligible(self, filter_: Filter) -> Eligible:
        """The rows whose item is there and passes."""

    @abstractmethod
    def nearest(
        self, aims: Aims, limit: int, eligible: Eligible, accuracy: Accuracy, proceed: Proceed
    ) -> list[list[int]]:
        """For each of the n queries the first rows of up to `limit` different items, those with the greatest inner
        product of any of their eligible rows first. Fewer only when no more are eligible."""

    @abstractmethod
    def word(self, first: int, field: str) -> str:
        """The word of `field` (`group_id` or `category`) of the item that has this first row, "" for none."""

    @abstractmethod
    def facets(self, field: str, eligible: Eligible, proceed: Proceed) -> Mapping[str, int]:
        """How many items with an eligible row have each word (or truth value, as `true` and `false`) of the field;
        only those that some item has."""

    @abstractmethod
    def expand(self, firsts: Sequence[int] | RowArray) -> tuple[RowArray, RowArray]:
        """All rows of the given items, and for each the position in `firsts` of the item it belongs to."""

    @abstractmethod
    def vectors(self, rows: RowArray) -> Float32:
        """(n,) rows -> (n, D), the canonical values."""

    @abstractmethod
    def item_id(self, first: int) -> str:
        """The id of the item that has this first row."""

    def item_ids(self, firsts: Sequence[int] | RowArray) -> list[str]:
        """The same for each of many, which costs less than one by one."""
        return [self.item_id(int(first)) for first in firsts]

    @abstractmethod
    def packed(self, first: int) -> bytes:
        """The item that has this first row, as it was packed."""


class Index(ABC):
    """One catalogue's index. Any thread may ask for a view; changes come one batch at a time."""

    @abstractmethod
    def view(self) -> View:
        """The state after the last change that was applied."""

    @abstractmethod
    def apply(self, upserts: Sequence[Record], removed: Sequence[str], version: Version) -> None:
        """Puts and removes items, then shows the result under `version`. Idempotent; unknown ids are ignored."""

    @abstractmethod
    def item_ids(self) -> list[str]:
        """The ids of all items."""

    def settle(self, proceed: Proceed) -> bool:  # noqa: ARG002 - for those that build
        """Does the build that is due, if one is, and says whether one was. May take minutes and disturbs nobody.
        Threads that build follow one another, but for `merge` and `link`, which go on beside it."""
        return False

    def merge(self, proceed: Proceed) -> bool:  # noqa: ARG002 - for those that build
        """The same for builds that take long, which another thread may call beside `settle`."""
        return False

    def link(self, proceed: Proceed) -> bool:  # noqa: ARG002 - for those that build
        """The same for what only makes searches cheaper, on a third thread."""
        return False

    def rebuild(self, proceed: Proceed) -> None:
        """Makes all of it anew, without what was deleted."""
        proceed()

    def save(self, folder: Path, proceed: Proceed) -> Moved | None:  # noqa: ARG002 - for those that can be loaded
        """Writes one state of it into an empty folder, from which it can be loaded; None for one that cannot. It wants
        to be told where that folder is in the end, if it is kept: what does not change is linked from there the next
        time."""
        return None

    def wait_for_room(self, timeout_s: float) -> bool:
        """False when `timeout_s` passed and the index still has more unsettled rows than it may. Writers ask before
        they write; an index without such a bound always has room."""
        return timeout_s >= 0
