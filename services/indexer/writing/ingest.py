"""The use case of writing: check every item, embed photos, write what is whole, answer for each one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np

from services.errors import InvalidInput, NotFound, NotReady, Overloaded, Refused, VisrecError
from services.indexer.item import MAX_PHOTOS, Record, check_item_id, check_item_ids
from services.indexer.record.catalogue import Catalogue, ItemVectors, LayoutChanged, Receipt, Written
from services.indexer.record.layout import Layout
from services.indexer.version import Mark, Version
from services.indexer.writing.draft import Draft, GivenVector, decode_all
from services.indexer.writing.looks import Looking, Looks
from services.indexer.writing.pieces import FailureCodec, Failures, Piece, Request, Settling, claim, pieces, unclaimed
from services.spaces import Float16, canonical

MAX_ITEMS = 1000
PHOTO_WEIGHT = 5
"""Of an item with photos, beside one with vectors: a piece of them takes a second or so to embed."""


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
class GivenVectors:
    """Vectors, all of one further space, for an item that is there."""

    item_id: str
    vectors: Sequence[GivenVector]


class _Task(NamedTuple):
    catalogue: Catalogue
    drafts: Sequence[Draft]
    settling: Settling


class _Putting(NamedTuple):
    catalogue: Catalogue
    items: Sequence[GivenVectors]
    settling: Settling


class Ingest:
    """`now_us`: microseconds since 1970, for the time of an item's first ingest."""

    def __init__(self, looking: Looking, codec: FailureCodec, now_us: Callable[[], int]) -> None:
        self._looking = looking
        self._codec = codec
        self._now_us = now_us

    def ingest(self, catalogue: Catalogue, drafts: Sequence[Draft], request: Request) -> Ingested:
        """Adds or replaces items; those that are refused do not keep the others from being written.

        Raises InvalidInput for a request that is wrong as a whole, Conflict for a request id with another payload,
        NotFound when the catalogue is gone, NotReady when the record cannot be reached: then any of the items may have
        been written, and the same request with the same id may be sent again.
        """
        request.check()
        _check_ids([draft.item.id for draft in drafts], "item.id")
        claim(catalogue, request)
        settling = Settling(catalogue, request, self._codec)
        failures: dict[int, VisrecError] = {}
        version = Version.nothing(catalogue.definition.partitions)
        weights = [PHOTO_WEIGHT if draft.photos else 1 for draft in drafts]
        for piece in pieces(catalogue.definition, [draft.item.id for draft in drafts], weights):
            attempt = partial(self._attempt, _Task(catalogue, drafts, settling), piece.partition)
            mark, failed = settling.settle(piece, attempt, lambda _: _no_room())
            failures.update(failed)
            version = version.reaching(piece.partition, mark)
        return Ingested(failures, version)

    def put_vectors(self, catalogue: Catalogue, items: Sequence[GivenVectors], request: Request) -> Ingested:
        """Gives items that are there vectors in further spaces. Raises as `ingest`."""
        request.check()
        _check_ids([one.item_id for one in items], "item_id")
        claim(catalogue, request)
        settling = Settling(catalogue, request, self._codec)
        putting = _Putting(catalogue, items, settling)
        failures: dict[int, VisrecError] = {}
        version = Version.nothing(catalogue.definition.partitions)
        by_space: dict[str, list[int]] = {}
        for position, one in enumerate(items):
            by_space.setdefault(one.vectors[0].space if one.vectors else "", []).append(position)
        for space, positions in by_space.items():
            ids = [items[position].item_id for position in positions]
            for piece in pieces(catalogue.definition, ids):
                mine = replace(piece, positions=[positions[at] for at in piece.positions])
                mark, failed = self._put(putting, space, mine, request.receipt(f"{space}.{piece.number}"))
                failures |= failed
                version = version.reaching(piece.partition, mark) if mark else version
        return Ingested(failures, version)

    def delete(self, catalogue: Catalogue, item_ids: Sequence[str], request: Request) -> Deleted:
        """Removes items, with their vectors in every space. Raises as `ingest`."""
        request.check()
        check_item_ids(item_ids, "item_ids", least=1, most=MAX_ITEMS)
        unclaimed(catalogue, request)
        definition = catalogue.definition
        version, count = Version.nothing(definition.partitions), 0
        different = list(dict.fromkeys(item_ids))
        for piece in pieces(definition, different):
            ids = [different[position] for position in piece.positions]
            written = catalogue.write(piece.partition, (), ids, request.receipt(f"{piece.number}"))
            version, count = version.reaching(piece.partition, written.mark), count + written.removed
        with suppress(NotReady):  # a record that is full takes no claim, and nothing else under this id either
            claim(catalogue, request)
        return Deleted(count, version)

    def _put(
        self, putting: _Putting, space: str, piece: Piece, receipt: Receipt | None
    ) -> tuple[Mark | None, Failures]:
        """Puts the vectors that can be, all of one space. No mark: there were none."""
        catalogue, items, settling = putting
        while True:
            layout = catalogue.layout()
            rows, failures = _decoded(piece.positions, items, layout)
            if not rows:
                return None, failures
            puts = [ItemVectors(items[position].item_id, one) for position, one in rows.items()]
            answered = settling.answered(receipt, failures)
            try:
                written = catalogue.put_vectors(piece.partition, space, puts, answered, layout.further[space])
            except LayoutChanged:
                continue  # the space of that name is another one by now
            # An earlier attempt may have put others.
            failed = self._codec.unpack(written.answer) if receipt else failures
            put = [position for position in piece.positions if position not in failed]
            return written.mark, {
                **failed,
                **{put[at]: NotFound("item", items[put[at]].item_id) for at in written.skipped},
            }

    def _attempt(
        self, task: _Task, partition: int, positions: Sequence[int], receipt: Receipt | None
    ) -> tuple[Written, Failures]:
        """Writes the items that can be, and with them why the others cannot."""
        while True:
            layout = task.catalogue.level(partition)
            looks, failures = self._looking.look(positions, task.drafts, layout)
            now_us = self._now_us()
            records = [_record(task.drafts[position], one, layout, now_us) for position, one in looks.items()]
            answered = task.settling.answered(receipt, failures)
            try:
                return task.catalogue.write(partition, records, (), answered, layout.generation), failures
            except LayoutChanged:
                continue  # the vectors would not be those of all spaces


