"""An indexer of dictionaries."""
# ruff: noqa: N802 (methods are named as in the contract)

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import grpc

from tests.client.fakes.embedder import SPACE
from tests.client.fakes.refusing import not_found, refuse, status_of
from visrec.v1 import indexer_pb2, indexer_pb2_grpc


@dataclass
class FakeIndexer(indexer_pb2_grpc.IndexerServiceServicer):
    """Catalogues of items. A photo that begins with `bad` fails its item; `shed` names items that are shed once."""

    catalogues: dict[str, dict[str, indexer_pb2.Item]] = field(default_factory=dict)
    batches: list[list[str]] = field(default_factory=list)
    searches: list[indexer_pb2.SearchRequest] = field(default_factory=list)
    shed: set[str] = field(default_factory=set)
    refuse_calls: int = 0

    def items_of(self, name: str, context: grpc.ServicerContext) -> dict[str, indexer_pb2.Item]:
        if name not in self.catalogues:
            not_found(context, "catalogue", name)
        return self.catalogues[name]

    def CreateCatalogue(
        self, request: indexer_pb2.CreateCatalogueRequest, context: grpc.ServicerContext
    ) -> indexer_pb2.CreateCatalogueResponse:
        if request.catalogue in self.catalogues:
            text = f"catalogue {request.catalogue!r} exists"
            refuse(context, status_of(grpc.StatusCode.ALREADY_EXISTS, text, "CONFLICT"))
        self.catalogues[request.catalogue] = {}
        catalogue = indexer_pb2.Catalogue(name=request.catalogue, space=SPACE, partitions=request.partitions or 1)
        return indexer_pb2.CreateCatalogueResponse(catalogue=catalogue)

    def ListCatalogues(
        self, request: indexer_pb2.ListCataloguesRequest, context: grpc.ServicerContext
    ) -> indexer_pb2.ListCataloguesResponse:
        """One on each page."""
        names = sorted(self.catalogues)
        at = int(request.page_token or 0)
        return indexer_pb2.ListCataloguesResponse(
            catalogues=[indexer_pb2.Catalogue(name=name, space=SPACE, partitions=1) for name in names[at : at + 1]],
            next_page_token=str(at + 1) if at + 1 < len(names) else "",
        )

    def DeleteCatalogue(
        self, request: indexer_pb2.DeleteCatalogueRequest, context: grpc.ServicerContext
    ) -> indexer_pb2.DeleteCatalogueResponse:
        count = len(self.items_of(request.catalogue, context))
        del self.catalogues[request.catalogue]
        return indexer_pb2.DeleteCatalogueResponse(items_deleted=count)

    def IngestItems(
        self, request: indexer_pb2.IngestItemsRequest, context: grpc.ServicerContext
    ) -> indexer_pb2.IngestItemsResponse:
        items = self.items_of(request.catalogue, context)
        if self.refuse_calls:
            self.refuse_calls -= 1
            refuse(context, status_of(grpc.StatusCode.RESOURCE_EXHAUSTED, "full", "OVERLOADED", retry_after_ms=1500))
        self.batches.append([each.item.id for each in request.items])
        results = [self._ingest(items, each) for each in request.items]
        return indexer_pb2.IngestItemsResponse(results=results, version=f"v{len(self.batches)}")

    def _ingest(self, items: dict[str, indexer_pb2.Item], each: indexer_pb2.IngestItem) -> indexer_pb2.ItemResult:
        result = indexer_pb2.ItemResult(item_id=each.item.id)
        if each.item.id in self.shed:
            self.shed.remove(each.item.id)
            result.status.CopyFrom(status_of(grpc.StatusCode.RESOURCE_EXHAUSTED, "queue is full", "OVERLOADED"))
        elif any(photo.data.startswith(b"bad") for photo in each.photos):
            result.status.CopyFrom(
                status_of(grpc.StatusCode.INVALID_ARGUMENT, "not a picture", "INVALID_PICTURE", at="items[0].photos[0]")
            )
        else:
            items[each.item.id] = each.item
        return result

    def DeleteItems(
        self, request: indexer_pb2.DeleteItemsRequest, context: grpc.ServicerContext
    ) -> indexer_pb2.DeleteItemsResponse:
        items = self.items_of(request.catalogue, context)
        deleted = [items.pop(name) for name in request.item_ids if name in items]
        return indexer_pb2.DeleteItemsResponse(deleted=len(deleted), version="v9")

    def GetItem(
        self, request: indexer_pb2.GetItemRequest, context: grpc.ServicerContext
    ) -> indexer_pb2.GetItemResponse:
        items = self.items_of(request.catalogue, context)
        if request.item_id not in items:
            not_found(context, "item", request.item_id)
        return indexer_pb2.GetItemResponse(stored=indexer_pb2.StoredItem(item=items[request.item_id]))

    def BatchGetItems(
        self, request: indexer_pb2.BatchGetItemsRequest, context: grpc.ServicerContext
    ) -> indexer_pb2.BatchGetItemsResponse:
        items = self.items_of(request.catalogue, context)
        found = [indexer_pb2.StoredItem(item=items[name]) for name in request.item_ids if name in items]
        return indexer_pb2.BatchGetItemsResponse(items=found)

    def ListItems(
        self, request: indexer_pb2.ListItemsRequest, context: grpc.ServicerContext
    ) -> indexer_pb2.ListItemsResponse:
        """Two on each page."""
        items = list(self.items_of(request.catalogue, context).values())
        at = int(request.page_token or 0)
        return indexer_pb2.ListItemsResponse(
            items=[indexer_pb2.StoredItem(item=item) for item in items[at : at + 2]],
            next_page_token=str(at + 2) if at + 2 < len(items) else "",
        )

    def Search(self, request: indexer_pb2.SearchRequest, context: grpc.ServicerContext) -> indexer_pb2.SearchResponse:
        """Every item, in the order of ingest, each a little less near."""
        items = self.items_of(request.catalogue, context)
        self.searches.append(request)
        found = list(items.values())[: request.limit]
        hits = [
            indexer_pb2.Hit(item_id=item.id, score=0.9 - at / 10, parts=[0.9 - at / 10], item=item)
            for at, item in enumerate(found)
        ]
        return indexer_pb2.SearchResponse(
            hits=hits, part_queries=["query"], part_blocks=["content"], space=SPACE.name, version="v1"
        )

    def ListSpaces(
        self, request: indexer_pb2.ListSpacesRequest, context: grpc.ServicerContext
    ) -> indexer_pb2.ListSpacesResponse:
        self.items_of(request.catalogue, context)
        return indexer_pb2.ListSpacesResponse(spaces=[indexer_pb2.SpaceState(space=SPACE, aliases=["visual"])])

    def GetFacets(
        self, request: indexer_pb2.GetFacetsRequest, context: grpc.ServicerContext
    ) -> indexer_pb2.GetFacetsResponse:
        """Of a filter only its words of a category and of a domain are looked at."""
        items = list(self.items_of(request.catalogue, context).values())
        for condition in request.filter.must:
            if condition.field in ("category", "domain"):
                items = [item for item in items if getattr(item, condition.field) in condition.keyword.any_of]
        (field,) = request.fields
        words = Counter("available" if field == "availability" else str(getattr(item, field)) for item in items)
        values = [
            indexer_pb2.FacetValue(value=word, count=count) for word, count in words.most_common(request.limit or 20)
        ]
        facet = indexer_pb2.Facet(field=field, values=values, distinct_values=len(words))
        return indexer_pb2.GetFacetsResponse(facets=[facet])

    def GetStats(
        self, request: indexer_pb2.GetStatsRequest, context: grpc.ServicerContext
    ) -> indexer_pb2.GetStatsResponse:
        names = [request.catalogue] if request.catalogue else sorted(self.catalogues)
        stats = [
            indexer_pb2.CatalogueStats(
                catalogue=name, items=len(self.items_of(name, context)), version="v1", space=SPACE.name
            )
            for name in names
        ]
        return indexer_pb2.GetStatsResponse(catalogues=stats, durability="every acknowledged write")
