"""What a search needs of an index, whatever it is made of.

Rows are numbered from 0 in a view, one for each photo; the rows of an item stand side by side, and the first of them
stands for the item. A view never changes, so a search sees one state from beginning to end and waits for nobody.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum

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


@dataclass(frozen=True)
class Eligible:
    """The rows of one view that may come back: `mask` (rows of the view,), `count` of them."""

    mask: Bools
    count: int

    def has(self, row: int) -> bool:
        """Whether this row may."""
        return bool(self.mask[row])


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

    @abstractmethod
    def size(self) -> Size:
        """Counts; costs time in the order of the rows."""

    @abstractmethod
    def find(self, item_id: str) -> int | None:
        """The first row of an item, None when this view has no such item."""

    @abstractmethod
    def eligible(self, filter_: Filter) -> Eligible:
        """The rows whose item is there and passes."""

    @abstractmethod
    def nearest(self, weighed: Float32, limit: int, eligible: Eligible, accuracy: Accuracy) -> list[int]:
        """First rows of up to `limit` different items, those with the greatest inner product with `weighed` (D,) of any
        of their eligible rows first."""

    @abstractmethod
    def expand(self, firsts: Sequence[int]) -> tuple[RowArray, RowArray]:
        """All rows of the given items, and for each the position in `firsts` of the item it belongs to."""

    @abstractmethod
    def vectors(self, rows: RowArray) -> Float32:
        """(n,) rows -> (n, D), the canonical values."""

    @abstractmethod
    def item_id(self, first: int) -> str:
        """The id of the item that has this first row."""

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

    def settle(self, proceed: Callable[[], None]) -> bool:  # noqa: ARG002 - for those that build
        """Does the build that is due, if one is, and says whether one was. May take minutes and disturbs nobody, but
        only one thread may call it. `proceed` is called again and again meanwhile and may raise to give up."""
        return False

    def wait_for_room(self, timeout_s: float) -> bool:
        """False when `timeout_s` passed and the index still has more unsettled rows than it may. Writers ask before
        they write; an index without such a bound always has room."""
        return timeout_s >= 0
