"""A typed client over the four services.

    with Client.connect() as visrec:
        visrec.ingest("shop", [NewItem("chair-1", photos=["chair.jpg"], category="chair")])
        answer = visrec.recommend("shop", photo="room.jpg", user="anna", explain=True)
        for each in answer.recommendations:
            print(each.rank, each.item.title, each.score)

What goes in is plain Python. What comes out are the contract's own messages, typed and documented in protos/visrec/v1.
Every method raises VisrecCallError when a service refuses or cannot be reached, and waits at most `timeout_s`.
A client may be used by several threads.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Self
from uuid import uuid4

import grpc

from visrec.answers_client import AnswersClient
from visrec.connection import Connection, Targets
from visrec.errors import VisrecCallError
from visrec.ingest import Ingest, IngestReport, ItemOutcome
from visrec.items import NewItem
from visrec.people_client import PeopleClient
from visrec.photos import Crop, PhotoSource, photo_message
from visrec.scenes_client import ScenesClient
from visrec.several import several
from visrec.v1 import common_pb2, embedder_pb2, indexer_pb2
from visrec.vectors import Vector

INGEST_TIMEOUT_S = 120.0
"""For one call of an ingest, which embeds dozens of photos."""


class Client(AnswersClient, PeopleClient, ScenesClient):
    """See the module. Close it, or use it in a `with`. What is about people is in `PeopleClient`, what is asked for in
    `AnswersClient`, what weighs how much in `ScenesClient`."""

    @classmethod
    def connect(cls, targets: Targets | None = None, *, timeout_s: float = 10.0) -> Self:
        """A client of the services at `targets`; None: on this machine, where `python -m services all` puts them."""
        return cls(Connection(targets or Targets(), timeout_s))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], *, timeout_s: float = 10.0) -> Self:
        """A client of the targets that `environment` names, as described at `Targets.from_environment`."""
        return cls.connect(Targets.from_environment(environment), timeout_s=timeout_s)

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Catalogues

    def create_catalogue(self, name: str, *, partitions: int = 0, exist_ok: bool = False) -> indexer_pb2.Catalogue:
        """An empty catalogue in the embedder's default space. When there is one of that name: that one, as it is, with
        `exist_ok`, else ALREADY_EXISTS."""
        request = indexer_pb2.CreateCatalogueRequest(catalogue=name, partitions=partitions, request_id=uuid4().hex)
        try:
            return self._call(self._connection.indexer.CreateCatalogue, request).catalogue
        except VisrecCallError as error:
            there = (each for each in self.list_catalogues() if each.name == name)
            if exist_ok and error.code is grpc.StatusCode.ALREADY_EXISTS and (found := next(there, None)):
                return found
            raise

    def list_catalogues(self) -> Iterator[indexer_pb2.Catalogue]:
        """All of them, by name, page by page."""
        request = indexer_pb2.ListCataloguesRequest()
        while True:
            page = self._call(self._connection.indexer.ListCatalogues, request)
            yield from page.catalogues
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def delete_catalogue(self, name: str) -> int:
        """Removes it with all its items; how many there were."""
        request = indexer_pb2.DeleteCatalogueRequest(catalogue=name)
        return self._call(self._connection.indexer.DeleteCatalogue, request).items_deleted

    def stats(self, catalogue: str = "") -> indexer_pb2.GetStatsResponse:
        """Sizes and versions of one catalogue, or of all."""
        return self._call(self._connection.indexer.GetStats, indexer_pb2.GetStatsRequest(catalogue=catalogue))

    # Items

    def ingest(
        self,
        catalogue: str,
        items: Iterable[NewItem],
        *,
        on_outcome: Callable[[ItemOutcome], None] = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> IngestReport:
        """Adds or replaces items, in calls of at most 8 MiB or one item. Items fail one by one: see the report.

        `items` is read lazily. `on_outcome` is told of each item when it is written or has failed for good; `sleep`
        is how to wait before something that a busy service shed is sent again.
        """

        def send(batch: Sequence[indexer_pb2.IngestItem]) -> indexer_pb2.IngestItemsResponse:
            request = indexer_pb2.IngestItemsRequest(catalogue=catalogue, items=batch, request_id=uuid4().hex)
            return self._call(self._connection.indexer.IngestItems, request, INGEST_TIMEOUT_S)

        return Ingest(send, sleep, on_outcome).run(items)

    def delete_items(self, catalogue: str, item_ids: Sequence[str]) -> indexer_pb2.DeleteItemsResponse:
        """Removes up to 1000 items; those that do not exist are not counted. Raises TypeError for a single id."""
        ids = several(item_ids, "item_ids")
        request = indexer_pb2.DeleteItemsRequest(catalogue=catalogue, item_ids=ids, request_id=uuid4().hex)
        return self._call(self._connection.indexer.DeleteItems, request)

    def get_item(self, catalogue: str, item_id: str, *, include_vectors: bool = False) -> indexer_pb2.StoredItem:
        """One item. NOT_FOUND when there is none."""
        request = indexer_pb2.GetItemRequest(catalogue=catalogue, item_id=item_id, include_vectors=include_vectors)
        return self._call(self._connection.indexer.GetItem, request).stored

    def get_items(self, catalogue: str, item_ids: Sequence[str]) -> list[indexer_pb2.Item]:
        """Up to 1000 items in the order asked for, without those that do not exist. Raises TypeError for one id."""
        ids = several(item_ids, "item_ids")
        request = indexer_pb2.BatchGetItemsRequest(catalogue=catalogue, item_ids=ids, allow_missing=True)
        return [stored.item for stored in self._call(self._connection.indexer.BatchGetItems, request).items]

    def list_items(
        self, catalogue: str, *, where: common_pb2.Filter | None = None, title_words: str = ""
    ) -> Iterator[indexer_pb2.Item]:
        """Items in no particular order, page by page; with `title_words` only those whose title has all of them."""
        request = indexer_pb2.ListItemsRequest(
            catalogue=catalogue, page_size=1000, filter=where, title_words=title_words
        )
        while True:
            page = self._call(self._connection.indexer.ListItems, request)
            yield from (stored.item for stored in page.items)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def count_items(self, catalogue: str, *, where: common_pb2.Filter | None = None) -> int:
        """How many items there are, or pass."""
        # Every item has one of three, whoever ingested it said so or not.
        request = indexer_pb2.GetFacetsRequest(catalogue=catalogue, fields=["availability"], filter=where)
        (facet,) = self._call(self._connection.indexer.GetFacets, request).facets
        return sum(value.count for value in facet.values)

    def values(self, catalogue: str, field: str, *, limit: int = 20) -> tuple[list[tuple[str, int]], int]:
        """The words that items have in a field and how many have each, most frequent first, at most `limit`; and how
        many different words there are."""
        request = indexer_pb2.GetFacetsRequest(catalogue=catalogue, fields=[field], limit=limit)
        (facet,) = self._call(self._connection.indexer.GetFacets, request).facets
        return [(each.value, each.count) for each in facet.values], facet.distinct_values

    # Looking

    def model(self) -> embedder_pb2.Model:
        """The network that turns photos into vectors, and its spaces."""
        return self._call(self._connection.embedder.GetModel, embedder_pb2.GetModelRequest()).model

    def embed(self, photo: PhotoSource, *, crop: Crop | None = None, space: str = "") -> Vector:
        """The vector of a photo in `space`, or in the model's default one. Raises OSError for an unreadable file."""
        request = embedder_pb2.EmbedImageRequest(photo=photo_message(photo, crop), space=space)
        return Vector.from_message(self._call(self._connection.embedder.EmbedImage, request).vector)

    def similar(
        self,
        catalogue: str,
        *,
        photo: PhotoSource | None = None,
        vector: Vector | None = None,
        item_id: str = "",
        n: int = 10,
        where: common_pb2.Filter | None = None,
        block_weights: Mapping[str, float] | None = None,
        exclude: Sequence[str] = (),
        min_version: str = "",
    ) -> indexer_pb2.SearchResponse:
        """The n nearest items to a photo, a vector or an item, with items and parts. Exactly one of the three is given.

        `block_weights` says what likeness means, such as {"colour": 1} for the palette alone. A photo is embedded in
        the catalogue's own space. Raises ValueError when none or several of the three are given.
        """
        given = [name for name, value in (("photo", photo), ("vector", vector), ("item_id", item_id or None)) if value]
        if len(given) != 1:
            raise ValueError(f"give exactly one of photo, vector and item_id, not {' and '.join(given) or 'none'}")
        if photo is not None:
            vector = self.embed(photo, space=self._space_of(catalogue))
        query = indexer_pb2.Query(
            name="query", vector=vector.message() if vector else None, block_weights=block_weights
        )
        if item_id:
            query.item_id = item_id
        request = indexer_pb2.SearchRequest(
            catalogue=catalogue,
            queries=[query],
            limit=n,
            filter=where,
            exclude_item_ids=several(exclude, "exclude"),
            min_version=min_version,
            include_items=True,
            include_parts=True,
        )
        return self._call(self._connection.indexer.Search, request)

    def _space_of(self, catalogue: str) -> str:
        request = indexer_pb2.ListSpacesRequest(catalogue=catalogue)
        spaces = self._call(self._connection.indexer.ListSpaces, request).spaces
        return spaces[0].space.name if spaces else ""
