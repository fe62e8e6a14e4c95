"""What a search costs in CPU beside the least it could: an empty gRPC call and the bare search of the same vectors.

All three are measured in turn, again and again within the same minute, since the speed of a machine drifts; a ratio is
that of one round. The bare search has the processors for itself, with one thread. With the service's recall as its own:
efSearch is the least with which it finds as much.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from shutil import which
from statistics import median

from bench.cases import Case, empty_call
from bench.embedder.bars import Bar
from bench.failure import BenchFailed
from bench.generators import H2load, Request
from bench.indexer import bare, exact, load, question
from bench.indexer.bare import Bare, Timed
from bench.indexer.data import Data, Rows
from bench.indexer.grpc_line import GrpcLine
from bench.indexer.house import SEARCH, House
from bench.indexer.load import Endpoint, Load
from bench.indexer.peer import Say
from bench.indexer.question import LIMIT, Question

CALLERS = 16
ROUNDS = 5
QUERIES = 1000
MOST = 1.3
"""Times that an empty call and a bare search may cost together."""


@dataclass(frozen=True)
class Round:
    """Measured one after the other: from CALLERS (`full`) and from one caller (`alone`), and the bare search with one
    thread and with two."""

    empty: Load
    search: Load
    bare: Timed
    bare_two: Timed
    empty_alone: Load
    search_alone: Load

    @property
    def ratio(self) -> float:
        """CPU of a search beside that of its parts, from CALLERS."""
        return self.search.cpu_ms / (self.empty.cpu_ms + self.bare.cpu_ms)

    @property
    def ratio_alone(self) -> float:
        """The same from one caller."""
        return self.search_alone.cpu_ms / (self.empty_alone.cpu_ms + self.bare.cpu_ms)


@dataclass(frozen=True)
class Repeated:
    """The same from h2load, which sends one query again and again: CPU in ms."""

    empty_ms: float
    search_ms: float
    bare_ms: float

    @property
    def ratio(self) -> float:
        """CPU of a search beside that of its parts."""
        return self.search_ms / (self.empty_ms + self.bare_ms)


@dataclass(frozen=True)
class Cost:
    """`fresh_rows` of the `rows` were searched one by one. `recall` is recall@10 of the service, `bare_recall` that of
    the bare search with efSearch `ef`."""

    data: str
    rows: int
    fresh_rows: int
    recall: float
    ef: int
    bare_recall: float
    rounds: tuple[Round, ...]
    repeated: Repeated | None

    @property
    def ratio(self) -> float:
        """The median of the rounds."""
        return median(each.ratio for each in self.rounds)

    @property
    def spread(self) -> tuple[float, float]:
        """The least and the greatest ratio of a round."""
        ratios = [each.ratio for each in self.rounds]
        return min(ratios), max(ratios)

    def bars(self) -> list[Bar]:
        """Both loads hold."""
        bars = [Bar(f"CPU of a search / its parts, {self.rows:,} rows", self.ratio, MOST)]
        if self.repeated:
            bars.append(Bar(f"the same, h2load, one query, {self.rows:,} rows", self.repeated.ratio, MOST))
        return bars


def measure(house: House, data: Data, rows: Rows, seconds: float, say: Say) -> Cost:
    """`rows` are those that the house has. Each measurement takes `seconds`. Raises BenchFailed, also when a search
    failed."""
    asked = [Question(data.space, vector) for vector in data.queries(QUERIES)]
    aims, endpoint, fresh = question.aims(asked), question.endpoint(house.address, asked), house.stats().fresh_rows
    say("cost: what there is to find")
    wanted = exact.nearest(rows.vectors, aims, LIMIT)
    recall = exact.recall([question.found(each) for each in load.asked(endpoint)[0]], wanted)
    say("cost: building the bare index")
    failures = house.failed_searches()
    with bare.built(rows, aims, wanted) as alone, empty_call() as empty:
        say("cost: looking for the efSearch of equal recall")
        equal = alone.equal(recall)
        rounds = []
        for number in range(ROUNDS):
            say(f"cost: round {number + 1} of {ROUNDS}")
            rounds.append(_round(house, endpoint, empty, (alone, equal.ef), seconds))
        say("cost: one query, by h2load")
        repeated = _repeated(house, asked[0], empty, (alone, equal.ef), seconds) if which("h2load") else None
    if house.failed_searches() > failures:
        raise BenchFailed("searches failed while they were measured")
    return Cost(data.name, len(rows), fresh, recall, equal.ef, equal.recall, tuple(rounds), repeated)


def _round(house: House, endpoint: Endpoint, empty: Case, bare_at: tuple[Bare, int], seconds: float) -> Round:
    nothing = Endpoint(lambda: GrpcLine(empty.request.target, empty.request.method), endpoint.bodies)
    (alone, ef), short = bare_at, seconds / 2
    return Round(
        empty=load.loaded(nothing, CALLERS, seconds, lambda: _cpu_s(empty)),
        search=load.loaded(endpoint, CALLERS, seconds, house.indexer.cpu_s),
        bare=alone.timed(ef, seconds),
        bare_two=alone.timed(ef, short, threads=2),
        empty_alone=load.loaded(nothing, 1, short, lambda: _cpu_s(empty)),
        search_alone=load.loaded(endpoint, 1, short, house.indexer.cpu_s),
    )


def _repeated(house: House, asked: Question, empty: Case, bare_at: tuple[Bare, int], seconds: float) -> Repeated:
    message, (alone, ef) = asked.message().SerializeToString(), bare_at
    return Repeated(
        empty_ms=_by_h2load(Request(empty.request.target, SEARCH, message), seconds, lambda: _cpu_s(empty)),
        search_ms=_by_h2load(Request(house.address, SEARCH, message), seconds, house.indexer.cpu_s),
        bare_ms=alone.timed(ef, seconds, queries=1).cpu_ms,
    )


def _by_h2load(request: Request, seconds: float, cpu_s: Callable[[], float]) -> float:
    before = cpu_s()
    run = H2load().run(request, CALLERS, seconds)
    return (cpu_s() - before) * 1e3 / run.answers


def _cpu_s(case: Case) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in case.processes.values())
