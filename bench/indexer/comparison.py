"""The indexer beside other servers: the same rows, the same queries, the same callers, an equal recall.

Each server is asked with the least efSearch with which it finds as much as the indexer does with its default accuracy
(`equal`), or with the greatest that is tried when it never does; and with the least with which it finds as much as that
accuracy promises (`usual`), since the indexer may find more than it has to. The indexer is measured before and after
each turn of a peer; both stay up meanwhile, and what an idle one takes of the processors is told.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from statistics import mean

from bench.embedder.answers import Latency
from bench.embedder.bars import Bar
from bench.embedder.meter import Meter
from bench.indexer import exact, load, milvus, question, vector_set
from bench.indexer.bare import least
from bench.indexer.data import Data, Rows
from bench.indexer.house import House
from bench.indexer.load import Endpoint, Load
from bench.indexer.peer import Peer, Say
from bench.indexer.question import LIMIT, Question
from bench.indexer.space import Float32

CALLERS = 16
ROUNDS = 2
QUERIES = 500
LEAST_EF, GREATEST_EF = LIMIT, 1000
SAME_RECALL = 0.001
"""Half of what one answer of ten in QUERIES queries would make is too little to tell two recalls apart."""
USUAL_RECALL = 0.97
"""Of BALANCED, the indexer's default accuracy, at least."""
FASTER, SOONER = 1.5, 0.5
"""Of a peer's requests per second at least, of its latency at most."""
IDLE_S = 2.0


@dataclass(frozen=True)
class Served:
    """One server with this efSearch (0: its own choice): from one caller, then from CALLERS, which is the mean of turns
    between which requests per second moved by the fraction `drift`; memory in MB, and cores that it takes while nobody
    asks."""

    ef: int
    recall: float
    alone: Load
    full: Load
    drift: float
    mb: float
    idle_cores: float


@dataclass(frozen=True)
class Compared:
    """A peer in two ways, and the indexer as it was in the same minutes. All bars are against `equal`."""

    name: str
    settings: str
    build_s: float
    usual: Served
    equal: Served
    ours: Served

    @property
    def drift(self) -> float:
        """Of the indexer: what the ratios cannot be more exact than."""
        return self.ours.drift

    @property
    def faster(self) -> float:
        """The indexer's requests per second beside the peer's."""
        return self.ours.full.per_s / self.equal.full.per_s

    @property
    def sooner(self) -> float:
        """The indexer's median latency with one caller beside the peer's."""
        return self.ours.alone.latency.p50_ms / self.equal.alone.latency.p50_ms

    def bars(self) -> list[Bar]:
        """Both, and that they are of a recall as good."""
        found = self.ours.recall - self.equal.recall
        return [
            Bar(f"requests/s, 16 callers / {self.name}", self.faster, FASTER, at_least=True),
            Bar(f"p50 with one caller / {self.name}", self.sooner, SOONER),
            Bar(f"recall@10 less that of {self.name}", found, -SAME_RECALL, at_least=True, unit=""),
        ]


@dataclass(frozen=True)
class Side:
    """A server in this comparison: whose endpoint with the chosen efSearch, whose processes."""

    endpoint: Endpoint
    meter: Meter
    ef: int
    recall: float

    def cpu_s(self) -> float:
        """Of its processes until now."""
        return self.meter.read().cpu_s


def measure(house: House, data: Data, rows: Rows, seconds: float, say: Say) -> Iterator[Compared]:
    """One peer after the other. `rows` are those that the house has. Raises BenchFailed."""
    asked = [Question(data.space, vector) for vector in data.queries(QUERIES)]
    aims, endpoint = question.aims(asked), question.endpoint(house.address, asked)
    wanted = exact.nearest(rows.vectors, aims, LIMIT)
    recall = exact.recall([question.found(each) for each in load.asked(endpoint)[0]], wanted)
    ours = Side(endpoint, house.indexer.meter, 0, recall)

    for name, make in _makers(rows, aims, say).items():
        say(f"{name}: starting and filling")
        with make() as peer:
            say(f"{name}: looking for the efSearch of equal recall")
            sides = {
                "usual": _side(peer, wanted, USUAL_RECALL),
                "equal": _side(peer, wanted, recall - SAME_RECALL),
                "ours": ours,
            }
            served = _rounds(name, sides, seconds, say)
            yield Compared(peer.name, peer.settings, peer.build_s, served["usual"], served["equal"], served["ours"])


def _makers(rows: Rows, aims: Float32, say: Say) -> Mapping[str, Callable[[], AbstractContextManager[Peer]]]:
    def redis(kind: str) -> AbstractContextManager[Peer]:
        return vector_set.filled(kind, rows, aims, lambda done: say(f"Redis {kind}: {done:,} of {len(rows):,} rows"))

    return {
        "Redis Q8": lambda: redis("Q8"),
        "Redis NOQUANT": lambda: redis("NOQUANT"),
        "Milvus": lambda: milvus.filled(rows, aims),
    }


def _side(peer: Peer, wanted: exact.Numbers, recall: float) -> Side:
    """The peer with the least efSearch of that recall."""

    def found(ef: int) -> float:
        return exact.recall(peer.found(load.asked(peer.endpoint(ef))[0]), wanted)

    ef = least(lambda ef: found(ef) >= recall, LEAST_EF, GREATEST_EF)
    return Side(peer.endpoint(ef), peer.meter, ef, found(ef))


def _rounds(name: str, sides: Mapping[str, Side], seconds: float, say: Say) -> dict[str, Served]:
    """Of each side; the indexer's turns are around all others."""
    alone: dict[str, list[Load]] = {each: [] for each in sides}
    full: dict[str, list[Load]] = {each: [] for each in sides}
    for _ in range(ROUNDS):
        for whose in ("ours", "equal", "ours", "usual"):
            for callers, loads in ((1, alone), (CALLERS, full)):
                say(f"{name}: {callers} callers, {whose}")
                side = sides[whose]
                loads[whose].append(load.loaded(side.endpoint, callers, seconds, side.cpu_s))
    say(f"{name}: idle")
    return {whose: _served(side, alone[whose], full[whose]) for whose, side in sides.items()}


def _served(side: Side, alone: list[Load], full: list[Load]) -> Served:
    rates = [each.per_s for each in full]
    drift = max(rates) / min(rates) - 1
    return Served(side.ef, side.recall, _mean(alone), _mean(full), drift, side.meter.memory_mb(), _idle(side.meter))


def _idle(meter: Meter) -> float:
    before = meter.read()
    time.sleep(IDLE_S)
    after = meter.read()
    return (after.cpu_s - before.cpu_s) / (after.at_s - before.at_s)


def _mean(loads: list[Load]) -> Load:
    """Of each figure."""
    return Load(
        per_s=mean(each.per_s for each in loads),
        latency=Latency(mean(each.latency.p50_ms for each in loads), mean(each.latency.p99_ms for each in loads)),
        cpu_ms=mean(each.cpu_ms for each in loads),
        own_cores=mean(each.own_cores for each in loads),
    )
