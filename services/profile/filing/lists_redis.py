"""The popularity lists that events count in: the catalogue's, which takes every event, and one for each domain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from services.profile.events.event import Event
from services.profile.filing.keys import popular, segment_lists
from services.profile.filing.scripts_redis import Argument, Call, Script
from services.profile.filing.store_rules import StoreRules
from services.profile.popularity import decay as popularity

COUNT = Script("popularity", "count")
COUNT_AMONG = Script("popularity", "count_among")


class Lists:
    """Those that some events of a catalogue touch. `keys`: none when no event is popular."""

    def __init__(self, catalogue: str, events: Iterable[Event], rules: StoreRules, segment: str = "") -> None:
        domains = list(dict.fromkeys(event.domain for event in events if event.is_popular and not event.pending))
        which: list[str | None] = [None, *domains] if domains else []
        self.keys = [popular(catalogue, rules.popular_hours, domain, segment) for domain in which]
        self._places = {domain: place for place, domain in enumerate(domains, start=2)}
        self._hours = rules.popular_hours

    def place(self, event: Event) -> int:
        """The number of the list of its domain, from 1; 0 for an event that touches none."""
        is_counted = event.is_popular and not event.pending
        return self._places.get(event.domain, 0) if is_counted else 0

    def gained(self, event: Event) -> float:
        """What an event adds that touches one."""
        return popularity.gain(event.weight, event.time_ms, self._hours) if self.place(event) else 0.0


def live_ms(rules: StoreRules) -> int:
    """How long a list lives that nothing is added to."""
    return int(popularity.FORGOTTEN_AFTER * rules.popular_hours * popularity.HOUR_MS)


def count(catalogue: str, events: Sequence[Event], rules: StoreRules, segment: str = "") -> list[Call]:
    """The call that counts events on their own: where the lists are on another server than the person, and among the
    people of a segment, which only the script that writes the events tells."""
    lists = Lists(catalogue, events, rules, segment)
    counted = [event for event in events if event.is_popular]
    if not counted:
        return []
    arguments: list[Argument] = [rules.popular, live_ms(rules)]
    for event in counted:
        arguments += [event.item_id, repr(lists.gained(event)), lists.place(event)]
    if segment:
        return [Call(COUNT_AMONG, [segment_lists(catalogue), *lists.keys], arguments)]
    return [Call(COUNT, lists.keys, arguments)]
