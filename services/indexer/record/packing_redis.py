"""Records, vectors and layouts as bytes in Redis.

A record, big-endian:

byte 0       format, 2
bytes 1-8    microseconds since 1970 of the first ingest; the write script copies them, too
bytes 9-16   stamp: 8 bytes that no other write of the item has; the script that puts vectors compares them
bytes 17-20  length of the item
bytes 21-22  number of photos
then         the item as a visrec.v1.Item, and the vectors, little-endian float16, photo by photo

Vectors of a further space and raw features are the same numbers, photo by photo, after their count in two bytes. A
layout is JSON.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from services.indexer.item import Record
from services.indexer.record.layout import Alias, Layout
from services.indexer.wire.items import pack_item, unpack_item
from services.spaces import Block, Float16, Space

FORMAT = 2
STAMP_BYTES = 8

_HEADER = struct.Struct(f">Bq{STAMP_BYTES}sIH")
_COUNT = struct.Struct(">H")


def pack_record(record: Record, stamp: bytes) -> bytes:
    """The bytes of a record without its vectors in further spaces and its raw features."""
    item = pack_item(record.item)
    header = _HEADER.pack(FORMAT, record.created_us, stamp, len(item), len(record.vectors))
    return header + item + record.vectors.astype("<f2", copy=False).tobytes()


def unpack_record(data: bytes) -> Record:
    """The record of the bytes. Raises ValueError for a format that this version does not know."""
    known, created_us, stamp, length, photos = _HEADER.unpack_from(data)
    if known != FORMAT:
        raise ValueError(f"a record of format {known}; this version reads format {FORMAT}")
    end = _HEADER.size + length
    vectors = _rows(np.frombuffer(data, "<f2", offset=end), photos)
    return Record(unpack_item(data[_HEADER.size : end]), vectors, created_us, stamp=stamp)


def unpack_joined(data: bytes, spaces: Sequence[str], beside: Sequence[bytes | None]) -> Record:
    """The record together with its rows in the spaces, and after them its raw features, as far as there are any."""
    record = unpack_record(data)
    if not any(beside):
        return record
    others = {space: unpack_rows(rows) for space, rows in zip(spaces, beside, strict=False) if rows}
    raw = beside[len(spaces)] if len(beside) > len(spaces) else None
    return replace(record, others=others, raw=unpack_rows(raw) if raw else None)


def pack_rows(rows: Float16 | None) -> bytes:
    """(photos, D) float16; empty for None."""
    return b"" if rows is None else _COUNT.pack(len(rows)) + rows.astype("<f2", copy=False).tobytes()


def unpack_rows(data: bytes) -> Float16:
    """The rows that were packed, of which there was one at least."""
    return _rows(np.frombuffer(data, "<f2", offset=_COUNT.size), *_COUNT.unpack_from(data))


def pack_layout(layout: Layout) -> bytes:
    """The same bytes for the same layout."""
    further = [[*pack_space(space), made] for space, made in layout.further.values()]
    fields = {
        "own": pack_space(layout.own),
        "further": further,
        "aliases": {name: [alias.space, alias.previous] for name, alias in sorted(layout.aliases.items())},
        "revision": layout.revision,
        "generation": layout.generation,
    }
    return json.dumps(fields).encode()


def unpack_layout(data: bytes) -> Layout:
    """The layout that was packed."""
    fields = json.loads(data)
    return Layout(
        unpack_space(*fields["own"]),
        {name: (unpack_space(name, blocks), made) for name, blocks, made in fields["further"]},
        {name: Alias(*alias) for name, alias in fields["aliases"].items()},
        fields["revision"],
        fields["generation"],
    )


def pack_space(space: Space) -> list[Any]:
    """Its name and its blocks, for JSON."""
    return [space.name, [[block.name, block.dimension, block.default_weight] for block in space.blocks]]


def unpack_space(name: str, blocks: list[list[Any]]) -> Space:
    """The space that was packed."""
    return Space(name, tuple(Block(*block) for block in blocks))


def _rows(numbers: Float16, photos: int) -> Float16:
    return numbers.reshape(photos, -1) if photos else numbers.reshape(0, 0)
