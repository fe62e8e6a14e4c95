"""Reading tastes: the one that was kept while it holds, else one folded afresh.

Folding happens when a taste is read, not when an event is written: people do more than they ask, so a burst of events
costs one fold, and a write stays as small as the event. What was folded is kept with the stamp of the events it came
from, so that the next reader only looks, and a fold that was overtaken by a write or an erasure is not kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.errors import InvalidInput, NotFound, NotReady, SpaceMismatch, VisrecError
from services.profile import kept_taste
from services.profile.events import Event
from services.profile.identifiers import catalogue_name, identifier
from services.profile.kept_taste import KeptTaste
from services.profile.store import ProfileStore
from services.profile.taste import Taste, TasteRules, fold
from services.profile.taste_store import Glance, Wanted

MAX_TASTES = 64
NO_TASTE = Taste()


@dataclass(frozen=True)
class TasteQuery:
    """Whose taste, in which catalogue; `space` empty: the one that the latest event was recorded in."""

    user_id: str
    catalogue: str
    space: str = ""
    include_seen: bool = False


@dataclass(frozen=True)
class TasteView:
    """A person in a catalogue. `seen`: item ids, latest first. Not personalised: there is nothing but that."""

    personalised: bool
    taste: Taste = NO_TASTE
    seen: tuple[str, ...] = ()


class TasteReader:
    """Reads tastes from the store."""

    def __init__(self, store: ProfileStore, rules: TasteRules) -> None:
        self._store = store
        self._rules = rules

    def one(self, query: TasteQuery) -> TasteView:
        """Raises InvalidInput naming the field, NotFound for an unknown person, SpaceMismatch when their events are of
        another space than the one asked for."""
        result = self._views([_checked(query, "")])[0]
        if isinstance(result, VisrecError):
            raise result
        return result

    def several(self, queries: Sequence[TasteQuery]) -> list[TasteView | VisrecError]:
        """The same for 1 to 64 people, with one look at the store for all whose kept taste holds; each fails alone.

        Raises InvalidInput for none or too many.
        """
        if not 1 <= len(queries) <= MAX_TASTES:
            raise InvalidInput("requests", f"{len(queries)} requests, 1 to {MAX_TASTES} are allowed")
        results: dict[int, TasteView | VisrecError] = {}
        good: dict[int, TasteQuery] = {}
        for number, query in enumerate(queries):
            try:
                good[number] = _checked(query, f"requests[{number}].")
            except InvalidInput as problem:
                results[number] = problem
        results |= dict(zip(good, self._views(list(good.values())), strict=True))
        return [results[number] for number in range(len(queries))]

    def _views(self, queries: Sequence[TasteQuery]) -> list[TasteView | VisrecError]:
        wanted = [Wanted(query.user_id, query.catalogue, query.include_seen) for query in queries]
        glances = self._store.glance(wanted) if wanted else []
        results: list[TasteView | VisrecError] = []
        for query, glance in zip(queries, glances, strict=True):
            try:
                results.append(self._view(query, glance))
            except (NotFound, NotReady, SpaceMismatch) as problem:
                results.append(problem)
        return results

    def _view(self, query: TasteQuery, glance: Glance | None) -> TasteView:
        if glance is None:
            raise NotFound("user", query.user_id)
        if not glance.personalised:
            return TasteView(personalised=False)
        kept = kept_taste.unpack(glance.taste)
        holds = kept is not None and kept.stamp == glance.stamp and kept.recipe == self._rules.recipe
        if kept is not None and holds and query.space in ("", kept.taste.space):
            return TasteView(True, kept.taste, glance.seen)
        taste = self._folded(query) if glance.stamp else NO_TASTE
        return TasteView(True, taste, glance.seen)

    def _folded(self, query: TasteQuery) -> Taste:
        window = self._store.window(query.user_id, query.catalogue)
        latest = max(window.events, key=lambda event: (event.time_ms, event.event_id), default=None)
        if latest is None:
            return NO_TASTE
        taste = self._fold(window.events, query.space or latest.space)
        if taste.space == latest.space:
            kept = KeptTaste(window.stamp, self._rules.recipe, taste)
            self._store.keep_taste(query.user_id, query.catalogue, window.stamp, kept_taste.pack(kept))
        return taste

    def _fold(self, events: Sequence[Event], name: str) -> Taste:
        if all(event.space != name for event in events):
            raise SpaceMismatch(expected=name, given=events[0].space)
        space = self._store.space(name)
        if space is None:
            raise NotReady(f"the blocks of space {name} are not known yet")
        return fold(events, space, self._rules)


def _checked(query: TasteQuery, at: str) -> TasteQuery:
    identifier(query.user_id, f"{at}user_id")
    catalogue_name(query.catalogue, f"{at}catalogue")
    return query
