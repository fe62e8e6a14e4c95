"""A record as bytes in Redis.

byte 0       format, 1
bytes 1-8    microseconds since 1970 of the first ingest, big-endian; the write script copies them, too
bytes 9-12   length of the item, big-endian
bytes 13-14  number of photos, big-endian
then         the item as a visrec.v1.Item, and the vectors, little-endian float16, photo by photo
"""

from __future__ import annotations

import struct

import numpy as np

from services.indexer.item import Record
from services.indexer.wire import pack_item, unpack_item

FORMAT = 1

_HEADER = struct.Struct(">BqIH")


def pack_record(record: Record) -> bytes:
    """The bytes of a record."""
    item = pack_item(record.item)
    header = _HEADER.pack(FORMAT, record.created_us, len(item), len(record.vectors))
    return header + item + np.ascontiguousarray(record.vectors, "<f2").tobytes()


def unpack_record(data: bytes) -> Record:
    """The record of the bytes. Raises ValueError for a format that this version does not know."""
    known, created_us, length, photos = _HEADER.unpack_from(data)
    if known != FORMAT:
        raise ValueError(f"a record of format {known}; this version reads format {FORMAT}")
    end = _HEADER.size + length
    vectors = np.frombuffer(data, "<f2", offset=end).reshape(photos, -1)
    return Record(unpack_item(data[_HEADER.size : end]), vectors, created_us)
