"""What a person takes in Redis: who they are, their events, their kept taste; and how it would be for many more."""

from __future__ import annotations

from dataclasses import dataclass

from bench.embedder.bars import Bar
from bench.profile.town import Say, Town, some_of

EVENTS = 12
MOST_TASTE = 4096
AT_ONCE = 2000


@dataclass(frozen=True)
class Held:
    """Bytes of a person: `profile` with attributes and consent, `window` of `events` events with their ids and what was
    seen, `taste` in one catalogue."""

    people: int
    events: int
    profile: float
    window: float
    taste: float

    @property
    def total(self) -> float:
        """Of one."""
        return self.profile + self.window + self.taste

    def bars(self) -> list[Bar]:
        """Of the taste."""
        return [Bar(f"bytes of a taste, {self.people:,} people", self.taste, MOST_TASTE, unit="bytes")]


def measure(place: Town, people: int, say: Say) -> Held:
    """Raises BenchFailed."""
    names = [f"somebody-{number}" for number in range(people)]
    empty = place.memory()
    for number, some in enumerate(some_of(names, AT_ONCE)):
        say(f"memory: people, {number * AT_ONCE:,} of {people:,}")
        place.put(some)
    put = place.memory()
    for number, some in enumerate(some_of(names, AT_ONCE)):
        say(f"memory: events, of {number * AT_ONCE:,} of {people:,}")
        place.like(some, EVENTS)
    liked = place.memory()
    for number, some in enumerate(some_of(names, AT_ONCE)):
        say(f"memory: tastes, of {number * AT_ONCE:,} of {people:,}")
        place.look(some)
    looked = place.memory()
    return Held(people, EVENTS, (put - empty) / people, (liked - put) / people, (looked - liked) / people)
