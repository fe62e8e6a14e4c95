"""Items into the catalogue: calls of some hundred, from a few callers at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import uuid4

import grpc
import numpy as np

from bench.failure import BenchFailed
from bench.indexer.data import Chunk, Data, chunks, prices
from bench.indexer.house import CATALOGUE, FRESH_BOUND, House
from bench.indexer.shared import Shared
from visrec.v1 import common_pb2, indexer_pb2

CALLERS = 4
BATCH = 500
CALL_S = 120.0
AGAIN_S = 0.2
MAY_PASS = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.DEADLINE_EXCEEDED}
MAY_PASS_CODES = {code.value[0] for code in MAY_PASS}
GIVE_UP_S = 1800.0
HALVINGS = 4
"""Times that fresh rows are topped up at most."""

Advance = Callable[[int], None]


@dataclass(frozen=True)
class Filled:
    """`rows` were acknowledged within `seconds`; calls had to be made `again` so often."""

    rows: int
    seconds: float
    again: int

    @property
    def per_s(self) -> float:
        """Items acknowledged per second."""
        return self.rows / self.seconds


def name(row: int) -> str:
    """Of the item that has this row."""
    return f"i{row}"


def row(item_id: str) -> int:
    """The way back."""
    return int(item_id[1:])


def category(number: int) -> str:
    """As a filter names it."""
    return f"c{number}"


def requests(data: Data, first: int, count: int) -> Iterator[indexer_pb2.IngestItemsRequest]:
    """Rows `first` to `first + count`, as calls of BATCH or fewer."""
    for start, chunk in chunks(data, first, count):
        for at in range(0, len(chunk.vectors), BATCH):
            part = slice(at, at + BATCH)
            yield request(data, start + at, Chunk(chunk.vectors[part], chunk.categories[part]))


def request(data: Data, first: int, chunk: Chunk) -> indexer_pb2.IngestItemsRequest:
    """The rows from `first` on as one call."""
    numbers = np.arange(first, first + len(chunk.vectors))
    items = [
        indexer_pb2.IngestItem(
            item=indexer_pb2.Item(id=name(number), category=category(of), price=price, currency="EUR"),
            vectors=[common_pb2.Vector(space=data.space.name, data=vector.astype("<f4").tobytes())],
        )
        for number, of, price, vector in zip(
            numbers.tolist(), chunk.categories.tolist(), prices(numbers).tolist(), chunk.vectors, strict=True
        )
    ]
    return indexer_pb2.IngestItemsRequest(catalogue=CATALOGUE, items=items, request_id=uuid4().hex)


def fill(house: House, data: Data, first: int, count: int, advance: Advance, *, ready: bool = False) -> Filled:
    """Rows `first` to `first + count`, all acknowledged. `ready`: the calls are made before the time begins, as for a
    burst. Raises BenchFailed."""
    calls: Iterator[indexer_pb2.IngestItemsRequest] = requests(data, first, count)
    shared = Shared(list(calls) if ready else calls)
    begin = time.perf_counter()

    def caller() -> int:
        again = 0
        for call in shared:
            again += deliver(house, call)
            advance(len(call.items))
        return again

    with ThreadPoolExecutor(CALLERS) as pool:
        callers = [pool.submit(shared.guarded, caller) for _ in range(CALLERS)]
        again = shared.guarded(lambda: sum(each.result() for each in callers))
    return Filled(min(count, data.limit - first), time.perf_counter() - begin, again)


def half_fresh(house: House, data: Data, rows: int, advance: Advance) -> int:
    """Writes more rows after the first `rows` until half of what may be fresh is, settled in between. How many rows
    there are then; fewer of them may be fresh where the indexer settles sooner than it has to."""
    for _ in range(HALVINGS):
        fresh = house.stats().fresh_rows
        if fresh == FRESH_BOUND // 2 or rows >= data.limit:
            break
        more = (FRESH_BOUND // 2 if fresh < FRESH_BOUND // 2 else FRESH_BOUND) - fresh
        rows += fill(house, data, rows, more, advance).rows
        house.settle()
    return rows


def deliver(house: House, call: indexer_pb2.IngestItemsRequest) -> int:
    """Until all of it is written; how often it was made again."""
    end, again = time.monotonic() + GIVE_UP_S, 0
    while (problem := _problem(house, call)) is not None:
        house.check()
        if time.monotonic() > end:
            raise BenchFailed(f"items are refused again and again: {problem}")
        again += 1
        time.sleep(AGAIN_S)
    return again


def _problem(house: House, call: indexer_pb2.IngestItemsRequest) -> str | None:
    """Why the call has to be made again; None: it need not. Raises BenchFailed for what will not pass."""
    try:
        answer = house.stub.IngestItems(call, timeout=CALL_S)
    except grpc.RpcError as error:
        problem = f"{error.code().name} {error.details()}"
        if error.code() in MAY_PASS:
            return problem
        raise BenchFailed(f"an ingest failed: {problem}") from error
    bad = [each.status for each in answer.results if each.status.code]
    if any(each.code not in MAY_PASS_CODES for each in bad):
        raise BenchFailed(f"an item was refused: {bad[0].message}")
    return bad[0].message if bad else None
