"""Reading items from the record, which knows every acknowledged write, one by one or page by page."""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from services.errors import InvalidInput, NotFound
from services.indexer.filters import NO_FILTER, Filter
from services.indexer.item import Record, check_item_ids
from services.indexer.record.catalogue import PLAIN, Catalogue, ScanLost, Wanted

MAX_ITEMS = 1000
DEFAULT_PAGE = 50
MAX_PAGE = 1000
MAX_EXAMINED = 5000
"""Items looked at for one page, so that a filter which nothing passes does not read the whole catalogue in one call."""

CURSOR_BYTES = 16

_PLACE = struct.Struct(f">H{CURSOR_BYTES}sII")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Listing:
    """Which items to list. `words`: all of them must be in the title, whatever their case."""

    page_size: int = DEFAULT_PAGE
    token: str = ""
    filter: Filter = NO_FILTER
    words: str = ""

    def check(self) -> None:
        """Raises InvalidInput."""
        self.filter.check("filter")
        if len(self.words) > 512:
            raise InvalidInput("title_words", "at most 512 letters")

    def passes(self, record: Record) -> bool:
        """Whether the item is wanted."""
        return _words(self.words) <= _words(record.item.title) and self.filter.matches(record.dated())


@dataclass(frozen=True)
class Page:
    """`token`: of the next page, empty: this was the last."""

    records: Sequence[Record]
    token: str


class _Place(NamedTuple):
    """Where a page begins: a scan of a partition, `batch` items at once, without the first `skip` of them."""

    partition: int
    cursor: int
    skip: int
    batch: int

    def encode(self) -> str:
        """As an opaque token."""
        cursor = self.cursor.to_bytes(CURSOR_BYTES, "big")
        return base64.urlsafe_b64encode(_PLACE.pack(self.partition, cursor, self.skip, self.batch)).decode()

    @classmethod
    def decode(cls, token: str, partitions: int) -> _Place:
        """Raises InvalidInput for what `encode` never made."""
        place = cls(partitions, 0, 0, 0)
        with suppress(ValueError, struct.error):
            partition, cursor, skip, batch = _PLACE.unpack(base64.urlsafe_b64decode(token.encode("ascii")))
            place = cls(partition, int.from_bytes(cursor, "big"), skip, batch)
        if not (place.partition < partitions and 1 <= place.batch <= MAX_PAGE):
            raise InvalidInput("page_token", "is not a token of this list")
        return place


def page_size(given: int, default: int, most: int) -> int:
    """0 is the default, too large is cut. Raises InvalidInput for a negative size."""
    if given < 0:
        raise InvalidInput("page_size", "must not be negative")
    return min(given or default, most)


def get_items(
    catalogue: Catalogue, item_ids: Sequence[str], at: str, wanted: Wanted = PLAIN
) -> tuple[list[Record], list[str]]:
    """Those that exist, in the order asked for, and the ids of those that do not. Raises InvalidInput, naming `at`."""
    check_item_ids(item_ids, at, least=1, most=MAX_ITEMS)
    found = catalogue.get(item_ids, wanted)
    missing = [item_id for item_id, record in zip(item_ids, found, strict=True) if record is None]
    return [record for record in found if record is not None], missing


def require_items(catalogue: Catalogue, item_ids: Sequence[str], at: str, wanted: Wanted = PLAIN) -> list[Record]:
    """All of them, in the order asked for. Raises NotFound for the first that does not exist."""
    records, missing = get_items(catalogue, item_ids, at, wanted)
    if missing:
        raise NotFound("item", missing[0])
    return records


def list_items(catalogue: Catalogue, listing: Listing, wanted: Wanted = PLAIN) -> Page:
    """One page. It may hold fewer items than asked for and still have a next one. Raises InvalidInput."""
    listing.check()
    size = page_size(listing.page_size, DEFAULT_PAGE, MAX_PAGE)
    partitions = catalogue.definition.partitions
    while True:
        place = _Place.decode(listing.token, partitions) if listing.token else _Place(0, 0, 0, size)
        try:
            return _page(catalogue, listing, size, place, wanted)
        except ScanLost as lost:
            # In the first page nothing has been told yet.
            if listing.token:
                raise InvalidInput("page_token", "the store was restarted: begin again") from lost


def _page(catalogue: Catalogue, listing: Listing, size: int, place: _Place, wanted: Wanted) -> Page:
    """From a place on. Raises ScanLost."""
    partitions = catalogue.definition.partitions
    records: list[Record] = []
    examined = 0
    while place.partition < partitions and len(records) < size and examined < MAX_EXAMINED:
        if not place.cursor:
            place = place._replace(cursor=catalogue.first_cursor(place.partition))
        scanned, cursor = catalogue.scan(place.partition, place.cursor, place.batch, wanted)
        rest = scanned[place.skip :]
        examined += len(scanned)
        taken = 0
        for record in rest:
            if len(records) == size:
                break
            taken += 1
            if listing.passes(record):
                records.append(record)
        place = _after(place, taken, len(rest), cursor)
    return Page(records, place.encode() if place.partition < partitions else "")


def _after(place: _Place, taken: int, there: int, cursor: int) -> _Place:
    if taken < there:
        return place._replace(skip=place.skip + taken)
    if cursor:
        return place._replace(cursor=cursor, skip=0)
    return place._replace(partition=place.partition + 1, cursor=0, skip=0)


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.casefold()))
