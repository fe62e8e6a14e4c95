"""Operations in dictionaries, for tests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from services.indexer.operations.operation import (
    GONE_S,
    LEASE_S,
    MAX_RUNNING,
    Operation,
    Operations,
    Outcome,
    Progress,
    State,
    TakenOver,
    Worker,
    busy,
    replica_gone,
    too_many,
    unknown,
)
from services.indexer.record.catalogue import Receipt, other_payload


class InMemoryOperations(Operations):
    """`clock`: seconds since 1970."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._operations: dict[str, Operation] = {}
        self._owners: dict[str, tuple[Worker, float]] = {}
        self._receipts: dict[str, tuple[bytes, str]] = {}
        self._replicas: dict[str, float] = {}
        self._lock = threading.RLock()

    def begin(self, operation: Operation, receipt: Receipt | None) -> Operation:
        with self._lock:
            if receipt and receipt.key in self._receipts:
                digest, name = self._receipts[receipt.key]
                if digest != receipt.digest:
                    raise other_payload()
                return self.get(name)
            running = [one for one in self._operations.values() if one.state is State.RUNNING]
            same = next((one for one in running if one.subject == operation.subject), None)
            if same:
                raise busy(same.name)
            if len(running) >= MAX_RUNNING:
                raise too_many()
            if receipt:
                self._receipts[receipt.key] = (receipt.digest, operation.name)
            self._operations[operation.name] = operation
            return operation

    def get(self, name: str) -> Operation:
        with self._lock:
            if name not in self._operations:
                raise unknown(name)
            return self._operations[name]

    def newest(self, before: tuple[int, str] | None, count: int) -> Sequence[Operation]:
        with self._lock:
            known = sorted(self._operations.values(), key=_age, reverse=True)
            return [one for one in known if before is None or _age(one) < before][:count]

    def stop(self, name: str) -> Operation:
        with self._lock:
            present = self.get(name)
            if present.state is State.RUNNING:
                owned = self._owners.get(name, (None, 0.0))[1] > self._clock()
                ended = {"state": State.CANCELLED, "ended_us": int(self._clock() * 1e6)}
                self._change(name, stopping=True, **({} if owned else ended))
            return self.get(name)

    def replicas(self) -> Sequence[str]:
        with self._lock:
            return sorted(name for name, seen in self._replicas.items() if seen > self._clock() - GONE_S)

    def claim(self, worker: Worker) -> Operation | None:
        with self._lock:
            now = self._clock()
            self._replicas[worker.replica] = now
            for one in sorted(self._operations.values(), key=_age):
                owner, lease = self._owners.get(one.name, (None, 0.0))
                if one.state is not State.RUNNING:
                    continue
                if lease > now and not (owner and owner.replica == worker.replica):
                    continue
                if one.subject.replica in ("", worker.replica):
                    self._owners[one.name] = (worker, now + LEASE_S)
                    self._change(one.name, replica=worker.replica)
                    return self.get(one.name)
                if self._replicas.get(one.subject.replica, 0.0) < now - GONE_S:
                    self._change(one.name, state=State.FAILED, error=replica_gone(), ended_us=int(now * 1e6))
            return None

    def report(self, name: str, worker: Worker, progress: Progress) -> bool:
        with self._lock:
            self._require(name, worker)
            self._replicas[worker.replica] = self._clock()
            self._owners[name] = (worker, self._clock() + LEASE_S)
            self._change(name, progress=progress)
            return self.get(name).stopping

    def release(self, name: str, worker: Worker) -> None:
        with self._lock:
            if self._owners.get(name, (None, 0.0))[0] == worker:
                self._owners[name] = (worker, 0.0)

    def end(self, name: str, worker: Worker, outcome: Outcome) -> None:
        with self._lock:
            self._require(name, worker)
            self._change(name, **vars(outcome))

    def _require(self, name: str, worker: Worker) -> None:
        if self._owners.get(name, (None, 0.0))[0] != worker or self.get(name).state is not State.RUNNING:
            raise TakenOver

    def _change(self, name: str, **fields: object) -> None:
        self._operations[name] = replace(self._operations[name], **fields)  # type: ignore[arg-type] # named below


def _age(operation: Operation) -> tuple[int, str]:
    return operation.started_us, operation.name
