"""An item: something that can be recommended, as plain data, and the facts by which it can be filtered."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import NamedTuple, TypeAlias

import numpy as np

from services.errors import InvalidInput
from services.spaces import Float16

AttributeValue: TypeAlias = str | float | bool | tuple[str, ...]

MAX_PHOTOS = 16
MAX_ID = 128
MIN_INSTANT_US, MAX_INSTANT_US = -62_135_596_800 * 1_000_000, 253_402_300_800 * 1_000_000
"""The first microsecond after the year 9999, where the contract's timestamps end."""

_ATTRIBUTE_NAME = re.compile(r"[a-z0-9_]{1,32}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Availability(Enum):
    """Whether an item can be had. The values are the words that filters use."""

    AVAILABLE = "available"
    OUT_OF_STOCK = "out_of_stock"
    DISCONTINUED = "discontinued"


class Kind(Enum):
    """What sort of value a fact has: str, float, bool, or int microseconds since 1970."""

    WORD = "word"
    NUMBER = "number"
    TRUTH = "truth"
    INSTANT = "instant"


class Fact(NamedTuple):
    """One value of one field of an item; a field of several words makes several facts."""

    field: str
    kind: Kind
    value: str | float | bool | int


@dataclass(frozen=True, slots=True)
class Item:
    """Fields and bounds are those of `visrec.v1.Item`. `time_us`: microseconds since 1970, None: not given."""

    id: str
    domain: str = ""
    category: str = ""
    group_id: str = ""
    title: str = ""
    tags: tuple[str, ...] = ()
    price: float | None = None
    currency: str = ""
    attributes: Mapping[str, AttributeValue | None] = field(default_factory=dict)
    availability: Availability | None = Availability.AVAILABLE
    time_us: int | None = None
    image_references: tuple[str, ...] = ()

    def facts(self) -> Iterator[Fact]:
        """All that a filter can test, except the id. An empty word is a missing one, except as a domain."""
        yield Fact("domain", Kind.WORD, self.domain)
        words = {"category": self.category, "group_id": self.group_id, "currency": self.currency}
        yield from (Fact(name, Kind.WORD, word) for name, word in words.items() if word)
        yield from (Fact("tags", Kind.WORD, tag) for tag in dict.fromkeys(self.tags))
        if self.price is not None:
            yield Fact("price", Kind.NUMBER, self.price)
        if self.availability is not None:
            yield Fact("availability", Kind.WORD, self.availability.value)
        if self.time_us is not None:
            yield Fact("time", Kind.INSTANT, self.time_us)
        for name, value in self.attributes.items():
            yield from _attribute_facts(f"attributes.{name}", value)

    def check(self, at: str) -> None:
        """Raises InvalidInput for a field out of bounds; `at` is the item's own path in the request."""
        check_item_id(self.id, f"{at}.id")
        for name, most in (("domain", 64), ("category", 128), ("group_id", 128), ("title", 512)):
            _check_length(getattr(self, name), most, f"{at}.{name}")
        _check_words(self.tags, f"{at}.tags", count=64)
        if self.price is not None and not (math.isfinite(self.price) and self.price >= 0):
            raise InvalidInput(f"{at}.price", "must be finite and not negative")
        if self.currency and not _CURRENCY.fullmatch(self.currency):
            raise InvalidInput(f"{at}.currency", "must be three capital letters (ISO 4217)")
        if self.availability is None:
            raise InvalidInput(f"{at}.availability", "is not one of the known values")
        if self.time_us is not None and not MIN_INSTANT_US <= self.time_us < MAX_INSTANT_US:
            raise InvalidInput(f"{at}.time", "must be within the years 1 to 9999")
        self._check_attributes(f"{at}.attributes")
        _check_references(self.image_references, f"{at}.image_references")

    def _check_attributes(self, at: str) -> None:
        if len(self.attributes) > 64:
            raise InvalidInput(at, f"{len(self.attributes)} given, at most 64")
        for name, value in self.attributes.items():
            here = f"{at}[{name[:40]!r}]"
            if not _ATTRIBUTE_NAME.fullmatch(name):
                raise InvalidInput(here, "names are of a-z, 0-9 and _, at most 32 letters")
            _check_attribute(value, here)


@dataclass(frozen=True, slots=True)
class Record:
    """An item as the record has it. `vectors` (photos, D), canonical, of the catalogue's own space; none at all for an
    item that is in other spaces only. `created_us`: the time of its first ingest. `others`: vectors in further spaces
    by name, and `raw`: (photos, F) raw features, as far as there are any and they were asked for. `stamp`: given by the
    record, another with every write of the item.
    """

    item: Item
    vectors: Float16
    created_us: int
    others: Mapping[str, Float16] = field(default_factory=dict)
    raw: Float16 | None = None
    stamp: bytes = b""

    def __eq__(self, other: object) -> bool:
        """By value, whatever their stamps: the arrays' elements count, not their identity."""
        if not isinstance(other, Record):
            return NotImplemented
        same = (self.item, self.created_us) == (other.item, other.created_us)
        return same and self._numbers() == other._numbers()

    __hash__ = None  # type: ignore[assignment] # arrays are mutable

    def _numbers(self) -> list[tuple[str, object, bytes]]:
        named = {"": self.vectors, **self.others} | ({"raw": self.raw} if self.raw is not None else {})
        return [(name, rows.shape if rows.size else 0, rows.tobytes()) for name, rows in sorted(named.items())]

    def of_space(self, name: str, own: str) -> Record:
        """With the vectors of another space than the catalogue's `own` in their place; none where it has none."""
        if name == own:
            return self
        rows = self.others.get(name)
        return replace(self, vectors=np.empty((0, 0), np.float16) if rows is None else rows, others={})

    def dated(self) -> Item:
        """The item with a time: its own, else that of its first ingest."""
        return self.item if self.item.time_us is not None else replace(self.item, time_us=self.created_us)


def check_item_id(item_id: str, at: str) -> None:
    """Raises InvalidInput unless it is 1 to 128 letters without control characters."""
    if not item_id:
        raise InvalidInput(at, "is required")
    _check_length(item_id, MAX_ID, at)
    if _CONTROL.search(item_id):
        raise InvalidInput(at, "must not contain control characters")


def check_item_ids(item_ids: Sequence[str], at: str, *, least: int, most: int) -> None:
    """Raises InvalidInput for too few or too many ids, or for an id that no item can have."""
    if not least <= len(item_ids) <= most:
        raise InvalidInput(at, f"{len(item_ids)} given, must be {least} to {most}")
    # Ten thousand ids that are all well are seen to be so at once.
    lengths = set(map(len, item_ids))
    if 0 not in lengths and max(lengths, default=0) <= MAX_ID and not _CONTROL.search("".join(item_ids)):
        return
    for number, item_id in enumerate(item_ids):
        check_item_id(item_id, f"{at}[{number}]")


def _attribute_facts(name: str, value: AttributeValue | None) -> Iterator[Fact]:
    match value:
        case bool():
            yield Fact(name, Kind.TRUTH, value)
        case str():
            yield Fact(name, Kind.WORD, value)
        case tuple():
            yield from (Fact(name, Kind.WORD, word) for word in dict.fromkeys(value))
        case float() | int():
            yield Fact(name, Kind.NUMBER, float(value))
        case None:
            return


def _check_attribute(value: AttributeValue | None, at: str) -> None:
    match value:
        case None:
            raise InvalidInput(at, "needs a text, a number, a boolean or words")
        case str():
            _check_length(value, 256, at)
        case tuple():
            _check_words(value, at, count=64)
        case float() if not math.isfinite(value):
            raise InvalidInput(at, "must be finite")
        case _:
            return


def _check_length(text: str, most: int, at: str) -> None:
    if len(text) > most:
        raise InvalidInput(at, f"{len(text)} letters, at most {most}")


def _check_words(words: Sequence[str], at: str, count: int) -> None:
    if len(words) > count:
        raise InvalidInput(at, f"{len(words)} words, at most {count}")
    for number, word in enumerate(words):
        _check_length(word, 256, f"{at}[{number}]")


def _check_references(references: Sequence[str], at: str) -> None:
    if len(references) > MAX_PHOTOS:
        raise InvalidInput(at, f"{len(references)} given, at most {MAX_PHOTOS}")
    for number, reference in enumerate(references):
        if len(reference.encode()) > 2048:
            raise InvalidInput(f"{at}[{number}]", "at most 2048 bytes")
