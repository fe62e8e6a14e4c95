"""Requests of the contract to those of the use cases."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from google.protobuf.message import Message

from services.indexer.filters import Condition, Filter, NumberTest, Test, TimeTest, TruthTest, WordTest
from services.indexer.library import Showing
from services.indexer.record.reading import Listing
from services.indexer.wire.items import decode_item, decode_time
from services.indexer.writing.draft import Draft, GivenVector
from services.indexer.writing.embedder import Crop, Photo
from services.indexer.writing.ingest import GivenVectors
from services.indexer.writing.pieces import Request
from visrec.v1 import common_pb2, indexer_pb2


def decode_request(message: Message, request_id: str) -> Request:
    """The id of a write, and a digest over its method's message without that id."""
    if not request_id:
        return Request()
    copy = type(message)()
    copy.CopyFrom(message)
    copy.ClearField("request_id")
    data = copy.SerializeToString(deterministic=True)
    return Request(request_id, hashlib.blake2b(data, digest_size=16, person=_person(message)).digest())


def decode_draft(message: indexer_pb2.IngestItem) -> Draft:
    """An item to write."""
    return Draft(
        item=decode_item(message.item),
        photos=[_photo(photo) for photo in message.photos],
        vectors=[GivenVector(vector.space, vector.data) for vector in message.vectors],
        raw=list(message.raw_features),
    )


def decode_vectors(message: indexer_pb2.ItemVectors) -> GivenVectors:
    """Vectors of an item that is there."""
    return GivenVectors(message.item_id, [GivenVector(vector.space, vector.data) for vector in message.vectors])


def decode_showing(
    message: indexer_pb2.GetItemRequest | indexer_pb2.BatchGetItemsRequest | indexer_pb2.ListItemsRequest,
) -> Showing:
    """What to show of items."""
    raw = isinstance(message, indexer_pb2.ListItemsRequest) and message.include_raw_features
    return Showing(message.space, message.include_vectors, raw)


def decode_listing(message: indexer_pb2.ListItemsRequest) -> Listing:
    """Bounds are not looked at; `Listing.check` does that."""
    return Listing(message.page_size, message.page_token, decode_filter(message.filter), message.title_words)


def decode_filter(message: common_pb2.Filter) -> Filter:
    """Bounds are not looked at; `Filter.check` does that."""
    return Filter(_conditions(message.must), _conditions(message.should), _conditions(message.must_not))


def _person(message: Message) -> bytes:
    return message.DESCRIPTOR.name.encode()[:16]


def _photo(message: common_pb2.Photo) -> Photo:
    crop = message.crop
    given = message.HasField("crop")
    return Photo(message.data, Crop(crop.left, crop.top, crop.right, crop.bottom) if given else None)


def _conditions(messages: Iterable[common_pb2.Condition]) -> tuple[Condition, ...]:
    return tuple(Condition(message.field, _test(message)) for message in messages)


def _test(message: common_pb2.Condition) -> Test | None:
    match message.WhichOneof("test"):
        case "keyword":
            return WordTest(frozenset(message.keyword.any_of))
        case "range":
            bounds = message.range
            return NumberTest(
                bounds.at_least if bounds.HasField("at_least") else None,
                bounds.at_most if bounds.HasField("at_most") else None,
            )
        case "boolean":
            return TruthTest(message.boolean)
        case "time":
            instants = message.time
            return TimeTest(
                decode_time(instants.not_before) if instants.HasField("not_before") else None,
                decode_time(instants.before) if instants.HasField("before") else None,
            )
        case _:
            return None
