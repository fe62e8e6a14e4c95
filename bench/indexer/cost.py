"""What a search costs in CPU beside the least it could: an empty gRPC call and the bare search of the same vectors.

All three are measured in turn, again and again within the same minute, since the speed of a machine drifts; a ratio is
that of one round. The bare search has the processors for itself, with one thread. With the service's recall as its own:
efSearch is the least with which it finds as much. Beside that, with the least efSearch for the recall that the service
promises, since the service may find more than it has to.
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
from bench.indexer.bare import Bare, Equal, Timed
from bench.indexer.data import Data, Rows
from bench.indexer.grpc_line import GrpcLine
from bench.indexer.house import SEARCH, House
from bench.indexer.load import Endpoint, Load
from bench.indexer.peer import Say
from bench.indexer.question import LIMIT, Question

CALLERS = 16
ROUNDS = 5
QUERIES = 1000
PROMISED = 0.97
"""Recall@10 of BALANCED, the service's default accuracy."""
MOST = 1.3
"""Times that an empty call and a bare search may cost together."""


@dataclass(frozen=True)
class Round:
    """Measured one after the other: from CALLERS, from one caller (`_alone`), and the bare search with one thread and
    with two, and of the usual recall."""

    empty: Load
    search: Load
    bare: Timed
    bare_two: Timed
    bare_usual: Timed
    empty_alone: Load
    search_alone: Load

    @property
    def ratio(self) -> float:
        """CPU of a search beside that of its parts, from CALLERS."""
        return self.search.cpu_ms / (self.empty.cpu_ms + self.bare.cpu_ms)

    @property
    def ratio_usual(self) -> float:
        """The same where the bare search finds only what is promised."""
        return self.search.cpu_ms / (self.empty.cpu_ms + self.bare_usual.cpu_ms)

    @property
    def ratio_alone(self) -> float:
        """As `ratio`, from one caller."""
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
    """`fresh_rows` of the `rows` were searched one by one. `recall` is recall@10 of the service; the bare search finds
    as much (`equal`), or what is promised (`usual`)."""

    data: str
    rows: int
    fresh_rows: int
    recall: float
    equal: Equal
    usual: Equal
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
    fails."""
    asked = [Question(data.space, vector) for vector in data.queries(QUERIES)]
    aims, endpoint, fresh = question.aims(asked), question.endpoint(house.address, asked), house.stats().fresh_rows
    say("cost: what there is to find")
    wanted = exact.nearest(rows.vectors, aims, LIMIT)
    recall = exact.recall([question.found(each) for each in load.asked(endpoint)[0]], wanted)
    say("cost: building the bare index")
    with bare.built(rows, aims, wanted) as alone, empty_call() as empty:
        say("cost: looking for the efSearch of equal recall")
        equal, usual = alone.equal(recall), alone.equal(PROMISED)
        rounds = []
        for number in range(ROUNDS):
            say(f"cost: round {number + 1} of {ROUNDS}")
            rounds.append(_round(house, endpoint, empty, (alone, equal.ef, usual.ef), seconds))
        say("cost: one query, by h2load")
        repeated = _repeated(house, asked[0], empty, (alone, equal.ef), seconds) if which("h2load") else None
    return Cost(data.name, len(rows), fresh, recall, equal, usual, tuple(rounds), repeated)


def _round(house: House, endpoint: Endpoint, empty: Case, bare_at: tuple[Bare, int, int], seconds: float) -> Round:
    nothing = Endpoint(lambda: GrpcLine(empty.request.target, empty.request.method), endpoint.bodies)
    (alone, ef, usual_ef), short = bare_at, seconds / 2
    return Round(
        empty=load.loaded(nothing, CALLERS, seconds, lambda: _cpu_s(empty)),
        search=load.loaded(endpoint, CALLERS, seconds, house.indexer.cpu_s),
        bare=alone.timed(ef, seconds),
        bare_two=alone.timed(ef, short, threads=2),
        bare_usual=alone.timed(usual_ef, short),
        empty_alone=load.loaded(nothing, 1, short, lambda: _cpu_s(empty)),
        search_alone=load.loaded(endpoint, 1, short, house.indexer.cpu_s),
    )


def _repeated(house: House, asked: Question, empty: Case, bare_at: tuple[Bare, int], seconds: float) -> Repeated:
    message, (alone, ef) = asked.message().SerializeToString(), bare_at
    failures = house.failed_searches()
    found = Repeated(
        empty_ms=_by_h2load(Request(empty.request.target, SEARCH, message), seconds, lambda: _cpu_s(empty)),
        search_ms=_by_h2load(Request(house.address, SEARCH, message), seconds, house.indexer.cpu_s),
        bare_ms=alone.timed(ef, seconds, queries=1).cpu_ms,
    )
    # h2load reads no statuses, and breaks off what is out when its time is up.
    if house.failed_searches() - failures > CALLERS:
        raise BenchFailed("searches of h2load failed")
    return found


def _by_h2load(request: Request, seconds: float, cpu_s: Callable[[], float]) -> float:
    before = cpu_s()
    run = H2load().run(request, CALLERS, seconds)
    return (cpu_s() - before) * 1e3 / run.answers


def _cpu_s(case: Case) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in case.processes.values())
