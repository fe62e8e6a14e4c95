"""The indexer beside other servers: the same rows, the same queries, the same callers, an equal recall.

Each server is asked with the least efSearch with which it finds as much as the indexer does with its default accuracy,
or with the greatest that is tried when it never does. The indexer is measured before and after each of a peer's own
measurements; both stay up meanwhile, and what an idle one takes of the processors is told.
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
FASTER, SOONER = 1.5, 0.5
"""Of a peer's requests per second at least, of its latency at most."""
IDLE_S = 2.0


@dataclass(frozen=True)
class Served:
    """One server: from one caller, then from CALLERS; memory in MB, and cores that it takes while nobody asks."""

    recall: float
    alone: Load
    full: Load
    mb: float
    idle_cores: float


@dataclass(frozen=True)
class Compared:
    """A peer, and the indexer as it was in the same minutes. `ef`: the peer's."""

    name: str
    settings: str
    build_s: float
    ef: int
    peer: Served
    ours: Served

    @property
    def faster(self) -> float:
        """The indexer's requests per second beside the peer's."""
        return self.ours.full.per_s / self.peer.full.per_s

    @property
    def sooner(self) -> float:
        """The indexer's median latency with one caller beside the peer's."""
        return self.ours.alone.latency.p50_ms / self.peer.alone.latency.p50_ms

    def bars(self) -> list[Bar]:
        """Both, and that they are of a recall as good."""
        found = self.ours.recall - self.peer.recall
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
    ours = Side(endpoint, house.indexer.meter, recall)

    for name, make in _makers(rows, aims, say).items():
        say(f"{name}: starting and filling")
        with make() as peer:
            say(f"{name}: looking for the efSearch of equal recall")
            ef, found = _equal(peer, wanted, recall)
            side = Side(peer.endpoint(ef), peer.meter, found)
            yield Compared(name, peer.settings, peer.build_s, ef, *_rounds(name, side, ours, seconds, say))


def _makers(rows: Rows, aims: Float32, say: Say) -> Mapping[str, Callable[[], AbstractContextManager[Peer]]]:
    def redis(kind: str) -> AbstractContextManager[Peer]:
        return vector_set.filled(kind, rows, aims, lambda done: say(f"Redis {kind}: {done:,} of {len(rows):,} rows"))

    return {
        "Redis Q8": lambda: redis("Q8"),
        "Redis NOQUANT": lambda: redis("NOQUANT"),
        "Milvus": lambda: milvus.filled(rows, aims),
    }


def _equal(peer: Peer, wanted: exact.Numbers, recall: float) -> tuple[int, float]:
    """The least efSearch of that recall, and how much it really finds."""

    def found(ef: int) -> float:
        return exact.recall(peer.found(load.asked(peer.endpoint(ef))[0]), wanted)

    ef = least(lambda ef: found(ef) >= recall - SAME_RECALL, LEAST_EF, GREATEST_EF)
    return ef, found(ef)


def _rounds(name: str, peer: Side, ours: Side, seconds: float, say: Say) -> tuple[Served, Served]:
    """The peer's measurements, and the indexer's, which are around them."""
    loads: dict[str, list[Load]] = {"peer 1": [], "peer 16": [], "ours 1": [], "ours 16": []}
    for _ in range(ROUNDS):
        for whose, side in (("ours", ours), ("peer", peer), ("ours", ours)):
            for callers in (1, CALLERS):
                say(f"{name}: {callers} callers, {whose}")
                loads[f"{whose} {callers}"].append(load.loaded(side.endpoint, callers, seconds, side.cpu_s))
    say(f"{name}: idle")
    return (
        Served(peer.recall, _mean(loads["peer 1"]), _mean(loads["peer 16"]), peer.meter.memory_mb(), _idle(peer.meter)),
        Served(ours.recall, _mean(loads["ours 1"]), _mean(loads["ours 16"]), ours.meter.memory_mb(), _idle(ours.meter)),
    )


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