def _record(draft: Draft, looks: Looks, layout: Layout, now_us: int) -> Record:
    own = looks.vectors.get(layout.own.name, np.empty((0, layout.own.dimension), np.float16))
    others = {name: rows for name, rows in looks.vectors.items() if name != layout.own.name}
    return Record(draft.item, own, now_us, others, looks.raw)


def _decoded(
    positions: Sequence[int], items: Sequence[GivenVectors], layout: Layout
) -> tuple[dict[int, Float16], dict[int, VisrecError]]:
    """The canonical vectors of each item at these positions, or why it has none to put."""
    rows: dict[int, Float16] = {}
    failures: dict[int, VisrecError] = {}
    for position in positions:
        one, at = items[position], f"items[{position}]"
        try:
            check_item_id(one.item_id, f"{at}.item_id")
            if not 1 <= len(one.vectors) <= MAX_PHOTOS:
                raise InvalidInput(f"{at}.vectors", f"{len(one.vectors)} given, must be 1 to {MAX_PHOTOS}")
            first, *rest = one.vectors
            if any(vector.space != first.space for vector in rest):
                raise InvalidInput(f"{at}.vectors", "must all be of one space")
            space = layout.require(first.space)
            if space == layout.own:
                raise Refused("IngestItems writes vectors of the catalogue's own space", reason="OWN_SPACE")
            paths = [(f"{at}.vectors[{number}].data", vector.data) for number, vector in enumerate(one.vectors)]
            units, wrong = decode_all(space, paths)
            if wrong:
                raise next(iter(wrong.values()))
            rows[position] = canonical(units)
        except VisrecError as problem:
            failures[position] = problem
    return rows, failures


def _check_ids(item_ids: Sequence[str], field: str) -> None:
    if not 1 <= len(item_ids) <= MAX_ITEMS:
        raise InvalidInput("items", f"{len(item_ids)} given, must be 1 to {MAX_ITEMS}")
    places: dict[str, int] = {}
    for position, item_id in enumerate(item_ids):
        first = places.setdefault(item_id, position)
        if first != position and item_id:
            raise InvalidInput(f"items[{position}].{field}", f"is also that of items[{first}]")


def _no_room() -> VisrecError:
    return Overloaded("the catalogue has as many items as it may", retry_after_ms=60_000, reason="ITEM_QUOTA")
