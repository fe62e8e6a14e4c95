"""Many items, sent as calls of a bounded size, each item with an outcome of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import grpc

from visrec.errors import FieldViolation, VisrecCallError
from visrec.items import NewItem
from visrec.v1 import indexer_pb2

MIB = 1024 * 1024

MAX_BATCH_BYTES = 8 * MIB
"""A call carries at most so much, unless a single item is larger."""

MAX_BATCH_ITEMS = 32
"""Few enough that progress moves smoothly and a call ends long before its deadline."""

MAX_ITEM_BYTES = 30 * MIB
"""More than this cannot pass the transport (32 MiB), which would refuse it without saying why."""

WAITS_S = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Waits before what may pass later is sent again, unless the service says how long."""

_ITEM_PATH = re.compile(r"^items\[\d+\]\.")

Send = Callable[[Sequence[indexer_pb2.IngestItem]], indexer_pb2.IngestItemsResponse]
"""One IngestItems call; raises VisrecCallError."""


@dataclass(frozen=True)
class ItemOutcome:
    """What became of one item: written, or the reason why not."""

    item_id: str
    error: VisrecCallError | None = None


@dataclass
class IngestReport:
    """What became of all items. Reading with `version` as `min_version` sees every one that was written."""

    written: int = 0
    failed: list[ItemOutcome] = field(default_factory=list)
    version: str = ""

    def add(self, outcome: ItemOutcome) -> None:
        if outcome.error:
            self.failed.append(outcome)
        else:
            self.written += 1


@dataclass(frozen=True)
class Ingest:
    """Sends items batch by batch. What a busy service sheds is sent again after a wait, a bounded number of times.

    `on_outcome` is told of each item as soon as its outcome is final, `sleep` takes seconds.
    """

    send: Send
    sleep: Callable[[float], None]
    on_outcome: Callable[[ItemOutcome], None] = lambda _: None

    def run(self, items: Iterable[NewItem]) -> IngestReport:
        """Reads `items` lazily; at most one batch of photos is in memory. Raises VisrecCallError when a whole call
        fails for good, such as for an unknown catalogue; an item that fails is in the report."""
        report = IngestReport()

        def settle(outcome: ItemOutcome) -> None:
            report.add(outcome)
            self.on_outcome(outcome)

        for batch in batches(_readable(items, settle)):
            report.version = self._deliver(batch, settle) or report.version
        return report

    def _deliver(self, batch: Sequence[indexer_pb2.IngestItem], settle: Callable[[ItemOutcome], None]) -> str:
        version, waits = "", iter(WAITS_S)
        while batch:
            wait_s = next(waits, None)
            try:
                response = self.send(batch)
            except VisrecCallError as error:
                if wait_s is None or not error.may_pass:
                    raise
                self.sleep(error.retry_after_s or wait_s)
                continue
            version = response.version or version
            outcomes = [outcome_of(result) for result in response.results]
            shed = {each.item_id for each in outcomes if wait_s and each.error and each.error.may_pass}
            for outcome in outcomes:
                if outcome.item_id not in shed:
                    settle(outcome)
            batch = [each for each in batch if each.item.id in shed]
            if batch and wait_s:
                self.sleep(wait_s)
        return version


def batches(
    items: Iterable[indexer_pb2.IngestItem],
    max_bytes: int = MAX_BATCH_BYTES,
    max_items: int = MAX_BATCH_ITEMS,
) -> Iterator[list[indexer_pb2.IngestItem]]:
    """The items in order, in lists of at most `max_items` and `max_bytes` (serialised); a larger item stands alone.
    An id that comes twice starts a new list, since one call may not hold it twice and the later one must win."""
    batch: list[indexer_pb2.IngestItem] = []
    ids: set[str] = set()
    size = 0
    for item in items:
        item_bytes = item.ByteSize()
        if batch and (len(batch) == max_items or size + item_bytes > max_bytes or item.item.id in ids):
            yield batch
            batch, ids, size = [], set(), 0
        batch.append(item)
        ids.add(item.item.id)
        size += item_bytes
    if batch:
        yield batch


def outcome_of(result: indexer_pb2.ItemResult) -> ItemOutcome:
    """One element of the answer to a call. A wrong field is named within its item, `photos[0]` and not
    `items[3].photos[0]`, since callers do not see how their items were put into calls."""
    if result.status.code == grpc.StatusCode.OK.value[0]:
        return ItemOutcome(result.item_id)
    error = VisrecCallError.from_status(result.status)
    error.message = _ITEM_PATH.sub("", error.message)
    error.violations = tuple(
        FieldViolation(_ITEM_PATH.sub("", each.field), each.description) for each in error.violations
    )
    return ItemOutcome(result.item_id, error)


def _readable(items: Iterable[NewItem], settle: Callable[[ItemOutcome], None]) -> Iterator[indexer_pb2.IngestItem]:
    """Items as messages; one whose photos cannot be read or sent fails here, alone."""
    for item in items:
        try:
            message = item.message()
        except OSError as error:
            settle(ItemOutcome(item.id, _local_error("PHOTO_UNREADABLE", f"a photo cannot be read: {error}")))
            continue
        if message.ByteSize() > MAX_ITEM_BYTES:
            text = (
                f"its photos are {message.ByteSize() // MIB} MiB together, at most {MAX_ITEM_BYTES // MIB} can be sent"
            )
            settle(ItemOutcome(item.id, _local_error("ITEM_TOO_LARGE", text)))
            continue
        yield message


def _local_error(reason: str, message: str) -> VisrecCallError:
    return VisrecCallError(grpc.StatusCode.INVALID_ARGUMENT, message, reason)
