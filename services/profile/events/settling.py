"""What is older than the window goes into the long-term memory, block by block, oldest first.

The blocks are cut from the order of the events, never from when they came, and whoever reads before a block is settled
folds it on the spot. So what a person is thought to like follows from what they did alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from services.errors import SpaceMismatch
from services.profile.catalogue.items import AWAY, CatalogueItem
from services.profile.events import memory
from services.profile.events.event import Event
from services.profile.events.event_store import EventStore, Settlement, Window
from services.profile.events.memory import Memory
from services.profile.events.resolving import Resolver, space_of
from services.profile.filing.store_rules import StoreRules
from services.profile.taste.liking import TasteRules
from services.spaces import Space


@dataclass(frozen=True)
class Due:
    """A person who has `acts` events in a catalogue, more than fit the window."""

    user_id: str
    catalogue: str
    acts: int


class Settler:
    """Settles what is due."""

    def __init__(self, store: EventStore, resolver: Resolver, bounds: StoreRules, rules: TasteRules) -> None:
        self._store = store
        self._resolver = resolver
        self._bounds = bounds
        self._rules = rules

    def due(self, user_id: str, catalogue: str, acts: int) -> list[Due]:
        """The person, if there is something to settle."""
        return [Due(user_id, catalogue, acts)] if self._bounds.due(acts) else []

    def settle(self, due: Sequence[Due]) -> list[bool]:
        """Whether each was settled. Not who has been settled by somebody else meanwhile, and not who has events among
        the oldest whose items cannot be looked up now: they are settled later."""
        if not due:
            return []
        windows = self._store.oldest([(each.user_id, each.catalogue, self._bounds.due(each.acts)) for each in due])
        ready = [self._looked_up(each, window) for each, window in zip(due, windows, strict=True)]
        settlements = {
            number: self._settlement(each, window)
            for number, (each, window) in enumerate(zip(due, ready, strict=True))
            if window is not None
        }
        done = (
            dict(zip(settlements, self._store.settle(list(settlements.values())), strict=True)) if settlements else {}
        )
        return [done.get(number, False) for number in range(len(due))]

    def _looked_up(self, due: Due, window: Window) -> Window | None:
        count = self._bounds.due(due.acts)
        # Who moved to another space without being looked at takes what is remembered along, before anything is
        # remembered there that would stand for all.
        space = space_of(window)
        sources = memory.sources(memory.unpack(window.memory), space)
        if sources or any(event.pending for event in window.events):
            if not self._told(due, window, space if sources else "", sources):
                return None
            (window,) = self._store.oldest([(due.user_id, due.catalogue, count)])
        is_ready = len(window.acts) == count and all(self._is_known(event) for event in window.events)
        return window if is_ready else None

    def _told(self, due: Due, window: Window, space: str, sources: Sequence[str]) -> bool:
        """Whether what can be known of a window and of the `sources` of its memory is written by now."""
        try:
            completed = self._resolver.complete(due.user_id, due.catalogue, window, space, sources)
        except SpaceMismatch:
            return True  # that one is gone, too
        except AWAY:
            return False
        if completed.space is not None and not completed.waiting:
            self.moved(due.user_id, due.catalogue, completed.window, completed.space, completed.items)
        return not completed.waiting

    def _is_known(self, event: Event) -> bool:
        """Of one whose item or whose space nobody knows now, nothing would be remembered."""
        return not event.pending and all(self._resolver.spaces.get(name) for name in event.vectors)

    def _settlement(self, due: Due, window: Window) -> Settlement:
        after = self._folded(memory.unpack(window.memory), window)
        return Settlement(due.user_id, due.catalogue, window.stamp, window.mark, window.acts, memory.pack(after))

    def read(self, window: Window) -> tuple[Memory, Window]:
        """What is remembered in the long term, with what is due in it already, and the window without that."""
        before, count = memory.unpack(window.memory), self._bounds.due(len(window.acts))
        if not count:
            return before, window
        oldest = Window(acts=window.acts[:count])
        # As it will be read once it is settled: packing rounds.
        after = memory.unpack(memory.pack(self._folded(before, oldest)))
        return after, replace(window, acts=window.acts[count:])

    def moved(
        self, user_id: str, catalogue: str, window: Window, space: Space, items: Mapping[str, CatalogueItem]
    ) -> Window:
        """The window with its memory told in a space, too, by the items that it comes from, if they are among `items`.
        It is kept, so that what is settled after that finds it."""
        before = memory.unpack(window.memory)
        known = ((name, items.get(name)) for name in memory.sources(before, space.name))
        vectors = {name: item.vector for name, item in known if item is not None and item.vector is not None}
        after = memory.moved(before, space, vectors)
        if after is before or space.name not in after.centres:
            return window
        packed = memory.pack(after)
        self._store.settle([Settlement(user_id, catalogue, window.stamp, window.mark, (), packed)])
        return replace(window, memory=packed)

    def _folded(self, before: Memory, window: Window) -> Memory:
        """Block by block, so that it does not matter how many were due at once."""
        block = self._bounds.block
        for first in range(0, len(window.acts), block):
            events = window.events[first : first + block]
            before = memory.settle(before, events, self._known(events), self._rules)
        return before

    def _known(self, events: Sequence[Event]) -> dict[str, Space]:
        names = {name for event in events for name in event.vectors}
        return {name: space for name in sorted(names) if (space := self._resolver.spaces.get(name)) is not None}
