"""The use case of writing: check every item, embed photos, write what is whole, answer for each one.

Items of one partition are written in pieces of bounded size, each all or nothing. Which items make a piece depends only
on the request, so that a request that is repeated meets the receipts of its own pieces.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from services.errors import InvalidInput, InvalidPicture, NotReady, Overloaded, SpaceMismatch, TooLate, VisrecError
from services.indexer.catalogue import Catalogue, Definition, Receipt, Written
from services.indexer.embedder import Embedder, Photo
from services.indexer.item import MAX_PHOTOS, Item, Record, check_item_ids
from services.indexer.version import Mark, Version
from services.spaces import Float16, Float32, canonical

MAX_ITEMS = 1000
PIECE_ITEMS = 100
"""Most items of one transaction: at most 13 MB, usually 0.1."""

PASSING = (NotReady, Overloaded, TooLate)
"""Failures of the moment: the same request, sent again, tries such an item again."""

Failures = Mapping[int, VisrecError]
"""By position in the request: why an item was not written."""


@dataclass(frozen=True)
class GivenVector:
    """A vector as it came: little-endian float32 of a space that may not be the right one."""

    space: str
    data: bytes


@dataclass(frozen=True)
class Draft:
    """An item to write, with its photos or its vectors."""

    item: Item
    photos: Sequence[Photo] = ()
    vectors: Sequence[GivenVector] = ()

    def check(self, at: str) -> None:
        """Raises InvalidInput, naming a field below `at`."""
        self.item.check(f"{at}.item")
        if bool(self.photos) == bool(self.vectors):
            raise InvalidInput(at, "needs photos or vectors, and not both")
        for name, given in (("photos", self.photos), ("vectors", self.vectors)):
            if len(given) > MAX_PHOTOS:
                raise InvalidInput(f"{at}.{name}", f"{len(given)} given, at most {MAX_PHOTOS}")


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
class Ingested:
    """What became of the items: those that are not among the failures were written, and `version` contains them."""

    failures: Failures
    version: Version


@dataclass(frozen=True)
class Deleted:
    """How many ids existed, and a version in which they are gone."""

    count: int
    version: Version


@dataclass(frozen=True)
class FailureCodec:
    """How failures are kept beside a write, to be told again when its request is repeated."""

    pack: Callable[[Failures], bytes]
    unpack: Callable[[bytes], Failures]


@dataclass(frozen=True)
class _Piece:
    """Items of one partition, as positions in the request."""

    number: int
    partition: int
    positions: Sequence[int]


class Ingest:
    """`now_us`: microseconds since 1970, for the time of an item's first ingest."""

    def __init__(self, embedder: Embedder, codec: FailureCodec, now_us: Callable[[], int]) -> None:
        self._embedder = embedder
        self._codec = codec
        self._now_us = now_us

    def ingest(self, catalogue: Catalogue, drafts: Sequence[Draft], request: Request) -> Ingested:
        """Adds or replaces items; those that are refused do not keep the others from being written.

        Raises InvalidInput for a request that is wrong as a whole, Conflict for a request id with another payload,
        NotFound when the catalogue is gone, NotReady when the record cannot be reached: then any of the items may have
        been written, and the same request with the same id may be sent again.
        """
        request.check()
        _check_drafts(drafts)
        _claim(catalogue, request)
        definition = catalogue.definition
        failures: dict[int, VisrecError] = {}
        version = Version.nothing(definition.partitions)
        for piece in _pieces(definition, [draft.item.id for draft in drafts]):
            mark, failed = self._write(catalogue, piece, drafts, request)
            failures.update(failed)
            version = version.reaching(piece.partition, mark)
        return Ingested(failures, version)

    def delete(self, catalogue: Catalogue, item_ids: Sequence[str], request: Request) -> Deleted:
        """Removes items. Raises as `ingest`."""
        request.check()
        check_item_ids(item_ids, "item_ids", least=1, most=MAX_ITEMS)
        _claim(catalogue, request)
        definition = catalogue.definition
        version, count = Version.nothing(definition.partitions), 0
        different = list(dict.fromkeys(item_ids))
        for piece in _pieces(definition, different):
            ids = [different[position] for position in piece.positions]
            written = catalogue.write(piece.partition, (), ids, request.receipt(f"{piece.number}"))
            version, count = version.reaching(piece.partition, written.mark), count + written.removed
        return Deleted(count, version)

    def _write(
        self, catalogue: Catalogue, piece: _Piece, drafts: Sequence[Draft], request: Request
    ) -> tuple[Mark, Failures]:
        """Writes what no earlier attempt of this request has settled; an item that failed for want of time or of
        another service is not settled."""
        settled: dict[int, VisrecError] = {}
        positions = piece.positions
        for attempt in itertools.count():
            receipt = request.receipt(f"{piece.number}.{attempt}")
            present = catalogue.remembered(piece.partition, receipt) if receipt else None
            written = present or self._attempt(catalogue, piece.partition, positions, drafts, receipt)
            failed = self._codec.unpack(written.answer)
            settled.update(failed)
            positions = [position for position in positions if isinstance(failed.get(position), PASSING)]
            if not (present and positions):
                return written.mark, settled
            for position in positions:
                del settled[position]
        raise AssertionError("unreachable: counting has no end")

    def _attempt(
        self,
        catalogue: Catalogue,
        partition: int,
        positions: Sequence[int],
        drafts: Sequence[Draft],
        receipt: Receipt | None,
    ) -> Written:
        """Writes the items that can be, and with them why the others cannot."""
        vectors, failures = self._vectors(positions, drafts, catalogue.definition)
        now_us = self._now_us()
        records = [Record(drafts[position].item, found, now_us) for position, found in vectors.items()]
        answer = self._codec.pack(failures)
        written = catalogue.write(partition, records, (), replace(receipt, answer=answer) if receipt else None)
        return written if receipt else replace(written, answer=answer)

    def _vectors(
        self, positions: Sequence[int], drafts: Sequence[Draft], definition: Definition
    ) -> tuple[dict[int, Float16], dict[int, VisrecError]]:
        """Each position is in exactly one of the two."""
        vectors: dict[int, Float16] = {}
        failures: dict[int, VisrecError] = {}
        with_photos = []
        for position in positions:
            draft, at = drafts[position], f"items[{position}]"
            try:
                draft.check(at)
                if draft.photos:
                    with_photos.append(position)
                else:
                    vectors[position] = canonical(_decode(draft, at, definition))
            except (InvalidInput, SpaceMismatch) as problem:
                failures[position] = problem
        for position, result in self._embedded(with_photos, drafts, definition):
            if isinstance(result, VisrecError):
                failures[position] = result
            else:
                vectors[position] = result
        return vectors, failures

    def _embedded(
        self, positions: Sequence[int], drafts: Sequence[Draft], definition: Definition
    ) -> Iterator[tuple[int, Float16 | VisrecError]]:
        """For each position its vectors, or why the first of its photos that failed did."""
        photos = [photo for position in positions for photo in drafts[position].photos]
        results = iter(self._embedder.embed(photos, definition.space) if photos else ())
        for position in positions:
            mine = list(itertools.islice(results, len(drafts[position].photos)))
            failed = next((number for number, one in enumerate(mine) if isinstance(one, VisrecError)), None)
            if failed is None:
                yield position, canonical(np.stack(cast("list[Float32]", mine)))
            else:
                yield position, _placed(cast("VisrecError", mine[failed]), f"items[{position}].photos[{failed}]")


