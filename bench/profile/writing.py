"""How many events a second are recorded so that they last, and what one costs."""

from __future__ import annotations

import time
from dataclasses import dataclass

from bench.embedder.bars import Bar
from bench.indexer import load
from bench.profile import town
from bench.profile.town import Say, Town, some_of
from visrec.v1 import profile_pb2

LEAST_PER_S = 5000.0
SHAPES = ((100, 100), (100, 10), (100, 1), (1, 1))
"""Events of a call, of so many people."""
CALLERS = 8
EACH = 150
"""Events of a person: their window does not overflow."""


@dataclass(frozen=True)
class Written:
    """Calls of `events` events of `people` people. `cpu_ms`: of the profile service for each event, `redis_ms`: of
    Redis."""

    events: int
    people: int
    per_s: float
    cpu_ms: float
    redis_ms: float

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.events} a call, of {self.people}"

    def bars(self) -> list[Bar]:
        """Of calls of many."""
        if self.events < 100:
            return []
        return [Bar(f"events/s, {self.name}", self.per_s, LEAST_PER_S, at_least=True, unit="/s")]


def measure(place: Town, seconds: float, say: Say) -> list[Written]:
    """Raises BenchFailed."""
    return [_measured(place, events, people, seconds, say) for events, people in SHAPES]


def _measured(place: Town, events: int, people: int, seconds: float, say: Say) -> Written:
    total = int(seconds * (8000 if events > 1 else 1000))
    say(f"writing: {events} events a call, of {people}")
    names = [f"writer-{events}-{people}-{number}" for number in range(max(people, total // EACH + 1))]
    place.put(names)
    each = events // people
    requests = []
    for at in range(0, max(1, EACH // each) * each, each):
        for some in some_of(names, people):
            if len(some) == people:
                every = [event for name in some for event in town.likes(name, EACH + each)[at : at + each]]
                requests.append(profile_pb2.RecordEventsRequest(events=every))
    requests = requests[: total // events]
    endpoint = place.endpoint("RecordEvents", requests)
    begin, cpu, redis = time.perf_counter(), place.profile.cpu_s(), place.house.redis.cpu_s()
    load.once(endpoint, CALLERS)
    took, count = time.perf_counter() - begin, len(requests) * events
    return Written(
        events,
        people,
        count / took,
        (place.profile.cpu_s() - cpu) * 1e3 / count,
        (place.house.redis.cpu_s() - redis) * 1e3 / count,
    )
