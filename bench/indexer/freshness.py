"""How soon a written item is found by a search that does not ask for its version."""

from __future__ import annotations

import queue
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from typing import TypeAlias

from bench.embedder.answers import Latency
from bench.failure import BenchFailed
from bench.indexer import filling, question
from bench.indexer.data import Chunk, Data, chunks
from bench.indexer.grpc_line import GrpcLine, body
from bench.indexer.house import SEARCH, House
from bench.indexer.question import Question
from bench.indexer.shared import Shared
from visrec.v1 import indexer_pb2

CALLS_PER_S = 20.0
"""What is written at once is the rate over this."""
MOST_ITEMS = 1000
"""What one call may carry."""
WRITERS = 2
LOST_S = 30.0


@dataclass(frozen=True)
class Sent:
    """A call and when it is due, in seconds after the first; the search that finds its last item."""

    due_s: float
    call: indexer_pb2.IngestItemsRequest
    row: int
    search: bytes


Acknowledged: TypeAlias = "queue.Queue[tuple[float, Sent] | None]"
"""What is written, and since when by time.perf_counter; None: there is no more."""


@dataclass(frozen=True)
class Fresh:
    """Milliseconds from an acknowledgement until the item was in an answer; `rate` items per second were written
    meanwhile, where `wanted_rate` were due. `looked` items were looked for."""

    latency: Latency
    wanted_rate: float
    rate: float
    looked: int


def measure(house: House, data: Data, first: int, rate: float, seconds: float) -> Fresh:
    """Writes items from row `first` on, `rate` of them a second, CALLS_PER_S calls; the last of each call is looked
    for, one after the other, so what waits for another counts as late. Raises BenchFailed."""
    sent = _prepared(data, first, rate, seconds)
    shared, begin = Shared(sent), time.perf_counter()
    acknowledged: Acknowledged = queue.Queue()

    def write() -> None:
        for each in shared:
            time.sleep(max(0.0, begin + each.due_s - time.perf_counter()))
            filling.deliver(house, each.call)
            acknowledged.put((time.perf_counter(), each))

    with ThreadPoolExecutor(WRITERS + 1) as pool:
        looking = pool.submit(_look, house, acknowledged)
        writing = [pool.submit(shared.guarded, write) for _ in range(WRITERS)]
        try:
            shared.guarded(lambda: wait(writing))
            took = time.perf_counter() - begin
        finally:
            acknowledged.put(None)
        for each in writing:
            each.result()
        found = looking.result()
    return Fresh(Latency.of(found), rate, sum(len(each.call.items) for each in sent) / took, len(found))


def _prepared(data: Data, first: int, rate: float, seconds: float) -> Sequence[Sent]:
    sent, batch = list[Sent](), min(MOST_ITEMS, max(1, round(rate / CALLS_PER_S)))
    for start, chunk in chunks(data, first, int(rate * seconds)):
        for at in range(0, len(chunk.vectors), batch):
            part = Chunk(chunk.vectors[at : at + batch], chunk.categories[at : at + batch])
            search = Question(data.space, part.vectors[-1]).message()
            call = filling.request(data, start + at, part)
            last = start + at + len(part.vectors) - 1
            sent.append(Sent((start + at - first) / rate, call, last, body(search.SerializeToString())))
    return sent


def _look(house: House, acknowledged: Acknowledged) -> list[float]:
    """Milliseconds, for each that comes, until there is None."""
    line, found = GrpcLine(house.address, SEARCH), list[float]()
    with closing(line):
        while (given := acknowledged.get()) is not None:
            since, sent = given
            while sent.row not in question.found(line.call(sent.search)):
                if time.perf_counter() - since > LOST_S:
                    raise BenchFailed(f"an item is not found {LOST_S:.0f} s after it was acknowledged")
            found.append((time.perf_counter() - since) * 1e3)
    return found
