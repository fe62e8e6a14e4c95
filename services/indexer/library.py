"""The use cases, one method for each thing a caller may ask: find the catalogue, do the work."""

from __future__ import annotations

import base64
import binascii
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from services.errors import InvalidInput, NotFound, NotReady, Overloaded, VisrecError
from services.indexer.definition import Definition, RandomBytes
from services.indexer.index.port import Size
from services.indexer.item import Record, check_item_id
from services.indexer.record import arrangement, reading
from services.indexer.record.arrangement import Arranged
from services.indexer.record.catalogue import Wanted
from services.indexer.record.layout import Layout
from services.indexer.record.reading import Listing, Page
from services.indexer.searching.facets import Facet, FacetsRequest, count_facets
from services.indexer.searching.many import Ask, Outcome, search_many
from services.indexer.searching.request import SearchRequest
from services.indexer.searching.search import Answered, search
from services.indexer.serving.desk import Attention, Desk, Patience
from services.indexer.serving.quotas import Rates
from services.indexer.serving.shelf import Shelf
from services.indexer.serving.shelves import Shelves
from services.indexer.version import Version
from services.indexer.writing.draft import Draft
from services.indexer.writing.embedder import Embedder
from services.indexer.writing.ingest import Deleted, GivenVectors, Ingest, Ingested
from services.indexer.writing.pieces import Request
from services.spaces import Space

DEFAULT_PAGE = 20
MAX_PAGE = 100


@dataclass(frozen=True)
class Rules:
    """`partitions`: of a catalogue that names no number. `waiting`: searches that may wait at once, for a version or
    for the record; `entering`: writes that may wait for room. `requests_per_s`: of one catalogue; 0: any number."""

    partitions: int = 1
    waiting: int = 2
    requests_per_s: float = 0
    entering: int = 4


@dataclass(frozen=True)
class Showing:
    """What to show of items: vectors of which space, by name or alias (empty: `visual`), and raw features."""

    space: str = ""
    vectors: bool = False
    raw: bool = False


@dataclass(frozen=True)
class Stats:
    """Numbers of one catalogue on this replica: those of the space behind `visual`, but `memory` of all spaces."""

    definition: Definition
    space: Space
    size: Size
    memory: int
    version: Version


@dataclass(frozen=True)
class Surroundings:
    """Time and chance. `clock`: monotonic seconds; `now_us`: microseconds since 1970."""

    clock: Callable[[], float]
    now_us: Callable[[], int]
    random_bytes: RandomBytes


