"""Operations to messages of the contract."""

from __future__ import annotations

from services.indexer.operations.operation import Operation, State
from services.indexer.wire.items import encode_time
from services.runtime.faults import status_of
from visrec.v1 import indexer_pb2

_STATES = {
    State.RUNNING: indexer_pb2.OPERATION_STATE_RUNNING,
    State.DONE: indexer_pb2.OPERATION_STATE_DONE,
    State.FAILED: indexer_pb2.OPERATION_STATE_FAILED,
    State.CANCELLED: indexer_pb2.OPERATION_STATE_CANCELLED,
}


def encode_operation(operation: Operation) -> indexer_pb2.Operation:
    """As it stands."""
    subject, progress = operation.subject, operation.progress
    share = min(1.0, progress.done / progress.total) if progress.total else 0.0
    message = indexer_pb2.Operation(
        name=operation.name,
        kind=subject.kind,
        catalogue=subject.catalogue,
        state=_STATES[operation.state],
        progress=1.0 if operation.state is State.DONE else share,
        started=encode_time(operation.started_us),
        counts=progress.counts,
        space=subject.space,
        replica=operation.replica,
        stopping=operation.stopping,
    )
    if operation.error:
        message.error.CopyFrom(status_of(operation.error))
    if operation.ended_us:
        message.ended.CopyFrom(encode_time(operation.ended_us))
    return message