def _claim(catalogue: Catalogue, request: Request) -> None:
    """Raises Conflict for an id that came with another payload: in several partitions, the pieces of two payloads need
    not meet."""
    receipt = request.receipt("claim")
    if receipt and catalogue.definition.partitions > 1:
        catalogue.write(catalogue.definition.partition_of(request.id), (), (), receipt)


def _check_drafts(drafts: Sequence[Draft]) -> None:
    if not 1 <= len(drafts) <= MAX_ITEMS:
        raise InvalidInput("items", f"{len(drafts)} given, must be 1 to {MAX_ITEMS}")
    places: dict[str, int] = {}
    for position, draft in enumerate(drafts):
        first = places.setdefault(draft.item.id, position)
        if first != position and draft.item.id:
            raise InvalidInput(f"items[{position}].item.id", f"is also that of items[{first}]")


def _pieces(definition: Definition, item_ids: Sequence[str]) -> Iterator[_Piece]:
    by_partition: dict[int, list[int]] = {}
    for position, item_id in enumerate(item_ids):
        by_partition.setdefault(definition.partition_of(item_id), []).append(position)
    number = 0
    for partition, positions in sorted(by_partition.items()):
        for start in range(0, len(positions), PIECE_ITEMS):
            yield _Piece(number, partition, positions[start : start + PIECE_ITEMS])
            number += 1


def _decode(draft: Draft, at: str, definition: Definition) -> Float32:
    """(photos, D), normalised."""
    for given in draft.vectors:
        definition.space.require(given.space)
    return np.stack(
        [
            definition.space.decode(given.data, f"{at}.vectors[{number}].data")
            for number, given in enumerate(draft.vectors)
        ]
    )


def _placed(problem: VisrecError, at: str) -> VisrecError:
    """The embedder names the field of its own request; here it is a field of ours."""
    if isinstance(problem, InvalidPicture):
        return InvalidPicture(at, problem.description, reason=problem.reason)
    if isinstance(problem, InvalidInput):
        return InvalidInput(at, problem.description, reason=problem.reason)
    return problem