class Library:
    """Safe to use from any number of threads."""

    def __init__(
        self,
        shelves: Shelves,
        ingest: Ingest,
        embedder: Embedder,
        rules: Rules,
        surroundings: Surroundings,
    ) -> None:
        self._shelves = shelves
        self._ingest = ingest
        self._embedder = embedder
        self._rules = rules
        self._clock = surroundings.clock
        self._now_us = surroundings.now_us
        self._random_bytes = surroundings.random_bytes
        self._entering = threading.BoundedSemaphore(rules.entering)
        self._rates = Rates(rules.requests_per_s, surroundings.clock)
        self._desk = Desk(shelves, rules.waiting, self._rates.take)

    def create_catalogue(
        self, name: str, space: Space | None, partitions: int, request: Request, max_items: int = 0
    ) -> Definition:
        """Without a space, the embedder's default one; 0 partitions or items: the rule's. Raises Conflict,
        InvalidInput."""
        request.check()
        incarnation = self._random_bytes(8).hex()
        given = space or self._embedder.default_space()
        chosen = partitions or self._rules.partitions
        definition = Definition(name, given, chosen, self._now_us(), incarnation, max_items)
        return self._shelves.create(definition, request.receipt("create"))

    def list_catalogues(self, page_size: int, token: str) -> tuple[list[Definition], str]:
        """A page by name, and the token of the next one."""
        size = reading.page_size(page_size, DEFAULT_PAGE, MAX_PAGE)
        after = _decode_name(token)
        self._shelves.look()
        definitions = [shelf.definition for shelf in self._shelves.all() if shelf.definition.name > after]
        page = definitions[:size]
        return page, _encode_name(page[-1].name) if len(definitions) > size else ""

    def delete_catalogue(self, name: str) -> int:
        """How many items went with it."""
        return self._shelves.delete(self._shelf(name).definition.name)

    def ingest(self, name: str, drafts: Sequence[Draft], request: Request, budget_s: float) -> Ingested:
        """As `Ingest.ingest`. Raises Overloaded when the index has no room within half of the budget."""
        shelf = self._shelf(name)
        self._enter(shelf, budget_s / 2)
        ingested = self._ingest.ingest(shelf.catalogue, drafts, request)
        shelf.written(ingested.version, len(drafts) - len(ingested.failures))
        return ingested

    def delete_items(self, name: str, item_ids: Sequence[str], request: Request) -> Deleted:
        """As `Ingest.delete`."""
        return self._ingest.delete(self._shelf(name).catalogue, item_ids, request)

    def put_vectors(self, name: str, items: Sequence[GivenVectors], request: Request, budget_s: float) -> Ingested:
        """As `Ingest.put_vectors`. Raises Overloaded as `ingest`."""
        shelf = self._shelf(name)
        self._enter(shelf, budget_s / 2)
        put = self._ingest.put_vectors(shelf.catalogue, items, request)
        shelf.written(put.version, len(items) - len(put.failures))
        return put

    def create_space(self, name: str, space: Space) -> tuple[Arranged, int]:
        """As `arrangement.create_space`, and how many items have a vector in it."""
        shelf = self._shelf(name)
        arranged = arrangement.create_space(shelf, space)
        index = shelf.indexes.get(space.name)
        return arranged, index.view().size().items if index else 0

    def delete_space(self, name: str, space: str) -> Version:
        """As `arrangement.delete_space`."""
        return arrangement.delete_space(self._shelf(name), space).version

    def set_alias(self, name: str, alias: str, space: str) -> tuple[str, Version]:
        """As `arrangement.set_alias`."""
        return arrangement.set_alias(self._shelf(name), alias, space)

    def get_item(self, name: str, item_id: str, showing: Showing) -> tuple[Record, Space]:
        """The item and the space of its vectors. Raises NotFound, SpaceMismatch, InvalidInput for what is no id."""
        check_item_id(item_id, "item_id")
        shelf = self._shelf(name)
        space, wanted = _wanted(shelf, showing)
        (record,) = reading.require_items(shelf.catalogue, [item_id], "item_id", wanted)
        return record.of_space(space.name, shelf.definition.space.name), space

    def get_items(
        self, name: str, item_ids: Sequence[str], showing: Showing, *, allow_missing: bool
    ) -> tuple[list[Record], list[str], Space]:
        """The items, the ids of those that are missing (only if allowed, else NotFound), and the vectors' space."""
        shelf = self._shelf(name)
        space, wanted = _wanted(shelf, showing)
        if allow_missing:
            records, missing = reading.get_items(shelf.catalogue, item_ids, "item_ids", wanted)
        else:
            records, missing = reading.require_items(shelf.catalogue, item_ids, "item_ids", wanted), []
        own = shelf.definition.space.name
        return [record.of_space(space.name, own) for record in records], missing, space

    def list_items(self, name: str, listing: Listing, showing: Showing) -> tuple[Page, Space]:
        """A page and the space of the vectors."""
        shelf = self._shelf(name)
        space, wanted = _wanted(shelf, showing)
        page = reading.list_items(shelf.catalogue, listing, wanted)
        own = shelf.definition.space.name
        return Page([record.of_space(space.name, own) for record in page.records], page.token), space

    def search(self, name: str, space: str, request: SearchRequest, min_version: str, patience: Patience) -> Answered:
        """Waits for `min_version` (a token, empty: none) while there is patience, then searches.

        Raises as `searching.search.search`, TooLate when the version was not reached or nobody waits any more,
        Overloaded when too many searches wait already. Asks the record for nothing but catalogues and items that this
        replica does not have.
        """
        began = self._clock()
        attention = Attention(patience, self._clock)
        shelf = self._desk.shelf(name)
        self._rates.take(shelf)
        request.check()  # before a version is waited for
        view = self._desk.view(shelf, space, min_version, attention)
        wait_ms = (self._clock() - began) * 1e3
        found = search(
            request, view, lambda one: self._desk.vector(shelf, one, view.space), self._clock, attention.proceed
        )
        return Answered(found, view, wait_ms)

    def search_many(self, asks: Sequence[Ask | VisrecError], patience: Patience) -> list[Outcome]:
        """As `searching.many.search_many`."""
        return search_many(asks, self._desk, Attention(patience, self._clock), self._clock)

    def facets(
        self, name: str, request: FacetsRequest, min_version: str, patience: Patience
    ) -> tuple[list[Facet], Version]:
        """How many items of the catalogue's own space there are of each value, and as of when. Raises as `search`."""
        attention = Attention(patience, self._clock)
        shelf = self._desk.shelf(name)
        self._rates.take(shelf)
        request.check()  # before a version is waited for
        view = self._desk.view(shelf, "", min_version, attention)
        return count_facets(request, view, attention.proceed), view.version

    def spaces(self, name: str) -> tuple[Layout, dict[str, int]]:
        """The catalogue's spaces, and how many items have a vector in each. Raises Overloaded as `search`."""
        shelf = self._desk.shelf(name)
        shelf.view()
        shown = shelf.shown
        return shown.layout, {space: index.view().size().items for space, index in shown.indexes.items()}

    def stats(self, name: str) -> list[Stats]:
        """Of one catalogue, or when the name is empty of all that have been read."""
        if name:
            return [_stats(self._shelf(name))]
        return list(self._all_stats())

    def _all_stats(self) -> Iterator[Stats]:
        for shelf in self._shelves.all():
            try:
                yield _stats(shelf)
            except (NotReady, NotFound):
                continue  # still being read, or deleted a moment ago: no reason to say nothing of the others

    def _enter(self, shelf: Shelf, wait_s: float) -> None:
        """Raises Overloaded when there is no memory, or in the index no room, within that time, or when too many wait
        for room already: a catalogue that fills must not take the threads of the others."""
        self._shelves.require_memory(wait_s)
        if shelf.has_room():
            return
        if not self._entering.acquire(blocking=False):
            raise Overloaded("the index is still working off what was written before", retry_after_ms=1000)
        try:
            shelf.require_room(wait_s)
        finally:
            self._entering.release()

    def _shelf(self, name: str) -> Shelf:
        if not name:
            raise InvalidInput("catalogue", "is required")
        shelf = self._shelves.get(name)
        self._rates.take(shelf)
        return shelf


def _wanted(shelf: Shelf, showing: Showing) -> tuple[Space, Wanted]:
    """The space whose vectors are meant, and what to read for that."""
    layout = shelf.layout if shelf.ready else shelf.catalogue.layout()
    space = layout.resolve(showing.space)
    further = showing.vectors and space != layout.own
    return space, Wanted((space.name,) if further else (), showing.raw)


def _stats(shelf: Shelf) -> Stats:
    view = shelf.view()
    size = view.size()
    memory = sum(index.view().size().memory for index in shelf.indexes.values())
    return Stats(shelf.definition, view.space, size, memory, view.version)


def _encode_name(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def _decode_name(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token.encode("ascii")).decode()
    except (ValueError, binascii.Error) as problem:
        raise InvalidInput("page_token", "is not a token of this list") from problem
