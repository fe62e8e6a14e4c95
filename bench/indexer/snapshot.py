"""A snapshot, and how long a start from it takes."""

from __future__ import annotations

import time

import grpc

from bench.failure import BenchFailed
from bench.indexer.house import CATALOGUE, House
from visrec.v1 import indexer_pb2

WITHIN_S = 1800.0
CALL_S = 60.0
POLL_S = 0.2

UNIMPLEMENTED = "UNIMPLEMENTED: not measured"


def restart_s(house: House) -> tuple[float | None, float | None, str]:
    """Seconds that writing a snapshot takes, and that a restart from it takes until the indexer is serving all that it
    served before; what could not be measured is None, and the last says why. Raises BenchFailed."""
    begin = time.monotonic()
    try:
        _await(house, _started(house))
    except grpc.RpcError as error:
        if error.code() is grpc.StatusCode.UNIMPLEMENTED:
            return None, None, UNIMPLEMENTED
        raise
    written = time.monotonic() - begin
    rows = house.stats().rows
    serving = house.restart()
    if (found := house.stats().rows) != rows:
        raise BenchFailed(f"{rows} rows before the restart, {found} when it was serving again")
    return written, serving, ""


def _started(house: House) -> str:
    request = indexer_pb2.CreateSnapshotRequest(catalogue=CATALOGUE)
    return house.stub.CreateSnapshot(request, timeout=CALL_S).operation.name


def _await(house: House, name: str) -> None:
    end = time.monotonic() + WITHIN_S
    while time.monotonic() < end:
        operation = house.stub.GetOperation(indexer_pb2.GetOperationRequest(name=name), timeout=CALL_S).operation
        if operation.state == indexer_pb2.OPERATION_STATE_DONE:
            return
        if operation.state != indexer_pb2.OPERATION_STATE_RUNNING:
            raise BenchFailed(f"the snapshot failed: {operation.error.message}")
        time.sleep(POLL_S)
    raise BenchFailed(f"the snapshot is not written after {WITHIN_S:.0f} s")
