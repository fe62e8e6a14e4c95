"""What was not known of events when they were recorded, or not in the space that is wanted now, is looked up later.

That is when a taste is read, when the person does the next thing, and when tastes are rebuilt: there is no queue that
could run over, and what nobody asks for costs nothing. What was found is written back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from services.errors import NotFound
from services.profile.catalogue.items import AWAY, MAX_LOOKUP, CatalogueItem, Resolved
from services.profile.catalogue.known_spaces import KnownSpaces
from services.profile.catalogue.patience import PatientItems
from services.profile.events.event import MAX_SPACES, Event
from services.profile.events.event_store import Act, EventStore, Filled, Window
from services.spaces import Space


@dataclass(frozen=True)
class Completed:
    """A window with what is known of it in a space. `space`: None when there is none to be known in. `waiting`: events
    whose items could not be looked up now; `lost`: those that have no vector in the space and will not get one.
    `items`: that were looked up, with their vectors in the space, by their id; perhaps those of others among them."""

    window: Window
    space: Space | None
    waiting: int = 0
    lost: int = 0
    items: Mapping[str, CatalogueItem] = field(default_factory=dict)


class Resolver:
    """Looks up what is missing and writes it back."""

    def __init__(self, store: EventStore, items: PatientItems, spaces: KnownSpaces) -> None:
        self._store = store
        self._items = items
        self.spaces = spaces

    def complete(self, user_id: str, catalogue: str, window: Window, space: str, also: Sequence[str] = ()) -> Completed:
        """A person's window in a space, by name; empty: the catalogue's present one. `also`: further items to look up.

        Raises SpaceMismatch for a space that the catalogue does not have, if it had to be asked; one of AWAY when
        nothing is known of the space.
        """
        lacking = missing(window, space)
        if not lacking and not also and space and (known := self.spaces.get(space)):
            return _completed(window, known, waiting=0)
        try:
            found = self.look_up(catalogue, [*item_ids(lacking), *also], space)
        except AWAY:
            known = self.spaces.get(space)
            if space and known is None:
                raise
            return _completed(window, known, waiting=len(lacking) + len(also))
        except NotFound:
            return self._of_no_catalogue(user_id, catalogue, window, space)
        return self.written(user_id, catalogue, window, found)

    def look_up(self, catalogue: str, names: Sequence[str], space: str = "") -> Resolved:
        """Items by their ids, in as many lookups as it takes. Raises as `Items.resolve`."""
        found = self._items.resolve(catalogue, names[:MAX_LOOKUP], space)
        self.spaces.keep(found.space)
        known = dict(found.items)
        for first in range(MAX_LOOKUP, len(names), MAX_LOOKUP):
            known |= self._items.resolve(catalogue, names[first : first + MAX_LOOKUP], found.space.name).items
        return Resolved(found.space, known)

    def rests(self, catalogue: str) -> bool:
        """Whether the catalogue has just failed to answer, so that asking again is for later."""
        return self._items.rests(catalogue)

    def written(self, user_id: str, catalogue: str, window: Window, found: Resolved) -> Completed:
        """The window with what was `found` of the items that it lacked, which is written back."""
        lacking = missing(window, found.space.name)
        filled = [each for act in lacking if (each := _filled(act, found)) is not None]
        if filled:
            self._store.fill(user_id, catalogue, window.stamp, filled)
        if any(each.act.event.pending for each in filled):
            window = self._store.window(user_id, catalogue)
        else:
            changed = {each.act.name: each.event for each in filled}
            acts = [replace(act, event=changed.get(act.name) or act.event) for act in window.acts]
            window = replace(window, acts=tuple(acts))
        waiting = sum(act.event.pending for act in window.acts)
        return replace(_completed(window, found.space, waiting), items=found.items)

    def _of_no_catalogue(self, user_id: str, catalogue: str, window: Window, space: str) -> Completed:
        """The catalogue is gone, or never was: what was taken on trust is dropped, what is known stays."""
        dropped = [Filled(act, None) for act in window.acts if act.event.pending]
        if dropped:
            self._store.fill(user_id, catalogue, window.stamp, dropped)
            window = self._store.window(user_id, catalogue)
        return _completed(window, self.spaces.get(space), waiting=0)


def missing(window: Window, space: str) -> list[Act]:
    """The acts whose items are to be looked up, for a taste in a space."""
    return [act for act in window.acts if _lacks(act.event, space)]


def space_of(window: Window) -> str:
    """The name of the space that the latest event with a vector was recorded in; empty: there is none."""
    return next((event.space for event in reversed(window.events) if event.space), "")


def item_ids(acts: Sequence[Act]) -> list[str]:
    """Their items, each once."""
    return list(dict.fromkeys(act.event.item_id for act in acts))


def _lacks(event: Event, space: str) -> bool:
    return event.pending or bool(space and event.item_id and event.weight and event.vector_in(space) is None)


def _filled(act: Act, found: Resolved) -> Filled | None:
    """None: nothing to write. An event that was taken on trust and has no item is dropped."""
    event, item = act.event, found.items.get(act.event.item_id)
    if item is None:
        return Filled(act, None) if event.pending else None
    vectors = dict(list(event.vectors.items())[: MAX_SPACES - 1])
    if item.vector is not None:
        vectors[found.space.name] = item.vector
    elif not event.pending:
        return None
    known = replace(event, domain=item.domain, category=item.category, tags=item.tags, vectors=vectors, pending=False)
    return Filled(act, known)


def _completed(window: Window, space: Space | None, waiting: int) -> Completed:
    without = sum(
        1 for event in window.events if event.weight and (space is None or event.vector_in(space.name) is None)
    )
    return Completed(window, space, waiting, max(0, without - waiting))
