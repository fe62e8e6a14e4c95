"""A vector set of Redis 8."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from bench.indexer import record
from bench.indexer.child import Child
from bench.indexer.data import CHUNK_ROWS, FOLDER, Rows
from bench.indexer.load import Endpoint, once
from bench.indexer.peer import Peer
from bench.indexer.question import LIMIT
from bench.indexer.redis_line import RedisLine, command, words
from bench.indexer.space import Float32
from demo import fleet

KEY = "bench"
LINKS, EF_CONSTRUCTION = 16, 200
CALLERS = 4

Advance = Callable[[int], None]


class VectorSet(Peer):
    """Of the quantisation `kind`: Q8, Redis' default, or NOQUANT, float32. Its similarity is the cosine, which orders
    vectors of one length as the inner product does."""

    def __init__(self, kind: str, version: str, child: Child, address: str, aims: Float32) -> None:
        self.name = f"Redis {kind}"
        self.settings = (
            f"{version}, VADD {kind} M {LINKS} EF {EF_CONSTRUCTION}, no persistence, otherwise Redis' defaults"
        )
        self.meter = child.meter
        self._kind, self._address, self._aims = kind, address, aims
        self.build_s = float("nan")

    def fill(self, rows: Rows, advance: Advance) -> None:
        """With all of them; `advance` is told how many are there. Raises BenchFailed."""
        begin = time.monotonic()
        for start in range(0, len(rows), CHUNK_ROWS):
            chunk = rows.vectors[start : start + CHUNK_ROWS].astype("<f4")
            added = [self._add(start + number, vector.tobytes()) for number, vector in enumerate(chunk)]
            once(Endpoint(self._open, added), CALLERS)
            advance(start + len(chunk))
        self.build_s = time.monotonic() - begin

    def endpoint(self, ef: int) -> Endpoint:
        asked = [("VSIM", KEY, "FP32", aim.astype("<f4").tobytes(), "COUNT", LIMIT, "EF", ef) for aim in self._aims]
        return Endpoint(self._open, [command(*each) for each in asked])

    def found(self, answers: Sequence[bytes]) -> list[list[int]]:
        return [[int(word) for word in words(answer)] for answer in answers]

    def _open(self) -> RedisLine:
        return RedisLine(self._address)

    def _add(self, row: int, vector: bytes) -> bytes:
        tuned = (self._kind, "EF", EF_CONSTRUCTION, "M", LINKS)
        # CAS: candidates are looked for in a thread beside the commands, so that two cores build.
        return command("VADD", KEY, "FP32", vector, row, "CAS", *tuned)


@contextmanager
def filled(kind: str, rows: Rows, aims: Float32, advance: Advance) -> Iterator[Peer]:
    """With these rows, to be asked for `aims`; gone at the end. Raises BenchFailed."""
    (port,) = fleet.free_ports([0])
    folder = FOLDER / "vector-set"
    shutil.rmtree(folder, ignore_errors=True)
    program = record.peers_program()
    try:
        with record.started(program, folder, port, record.FORGETFUL) as child:
            peer = VectorSet(kind, record.version(program), child, f"127.0.0.1:{port}", aims)
            peer.fill(rows, advance)
            yield peer
    finally:
        shutil.rmtree(folder, ignore_errors=True)
