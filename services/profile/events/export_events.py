"""Events of everybody who consents, page by page, for jobs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from services.errors import InvalidInput, NotFound
from services.profile.catalogue.items import AWAY, Resolved
from services.profile.events.event import Event, EventType
from services.profile.events.event_store import Act, Histories
from services.profile.filing.store import ProfileStore
from services.profile.filing.store_rules import StoreRules
from services.profile.filing.token_store import closed, opened
from services.profile.identifiers import catalogue_name

DEFAULT_PAGE = 1000
MAX_PAGE = 10_000
LARGE = 4
"""A page is large that so many people fit into, whatever they have done."""
MAX_LOOKS = 64
"""At the store, for one page: many people without events of the time make a short page, not a slow one."""


@dataclass(frozen=True)
class ExportQuery:
    """Events of a catalogue from `start_ms` until before `end_ms`, None: without that bound, of these `types`, empty:
    of all. `with_user_ids`: people are called as the caller calls them."""

    catalogue: str
    start_ms: int | None = None
    end_ms: int | None = None
    size: int = 0
    token: str = ""
    with_user_ids: bool = False
    types: frozenset[EventType] = frozenset()


@dataclass(frozen=True)
class ExportedEvent:
    """`who` did it: a pseudonym, or the caller's own id. `recommendation`: a pseudonym of the one that showed the item,
    empty: none did. Who knows the id of a recommendation may read it, so the id itself is not told."""

    who: str
    event: Event
    recommendation: str = ""


@dataclass(frozen=True)
class ExportPage:
    """`token`: for the next page, empty when there is none. `read_ms`: when it began to be read, since 1970."""

    events: Sequence[ExportedEvent]
    token: str
    read_ms: int


@dataclass(frozen=True)
class _Place:
    """Where a page begins: a walk's token, and, if a person did not fit the page before, who (their pseudonym) and the
    last event that was given of them: its time and the keyed digest of its id."""

    token: str = ""
    after: tuple[str, int, str] | None = None

    def packed(self) -> str:
        return json.dumps([self.token, self.after]) if self.token else ""

    @classmethod
    def of(cls, packed: str) -> _Place:
        if not packed:
            return cls()
        token, after = json.loads(packed)
        return cls(token, (after[0], after[1], after[2]) if after else None)


class EventExport:
    """Walks over everybody. `bounds`: how many events a person may have. `look_up`: items of a catalogue by ids.
    `now_ms`: the clock, milliseconds since 1970."""

    def __init__(
        self,
        store: ProfileStore,
        bounds: StoreRules,
        look_up: Callable[[str, Sequence[str]], Resolved],
        now_ms: Callable[[], int],
    ) -> None:
        self._store = store
        self._bounds = bounds
        self._look_up = look_up
        self._now_ms = now_ms

    def page(self, query: ExportQuery) -> ExportPage:
        """Events in no particular order. Raises InvalidInput, naming the field, NotFound when the first page is empty
        and the catalogue does not exist, and one of AWAY when impressions are among them that were kept while the
        catalogue was away, and it is away again."""
        _check(query)
        read_ms = self._now_ms()
        # Without types as it was before there were any: a walk goes on over an upgrade.
        types = "".join(f" {each}" for each in sorted(query.types))
        request = f"ExportEvents {query.catalogue} {query.start_ms} {query.end_ms} {query.with_user_ids}{types}"
        events, token = self._page(query, opened(self._store, request, query.token))
        if not events and not query.token:
            self._require(query.catalogue)
        return ExportPage(
            self._told(query.catalogue, events), closed(self._store, request, token, query.token), read_ms
        )

    def _require(self, catalogue: str) -> None:
        with suppress(*AWAY):
            self._look_up(catalogue, [])

    def _told(self, catalogue: str, events: Sequence[ExportedEvent]) -> Sequence[ExportedEvent]:
        """With the domains of items that could not be looked up when they were shown: nothing else asks for them."""
        lacking = [each.event.item_id for each in events if _lacks_domain(each.event)]
        if not lacking:
            return events
        try:
            known = self._look_up(catalogue, list(dict.fromkeys(lacking))).items
        except NotFound:
            return events  # the catalogue is gone, and with it what its items were
        return [
            replace(each, event=replace(each.event, domain=known[each.event.item_id].domain))
            if _lacks_domain(each.event) and each.event.item_id in known
            else each
            for each in events
        ]

    def _page(self, query: ExportQuery, start: str) -> tuple[Sequence[ExportedEvent], str]:
        shown = not query.types or EventType.IMPRESSION in query.types
        most = self._bounds.most + self._bounds.shown * shown
        size = min(query.size or DEFAULT_PAGE, MAX_PAGE)
        place, events = _Place.of(start), list[ExportedEvent]()
        # A look has a price of its own, so a large page ends short rather than with one person after the other.
        enough = size - most if size >= LARGE * most else size
        for _ in range(MAX_LOOKS):
            left = size - len(events)
            # So few that all they may have done fits, or one: whoever is cut off is alone, and nobody comes twice.
            found = self._store.histories(query.catalogue, max(1, left // most), place.token, shown=shown)
            given = list(_events(query, found, place.after))
            events += [event for event, _ in given[:left]]
            if len(given) > left:
                return events, _Place(found.again, given[left - 1][1]).packed()
            place = _Place(found.token)
            if not place.token or len(events) >= enough:
                break
        return events, place.packed()


def _lacks_domain(event: Event) -> bool:
    return event.type is EventType.IMPRESSION and not event.domain


def _check(query: ExportQuery) -> None:
    catalogue_name(query.catalogue, "catalogue")
    if query.size < 0:
        raise InvalidInput("page_size", "must not be negative")
    if query.start_ms is not None and query.end_ms is not None and query.end_ms <= query.start_ms:
        raise InvalidInput("time.before", "must be later than not_before")


def _events(
    query: ExportQuery, found: Histories, after: tuple[str, int, str] | None
) -> Iterator[tuple[ExportedEvent, tuple[str, int, str]]]:
    """Each with its place; of whoever was cut off only what comes `after`."""
    for window, alias in zip(found.windows, found.aliases, strict=True):
        assert window.person is not None
        who = window.person.user_id if query.with_user_ids else alias
        for act in sorted(window.acts, key=lambda act: _place(alias, act)):
            place = _place(alias, act)
            is_given = after is not None and after[0] == alias and place <= after
            if not is_given and _is_asked_for(query, act.event):
                yield ExportedEvent(who, act.event, _recommendation(alias, act.event)), place


def _recommendation(alias: str, event: Event) -> str:
    # `alias` is as long as a key and differs from export to export: with it nobody finds out which id it was.
    if not event.recommendation_id:
        return ""
    return hashlib.blake2b(event.recommendation_id.encode(), key=alias.encode()[:64], digest_size=12).hexdigest()


def _place(alias: str, act: Act) -> tuple[str, int, str]:
    return alias, act.event.time_ms, act.name.hex()


def _is_asked_for(query: ExportQuery, event: Event) -> bool:
    since = query.start_ms is None or event.time_ms >= query.start_ms
    before = query.end_ms is None or event.time_ms < query.end_ms
    return since and before and (not query.types or event.type in query.types)
