"""Filters that were compiled for a part, remembered within a bound: the same few are asked for again and again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from services.indexer.filters import Filter
from services.indexer.index.items import ItemSet

ITEM_BYTES, LEAST_BYTES = 8, 1 << 20
"""What all take together at most: for each item of the part so many, which is what seven or eight filters take, and so
many however few items there are."""

MOST_WORDS = 1024
"""A filter of more is compiled each time: it would be the greater part of what is remembered."""


class CompiledFilters:
    """Those used last. Safe to use from any number of threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Filter, ItemSet] = OrderedDict()
        self._lock = threading.Lock()
        self.nbytes = 0

    def get(self, filter_: Filter, make: Callable[[], ItemSet]) -> ItemSet:
        """What passes, made unless it is remembered; of one and the same part."""
        with self._lock:
            known = self._kept.get(filter_)
            if known is not None:
                self._kept.move_to_end(filter_)
                return known
        made = make()
        if filter_.words <= MOST_WORDS:
            with self._lock:
                self._keep(filter_, made)
        return made

    def _keep(self, filter_: Filter, made: ItemSet) -> None:
        if filter_ in self._kept:
            return
        self._kept[filter_] = made
        self.nbytes += made.most_bytes
        while self.nbytes > ITEM_BYTES * made.of + LEAST_BYTES:
            _, gone = self._kept.popitem(last=False)
            self.nbytes -= gone.most_bytes
