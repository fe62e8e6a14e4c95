"""Milvus, standalone; its client library, in an environment of its own, says what a search is in bytes."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from bench.embedder.meter import Meter
from bench.failure import BenchFailed
from bench.indexer import dialogue
from bench.indexer.data import FOLDER, Rows
from bench.indexer.dialogue import Dialogue
from bench.indexer.grpc_line import GrpcLine, body
from bench.indexer.load import Endpoint
from bench.indexer.peer import Peer
from bench.indexer.record import MISSING, PEERS_PYTHON
from bench.indexer.space import Float32

LOG = FOLDER / "milvus.log"


class Milvus(Peer):
    """As peers/milvus_server.py made it."""

    name = "Milvus"

    def __init__(self, said: Dialogue) -> None:
        self._said = said
        told = said.hear()
        self._address, self._method = told["address"], told["method"]
        self.settings, self.build_s = f"{told['version']}, {told['settings']}", told["build_s"]
        self.meter = Meter(told["pid"])

    def endpoint(self, ef: int) -> Endpoint:
        bodies = [body(base64.b64decode(each)) for each in self._said.ask(ef=ef)["bodies"]]
        return Endpoint(lambda: GrpcLine(self._address, self._method), bodies)

    def found(self, answers: Sequence[bytes]) -> list[list[int]]:
        rows: list[list[int]] = self._said.ask(answers=[base64.b64encode(each).decode() for each in answers])["found"]
        return rows


@contextmanager
def filled(rows: Rows, aims: Float32) -> Iterator[Peer]:
    """With these rows, to be asked for `aims`; gone at the end with what it kept. Raises BenchFailed."""
    if not PEERS_PYTHON.exists():
        raise BenchFailed(MISSING)
    folder, queries = FOLDER / "milvus", FOLDER / "milvus-queries.npy"
    shutil.rmtree(folder, ignore_errors=True)
    np.save(queries, aims)
    task = {"vectors": str(rows.path), "rows": len(rows), "dimension": rows.space.dimension}
    given = json.dumps({"folder": str(folder), "queries": str(queries), **task})
    command: list[str | Path] = [PEERS_PYTHON, "-m", "bench.indexer.peers.milvus_server", given]
    try:
        with dialogue.started("Milvus", command, LOG) as said:
            yield Milvus(said)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
