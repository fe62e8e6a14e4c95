"""What a head is learned from, over gRPC: items with raw features, and what people engage with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from jobs.head.directions import Float16
from jobs.head.fitting import Lesson
from jobs.head.groups import Flags, Groups, Rows
from jobs.pages import Pages, Patience
from visrec.connection import Connection
from visrec.v1 import common_pb2, indexer_pb2, profile_pb2

PAGE = 500
"""Items of a page: 2.5 KB of raw features and 1.5 KB of a vector each."""
EVENTS = 10_000
OWN_FIELDS = ("category", "domain", "tags")
ATTRIBUTE = "attributes."
MOST_GONE = 0.05
"""Share of the items that may go while a run learns, or come to have no vector."""
TOGETHER = 2
"""People who must have engaged with both of two items before these are related."""

_ENGAGED = (
    profile_pb2.EVENT_TYPE_CLICK,
    profile_pb2.EVENT_TYPE_LIKE,
    profile_pb2.EVENT_TYPE_SAVE,
    profile_pb2.EVENT_TYPE_CART,
    profile_pb2.EVENT_TYPE_PURCHASE,
)
"""A view may be a mistake, and an impression is nothing that they did."""


class NothingLearned(Exception):
    """There is nothing to learn from, or what was learned is not better, and why."""


class _Row(NamedTuple):
    """Of an item, packed: a catalogue of them is held at once."""

    id: str
    raw: bytes
    vector: bytes
    labels: tuple[str, ...]
    group: str
    domain: str


@dataclass(frozen=True, eq=False)
class Read:
    """Items in the order of their ids, each by its first photo. `raw` (n, F); `vectors` (n, D) in the present space;
    `labels`: of each item, by the field that was asked for; `groups`: what it is a variant of, empty: of nothing."""

    ids: list[str]
    raw: Float16
    vectors: Float16
    labels: list[tuple[str, ...]]
    groups: list[str]
    domains: list[str]

    @cached_property
    def variants(self) -> Rows:
        """(n,) items of a group have the same number."""
        return _numbered(self.names)

    @property
    def numbered_domains(self) -> Rows:
        """(n,) items of a domain have the same number."""
        return _numbered(self.domains)

    @property
    def names(self) -> list[str]:
        """By which items are held out: those of a group go together."""
        return [
            f"group {group}" if group else f"item {name}" for name, group in zip(self.ids, self.groups, strict=True)
        ]

    def by_label(self) -> Lesson:
        """Items of a label belong together."""
        found: dict[str, list[int]] = {}
        for row, labels in enumerate(self.labels):
            for label in labels:
                found.setdefault(label, []).append(row)
        return Lesson(self.raw, Groups.of((found[name] for name in sorted(found)), len(self.ids)), self.variants)

    def by_people(self, engaged: Iterable[Rows]) -> Lesson:
        """Items of a person belong together. `engaged`: rows of each."""
        people = sorted(engaged, key=lambda rows: rows.astype(">i8").tobytes())  # in the order of their rows
        return Lesson(self.raw, Groups.of(people, len(self.ids), TOGETHER), self.variants)


@dataclass(frozen=True)
class Reader:
    """Of one catalogue. `on_read` is told how many more items or events were read."""

    connection: Connection
    catalogue: str
    patience: Patience
    on_read: Callable[[int], None]

    def items(self, space: str, label: str, raw_dimension: int) -> Read:
        """`space`: of the vectors. Raises NothingLearned when an item lacks raw features of so many dimensions."""
        kept = sorted(_row(stored, label) for stored in self._items(space))
        lacking = sum(1 for row in kept if len(row.raw) != 2 * raw_dimension)
        if not kept:
            raise NothingLearned("the catalogue has no items")
        if lacking:
            raise NothingLearned(
                f"{lacking:,} of {len(kept):,} items have no raw features of this model; they are kept where "
                "VISREC_INDEXER_KEEP_RAW_FEATURES is on when items are ingested"
            )
        return Read(
            [row.id for row in kept],
            np.array([np.frombuffer(row.raw, "<f2") for row in kept], dtype=np.float16),
            np.array([np.frombuffer(row.vector, "<f2") for row in kept], dtype=np.float16),
            [row.labels for row in kept],
            [row.group for row in kept],
            [row.domain for row in kept],
        )

    def vectors(self, space: str, ids: list[str]) -> tuple[Flags, Float16]:
        """Which of those items have a vector in a space, (ids,), and these vectors, (m, D). Raises NothingLearned when
        more than MOST_GONE have none: items that were erased meanwhile are no reason to begin again."""
        found = {
            each.item.id: np.frombuffer(each.vectors[0].data, "<f4").astype(np.float16)
            for each in self._items(space, raw=False)
            if each.vectors
        }
        kept = np.array([name in found for name in ids], dtype=np.bool_)
        if (gone := int((~kept).sum())) > MOST_GONE * len(ids):
            raise NothingLearned(
                f"{gone:,} of {len(ids):,} items are gone or have no vector in {space}; {MOST_GONE:.0%} may be left out"
            )
        return kept, np.array([found[name] for name in ids if name in found])

    def engaged(self, ids: list[str], most_people: int) -> list[Rows]:
        """Rows of `ids` that each person engaged with, ascending, by whom they are not told: of the first `most_people`
        who come. Pages come in the order of keyed hashes, which is one by chance."""
        row_of = {name: row for row, name in enumerate(ids)}
        found: dict[str, Rows] = {}
        for person, rows in self._people(row_of):
            if rows:
                found.setdefault(person, np.array(sorted(rows), dtype=np.intp))  # a walk may come by somebody twice
            if len(found) >= most_people:
                break
        return list(found.values())

    def _people(self, row_of: Mapping[str, int]) -> Iterator[tuple[str, set[int]]]:
        """One after the other: events of a person follow each other."""
        person, rows = "", set[int]()
        for event in self._events():
            if event.user_id != person:
                yield person, rows
                person, rows = event.user_id, set()
            if event.item_id in row_of:
                rows.add(row_of[event.item_id])
        yield person, rows

    def _events(self) -> Iterator[profile_pb2.Event]:
        def ask(token: str) -> profile_pb2.ExportEventsResponse:
            request = profile_pb2.ExportEventsRequest(
                catalogue=self.catalogue, page_size=EVENTS, page_token=token, types=_ENGAGED
            )
            return self.connection.call(self.connection.profile.ExportEvents, request)

        for page in Pages(ask, self.patience):  # not ahead: it may end at any of them
            self.on_read(len(page.events))
            yield from page.events

    def _items(self, space: str, *, raw: bool = True) -> Iterator[indexer_pb2.StoredItem]:
        def ask(token: str) -> indexer_pb2.ListItemsResponse:
            request = indexer_pb2.ListItemsRequest(
                catalogue=self.catalogue,
                page_size=PAGE,
                page_token=token,
                include_vectors=True,
                include_raw_features=raw,
                space=space,
            )
            return self.connection.call(self.connection.indexer.ListItems, request)

        for page in Pages(ask, self.patience, ahead=True):
            self.on_read(len(page.items))
            yield from page.items


def _numbered(names: list[str]) -> Rows:
    number = {name: at for at, name in enumerate(sorted(set(names)))}
    return np.array([number[name] for name in names], dtype=np.intp)


def _row(stored: indexer_pb2.StoredItem, label: str) -> _Row:
    raw = stored.raw_features[0] if stored.raw_features else b""
    vector = np.frombuffer(stored.vectors[0].data, "<f4").astype("<f2").tobytes() if stored.vectors else b""
    return _Row(
        stored.item.id,
        raw if vector else b"",
        vector,
        labels_of(stored.item, label),
        stored.item.group_id,
        stored.item.domain,
    )


def is_label(field: str) -> bool:
    """Whether items can have words in it."""
    return field in OWN_FIELDS or (field.startswith(ATTRIBUTE) and field != ATTRIBUTE)


def labels_of(item: indexer_pb2.Item, field: str) -> tuple[str, ...]:
    """The words that an item has in a field: one of OWN_FIELDS, or attributes.NAME."""
    if field.startswith(ATTRIBUTE):
        name = field.removeprefix(ATTRIBUTE)
        return _words(item.attributes[name]) if name in item.attributes else ()
    if field == "tags":
        return tuple(dict.fromkeys(item.tags))
    value = item.category if field == "category" else item.domain
    return (value,) if value else ()


def _words(value: common_pb2.AttributeValue) -> tuple[str, ...]:
    kind = value.WhichOneof("kind")
    if kind == "words":
        return tuple(dict.fromkeys(value.words.words))
    return (str(getattr(value, kind)),) if kind in ("text", "boolean") else ()
