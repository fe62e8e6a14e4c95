"""Items as a caller writes them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from visrec.filters import timestamp
from visrec.photos import PhotoSource, photo_message
from visrec.v1 import common_pb2, indexer_pb2
from visrec.vectors import Vector

Attribute = str | float | bool | Sequence[str]
Availability = Literal["available", "out_of_stock", "discontinued"]


@dataclass(frozen=True)
class NewItem:
    """An item to ingest, with photos or, instead, vectors of the catalogue's space (1 to 16 of either).

    `id` is unique in its catalogue; an item of the same id is replaced as a whole. `price` is in units of `currency`
    (ISO 4217). `image_references` tell a caller where the pictures are and are never opened by the services; left
    empty, they are the photos' paths. The bounds of every field are in the contract, indexer.proto.
    """

    id: str
    photos: Sequence[PhotoSource] = ()
    vectors: Sequence[Vector] = ()
    title: str = ""
    domain: str = ""
    category: str = ""
    group_id: str = ""
    tags: Sequence[str] = ()
    price: float | None = None
    currency: str = ""
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    availability: Availability = "available"
    time: datetime | None = None
    image_references: Sequence[str] = ()

    def message(self) -> indexer_pb2.IngestItem:
        """The item as it is sent. Reads the photos; raises OSError when one cannot be read."""
        return indexer_pb2.IngestItem(
            item=self._item(),
            photos=[photo_message(photo) for photo in self.photos],
            vectors=[vector.message() for vector in self.vectors],
        )

    def _item(self) -> indexer_pb2.Item:
        paths = [os.fspath(photo) for photo in self.photos if not isinstance(photo, bytes)]
        return indexer_pb2.Item(
            id=self.id,
            domain=self.domain,
            category=self.category,
            group_id=self.group_id,
            title=self.title,
            tags=self.tags,
            price=self.price,
            currency=self.currency,
            attributes={name: attribute_message(value) for name, value in self.attributes.items()},
            availability=indexer_pb2.Availability.Value(f"AVAILABILITY_{self.availability.upper()}"),
            time=timestamp(self.time),
            image_references=self.image_references or paths,
        )


def attribute_message(value: Attribute) -> common_pb2.AttributeValue:
    """A free attribute as it is sent. True and False stay truth values, though Python counts them as numbers."""
    if isinstance(value, bool):
        return common_pb2.AttributeValue(boolean=value)
    if isinstance(value, int | float):
        return common_pb2.AttributeValue(number=value)
    if isinstance(value, str):
        return common_pb2.AttributeValue(text=value)
    return common_pb2.AttributeValue(words=common_pb2.WordList(words=value))


def attribute(message: common_pb2.AttributeValue) -> Attribute:
    """A free attribute as Python has it; an empty message is the empty text."""
    kind = message.WhichOneof("kind")
    if kind == "words":
        return tuple(message.words.words)
    if kind == "boolean":
        return message.boolean
    return message.number if kind == "number" else message.text
