"""The catalogue's space of collaborative factors, if it has one: where people are folded in."""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Sequence

from services.errors import NotFound, SpaceMismatch
from services.profile.catalogue.items import MAX_LOOKUP, Items
from services.profile.collaborative.placing import Collaborative, PutVector, fold_in, is_fresh, standing
from services.profile.events.event import Event
from services.profile.taste.tidying import tidied
from services.spaces import Float16

ALIAS = "collaborative"
"""What the job that learns the factors calls their space in the indexer."""

ABSENT_S = 60.0
"""A catalogue without such a space is asked again after so many seconds."""
MAX_ABSENT = 1000

RECENT = 50.0
"""An act counts half when so many have come after it. Where people come back after weeks more would be better, within
one long visit 10 (bench/recommendation): this loses little in both."""


class Factors:
    """Places people. `clock`: seconds, monotonic. May be used by several threads."""

    def __init__(self, items: Items, clock: Callable[[], float]) -> None:
        self._items = items
        self._clock = clock
        self._lock = threading.Lock()
        self._absent: OrderedDict[str, float] = OrderedDict()

    def place(
        self, catalogue: str, events: Sequence[Event], put: PutVector | None = None, writes: int = 0
    ) -> Collaborative | None:
        """Where somebody is: the vector that a job `put`, or a fold of their events when it is stale or there is none
        (see `collaborative`). `events`: in the order of their time; what of them counts for a taste counts here.
        `writes`: how many there were in all. Raises as `Items.resolve` when the catalogue would have to be asked and
        cannot be: then they are where they were put."""
        stands = standing(put)
        if put is not None and is_fresh(put, writes):
            return stands
        rated: dict[str, float] = defaultdict(float)
        acts = (event for event in tidied(events) if event.item_id)
        for turn, event in enumerate(sorted(acts, key=lambda act: -act.time_ms)):
            rated[event.item_id] += event.weight * 2.0 ** (-turn / RECENT)
        return (self._folded(catalogue, rated) if rated else None) or stands

    def _folded(self, catalogue: str, rated: dict[str, float]) -> Collaborative | None:
        if self._is_absent(catalogue):
            return None
        try:
            strongest = sorted(rated, key=lambda item_id: (-abs(rated[item_id]), item_id))[:MAX_LOOKUP]
            found = self._items.resolve(catalogue, sorted(strongest), ALIAS)
        except (SpaceMismatch, NotFound):
            self._remember_absent(catalogue)
            return None
        known: list[tuple[float, Float16]] = [
            (rated[item_id], item.vector) for item_id, item in sorted(found.items.items()) if item.vector is not None
        ]
        return fold_in(known, found.space)

    def _is_absent(self, catalogue: str) -> bool:
        with self._lock:
            return self._absent.get(catalogue, 0.0) > self._clock()

    def _remember_absent(self, catalogue: str) -> None:
        with self._lock:
            self._absent[catalogue] = self._clock() + ABSENT_S
            self._absent.move_to_end(catalogue)
            while len(self._absent) > MAX_ABSENT:
                self._absent.popitem(last=False)
