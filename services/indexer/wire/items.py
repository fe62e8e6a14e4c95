"""Items and failures between the contract and the domain in both directions, and the forms they are kept in."""

from __future__ import annotations

import struct

from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.status_pb2 import Status

from services.errors import VisrecError
from services.indexer.item import AttributeValue, Availability, Item
from services.indexer.writing.pieces import Failures
from services.runtime.faults import error_of, status_of
from visrec.v1 import common_pb2, indexer_pb2

_AVAILABILITIES = {
    indexer_pb2.AVAILABILITY_UNSPECIFIED: Availability.AVAILABLE,
    indexer_pb2.AVAILABILITY_AVAILABLE: Availability.AVAILABLE,
    indexer_pb2.AVAILABILITY_OUT_OF_STOCK: Availability.OUT_OF_STOCK,
    indexer_pb2.AVAILABILITY_DISCONTINUED: Availability.DISCONTINUED,
}
_AVAILABILITY_NUMBERS = {availability: number for number, availability in _AVAILABILITIES.items()}

_FAILURE = struct.Struct(">HI")


def decode_item(message: indexer_pb2.Item) -> Item:
    """The item of a message. Bounds are not looked at; `Item.check` does that."""
    return Item(
        id=message.id,
        domain=message.domain,
        category=message.category,
        group_id=message.group_id,
        title=message.title,
        tags=tuple(message.tags),
        price=message.price if message.HasField("price") else None,
        currency=message.currency,
        attributes={name: _decode_value(value) for name, value in message.attributes.items()},
        availability=_AVAILABILITIES.get(message.availability),
        time_us=decode_time(message.time) if message.HasField("time") else None,
        image_references=tuple(message.image_references),
    )


def encode_item(item: Item) -> indexer_pb2.Item:
    """The message of an item that passed its check."""
    message = indexer_pb2.Item(
        id=item.id,
        domain=item.domain,
        category=item.category,
        group_id=item.group_id,
        title=item.title,
        tags=item.tags,
        price=item.price,
        currency=item.currency,
        attributes={name: _encode_value(value) for name, value in item.attributes.items()},
        availability=_AVAILABILITY_NUMBERS[item.availability or Availability.AVAILABLE],
        image_references=item.image_references,
    )
    if item.time_us is not None:
        message.time.CopyFrom(encode_time(item.time_us))
    return message


def pack_item(item: Item) -> bytes:
    """The bytes of the item's message, always the same for the same item."""
    return encode_item(item).SerializeToString(deterministic=True)


def unpack_item(data: bytes) -> Item:
    """The item that was packed."""
    return decode_item(indexer_pb2.Item.FromString(data))


def decode_time(timestamp: Timestamp) -> int:
    """Microseconds since 1970; what is below a microsecond is cut off."""
    return timestamp.seconds * 1_000_000 + timestamp.nanos // 1000


def encode_time(microseconds: int) -> Timestamp:
    """The timestamp of microseconds since 1970."""
    seconds, rest = divmod(microseconds, 1_000_000)
    return Timestamp(seconds=seconds, nanos=rest * 1000)


def pack_failures(failures: Failures) -> bytes:
    """For each failure its position and the length of its google.rpc.Status, then that."""
    statuses = ((position, status_of(error).SerializeToString()) for position, error in failures.items())
    return b"".join(_FAILURE.pack(position, len(status)) + status for position, status in statuses)


def unpack_failures(data: bytes) -> Failures:
    """The failures that were packed."""
    failures: dict[int, VisrecError] = {}
    start = 0
    while start < len(data):
        position, length = _FAILURE.unpack_from(data, start)
        start += _FAILURE.size + length
        failures[position] = error_of(Status.FromString(data[start - length : start]))
    return failures


def pack_error(error: VisrecError) -> bytes:
    """Its google.rpc.Status."""
    data: bytes = status_of(error).SerializeToString()
    return data


def unpack_error(data: bytes) -> VisrecError:
    """The error that was packed."""
    return error_of(Status.FromString(data))


def _decode_value(value: common_pb2.AttributeValue) -> AttributeValue | None:
    match value.WhichOneof("kind"):
        case "text":
            return value.text
        case "number":
            return value.number
        case "boolean":
            return value.boolean
        case "words":
            return tuple(value.words.words)
        case _:
            return None


def _encode_value(value: AttributeValue | None) -> common_pb2.AttributeValue:
    match value:
        case bool():
            return common_pb2.AttributeValue(boolean=value)
        case str():
            return common_pb2.AttributeValue(text=value)
        case tuple():
            return common_pb2.AttributeValue(words=common_pb2.WordList(words=value))
        case None:
            return common_pb2.AttributeValue()
        case _:
            return common_pb2.AttributeValue(number=value)
