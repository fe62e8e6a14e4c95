"""A request that writes, cut into pieces: items of one partition, each piece all or nothing.

Which items make a piece depends only on the request, so that a request that is repeated meets the receipts of its own
pieces.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from services.errors import InvalidInput, NotReady, Overloaded, TooLate, VisrecError
from services.indexer.definition import Definition
from services.indexer.record.catalogue import Catalogue, Receipt, Written
from services.indexer.version import Mark

PIECE_WEIGHT = 500
"""Most of one transaction, in items; usually half a megabyte."""

PASSING = (NotReady, Overloaded, TooLate)
"""Failures of the moment: the same request, sent again, tries such an item again."""

Failures = Mapping[int, VisrecError]
"""By position in the request: why an item was not written."""

Attempt = Callable[[Sequence[int], Receipt | None], tuple[Written, Failures]]
"""Writes the items at these positions that can be, with that receipt, whose answer it fills in; why others cannot."""


@dataclass(frozen=True)
class Request:
    """`id` empty: the write is not remembered. `digest`: over all of the request but its id."""

    id: str = ""
    digest: bytes = b""

    def check(self) -> None:
        """Raises InvalidInput."""
        if len(self.id) > 128:
            raise InvalidInput("request_id", "at most 128 letters")

    def receipt(self, part: str) -> Receipt | None:
        """Of one part of the request, None when it is not to be remembered."""
        return Receipt(f"{part}:{self.id}", self.digest) if self.id else None


@dataclass(frozen=True)
class FailureCodec:
    """How failures are kept beside a write, to be told again when its request is repeated."""

    pack: Callable[[Failures], bytes]
    unpack: Callable[[bytes], Failures]


@dataclass(frozen=True)
class Piece:
    """Items of one partition, as positions in the request."""

    number: int
    partition: int
    positions: Sequence[int]


def pieces(definition: Definition, item_ids: Sequence[str], weights: Sequence[int] | None = None) -> Iterator[Piece]:
    """`weights`: what each item counts, 1 unless given; one that takes long is better kept in smaller pieces."""
    by_partition: dict[int, list[int]] = {}
    for position, item_id in enumerate(item_ids):
        by_partition.setdefault(definition.partition_of(item_id), []).append(position)
    numbers = itertools.count()
    for partition, positions in sorted(by_partition.items()):
        mine: list[int] = []
        weight = 0
        for position in positions:
            its = weights[position] if weights else 1
            if mine and weight + its > PIECE_WEIGHT:
                yield Piece(next(numbers), partition, mine)
                mine, weight = [], 0
            mine.append(position)
            weight += its
        yield Piece(next(numbers), partition, mine)


def claim(catalogue: Catalogue, request: Request) -> None:
    """Raises Conflict for an id that came with another payload, of whatever method: the pieces of two payloads need not
    meet."""
    receipt = request.receipt("claim")
    if receipt:
        catalogue.write(catalogue.definition.partition_of(request.id), (), (), receipt)


def unclaimed(catalogue: Catalogue, request: Request) -> None:
    """Raises Conflict as `claim`, and writes nothing: for those who make room in a record that is full."""
    receipt = request.receipt("claim")
    if receipt:
        catalogue.remembered(catalogue.definition.partition_of(request.id), receipt)


class Settling:
    """Writes pieces, each item once. `skipped`: why an item at a position was skipped by the record."""

    def __init__(self, catalogue: Catalogue, request: Request, codec: FailureCodec) -> None:
        self._catalogue = catalogue
        self._request = request
        self._codec = codec

    def settle(self, piece: Piece, attempt: Attempt, skipped: Callable[[int], VisrecError]) -> tuple[Mark, Failures]:
        """Writes what no earlier attempt of this request has settled; an item that failed for want of time, of room or
        of another service is not settled."""
        settled: dict[int, VisrecError] = {}
        positions = piece.positions
        for number in itertools.count():
            receipt = self._request.receipt(f"{piece.number}.{number}")
            present = self._catalogue.remembered(piece.partition, receipt) if receipt else None
            if present is None:
                written, failed = attempt(positions, receipt)
                # Somebody else may have sent the same, and been first.
                failed = self._codec.unpack(written.answer) if receipt else failed
            else:
                written, failed = present, self._codec.unpack(present.answer)
            put = [position for position in positions if position not in failed]
            failed = {**failed, **{put[at]: skipped(put[at]) for at in written.skipped}}
            settled.update(failed)
            positions = [position for position in positions if isinstance(failed.get(position), PASSING)]
            if not (present and positions):
                return written.mark, settled
            for position in positions:
                del settled[position]
        raise AssertionError("unreachable: counting has no end")

    def answered(self, receipt: Receipt | None, failures: Failures) -> Receipt | None:
        """The receipt with what to tell when the request is repeated."""
        return replace(receipt, answer=self._codec.pack(failures)) if receipt else None
