"""Milvus, standalone as PyPI has it, filled and ready to be searched.

`var/envs/vectors/bin/python -m bench.indexer.peers.milvus_server TASK`, one JSON object: `folder` (all that it keeps),
`vectors` (a file of float16), `rows`, `dimension`, `queries` (a .npy file, float32). It prints a line with `address`,
`method`, `pid`, `version`, `build_s` and `settings`, and answers each line that it is given:

    {"ef": 64}               {"bodies": [...]}: a serialised SearchRequest for each query, base64, for ten items
    {"answers": [...]}       {"found": [[row, ...], ...]}: what serialised SearchResults, base64, say

The server ends with the lines. It sends nothing to anybody: this version knows no telemetry, and its traces stay here.
"""

from __future__ import annotations

import base64
import json
import sys
import time
from contextlib import redirect_stdout
from typing import Any

import numpy as np
from milvus import default_server
from numpy.typing import NDArray
from pymilvus import DataType, MilvusClient
from pymilvus.client.prepare import Prepare
from pymilvus.grpc_gen import milvus_pb2

COLLECTION, FIELD, LIMIT = "bench", "vector", 10
INDEX = {"M": 16, "efConstruction": 200}
STEP_ROWS = 2_000
METHOD = "/milvus.proto.milvus.MilvusService/Search"
EVENTUALLY = 1
"""The guarantee timestamp of a search that waits for no write: Milvus' weakest and fastest consistency."""
BUILT_WITHIN_S = 7200.0


class Server:
    """A collection over the rows of a task."""

    def __init__(self, task: dict[str, Any]) -> None:
        self._queries: NDArray[np.float32] = np.load(task["queries"])
        self._client = MilvusClient(f"http://127.0.0.1:{default_server.listen_port}")
        begin = time.monotonic()
        self._fill(np.memmap(task["vectors"], "<f2", "r", shape=(task["rows"], task["dimension"])))
        self._index()
        self.build_s = time.monotonic() - begin

    @property
    def version(self) -> str:
        """As it says."""
        return str(self._client.get_server_version())

    def bodies(self, ef: int) -> list[bytes]:
        """A search for each query."""
        return [
            Prepare.search_requests_with_expr(
                COLLECTION,
                FIELD,
                {"metric_type": "IP", "params": {"ef": ef}},
                LIMIT,
                data=[query.tolist()],
                guarantee_timestamp=EVENTUALLY,
                use_default_consistency=False,
            ).SerializeToString()
            for query in self._queries
        ]

    def _fill(self, vectors: NDArray[np.float16]) -> None:
        schema = MilvusClient.create_schema(auto_id=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field(FIELD, DataType.FLOAT_VECTOR, dim=vectors.shape[1])
        self._client.create_collection(COLLECTION, schema=schema)
        for start in range(0, len(vectors), STEP_ROWS):
            step = vectors[start : start + STEP_ROWS].astype(np.float32)
            self._client.insert(COLLECTION, [{"id": start + at, FIELD: row} for at, row in enumerate(step)])
        self._client.flush(COLLECTION)

    def _index(self) -> None:
        """HNSW over every row, loaded."""
        index = MilvusClient.prepare_index_params()
        index.add_index(FIELD, index_type="HNSW", metric_type="IP", params=INDEX)
        self._client.create_index(COLLECTION, index)
        end = time.monotonic() + BUILT_WITHIN_S
        while (left := self._client.describe_index(COLLECTION, FIELD)["pending_index_rows"]) and time.monotonic() < end:
            time.sleep(0.5)
        if left:
            raise TimeoutError(f"{left} rows are not indexed after {BUILT_WITHIN_S:.0f} s")
        self._client.load_collection(COLLECTION)


def found(answer: bytes) -> list[int]:
    """Rows, best first."""
    message = milvus_pb2.SearchResults.FromString(answer)
    if message.status.error_code:
        raise RuntimeError(message.status.reason)
    return list(message.results.ids.int_id.data)


def reply(server: Server, question: dict[str, Any]) -> dict[str, object]:
    """As the module says."""
    if "answers" in question:
        return {"found": [found(base64.b64decode(answer)) for answer in question["answers"]]}
    return {"bodies": [base64.b64encode(body).decode() for body in server.bodies(question["ef"])]}


def main() -> None:
    """Until there is no line any more."""
    task, answers = json.loads(sys.argv[1]), sys.stdout
    default_server.set_base_dir(task["folder"])
    default_server.config.set("etcd_log_level", "error")
    try:
        with redirect_stdout(sys.stderr):
            default_server.start()
            server = Server(task)
        told: dict[str, object] = {
            "address": f"127.0.0.1:{default_server.listen_port}",
            "method": METHOD,
            "pid": default_server.server_proc.pid,
            "version": server.version,
            "build_s": server.build_s,
            "settings": f"HNSW {INDEX}, float32, metric IP, consistency eventually",
        }
        answers.write(json.dumps(told) + "\n")
        answers.flush()
        for line in sys.stdin:
            answers.write(json.dumps(reply(server, json.loads(line))) + "\n")
            answers.flush()
    finally:
        default_server.stop()


if __name__ == "__main__":
    main()
