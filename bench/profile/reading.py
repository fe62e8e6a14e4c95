"""What a taste costs that is kept, beside an empty gRPC call: CPU of the whole service process, metrics on."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

import psutil

from bench.cases import Case, empty_call
from bench.embedder.answers import Latency
from bench.embedder.bars import Bar
from bench.failure import BenchFailed
from bench.indexer import load
from bench.indexer.grpc_line import GrpcLine, body
from bench.indexer.load import Endpoint, Load
from bench.profile import town
from bench.profile.town import Say, Town
from visrec.v1 import profile_pb2

PEOPLE, EVENTS = 500, 12
ROUNDS = 7
CALLERS = 16
MANY = 32
MOST, MOST_OF_MANY = 1.7, 5.0
"""Times an empty call."""


@dataclass(frozen=True)
class Round:
    """Measured one after the other: CPU in ms for each answer."""

    empty: Load
    one: Load
    many: Load


@dataclass(frozen=True)
class Read:
    """`steady`: of GetTaste, at half of the rate that CALLERS reach. `interests`: of a person, on the average."""

    rounds: tuple[Round, ...]
    steady: Latency
    steady_per_s: float
    interests: float
    redis_ms: float

    def ratio(self, of_many: bool = False) -> float:
        """The median of the rounds."""
        return median((each.many if of_many else each.one).cpu_ms / each.empty.cpu_ms for each in self.rounds)

    def middle(self, name: str) -> Load:
        """The median of each figure of `name`, a field of a round, over the rounds."""
        every: list[Load] = [getattr(each, name) for each in self.rounds]
        latency = Latency(median(load.latency.p50_ms for load in every), median(load.latency.p99_ms for load in every))
        return Load(
            median(load.per_s for load in every),
            latency,
            median(load.cpu_ms for load in every),
            median(load.own_cores for load in every),
        )

    def spread(self, of_many: bool = False) -> tuple[float, float]:
        """The least and the greatest."""
        every = [(each.many if of_many else each.one).cpu_ms / each.empty.cpu_ms for each in self.rounds]
        return min(every), max(every)

    def bars(self) -> list[Bar]:
        """Both."""
        return [
            Bar("CPU of GetTaste / an empty call", self.ratio(), MOST),
            Bar(f"CPU of GetTastes of {MANY} / an empty call", self.ratio(of_many=True), MOST_OF_MANY),
        ]


def measure(place: Town, seconds: float, say: Say) -> Read:
    """Raises BenchFailed."""
    people = [f"reader-{number}" for number in range(PEOPLE)]
    say("reading: people, events, tastes")
    place.put(people)
    place.like(people, EVENTS)
    place.look(people)
    one = place.endpoint("GetTaste", [town.taste(name) for name in people])
    many = place.endpoint("GetTastes", [town.asked(people[at : at + MANY]) for at in range(0, PEOPLE - MANY, MANY)])
    interests = _interests(one)
    rounds = []
    with empty_call() as empty:
        nothing = Endpoint(lambda: GrpcLine(empty.request.target, empty.request.method), [body(empty.request.body)])
        for number in range(ROUNDS):
            say(f"reading: round {number + 1} of {ROUNDS}")
            rounds.append(
                Round(
                    load.loaded(nothing, CALLERS, seconds, lambda: _cpu_s(empty)),
                    load.loaded(one, CALLERS, seconds, place.profile.cpu_s),
                    load.loaded(many, CALLERS // 4, seconds, place.profile.cpu_s),
                )
            )
    redis = load.loaded(one, CALLERS, seconds, place.house.redis.cpu_s)
    rate = median(each.one.per_s for each in rounds) / 2
    say("reading: at half of the full rate")
    return Read(tuple(rounds), load.steady(one, CALLERS, rate, seconds), rate, interests, redis.cpu_ms)


def _interests(one: Endpoint) -> float:
    answers, _ = load.asked(one)
    counts = [len(profile_pb2.GetTasteResponse.FromString(answer).taste.interests) for answer in answers]
    if min(counts) == 0:
        raise BenchFailed("somebody who likes things has no interests")
    return sum(counts) / len(counts)


def _cpu_s(case: Case) -> float:
    processes: list[psutil.Process] = list(case.processes.values())
    return sum(sum(process.cpu_times()[:2]) for process in processes)
