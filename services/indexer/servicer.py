"""The contract of the indexer to its use cases and back; nothing is decided here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import grpc

from services.indexer.library import Library
from services.indexer.operations.commission import Commissions
from services.indexer.serving.desk import Patience
from services.indexer.wire import requests, responses
from services.indexer.wire import search as wire_search
from services.indexer.wire.operations import encode_operation
from services.runtime import deadlines
from services.runtime.wire import decode_space
from visrec.v1 import indexer_pb2, indexer_pb2_grpc

Context: TypeAlias = grpc.ServicerContext


class IndexerServicer(indexer_pb2_grpc.IndexerServiceServicer):
    """`durability`: says what the record promises. `default_budget_s`: for a call without any deadline."""

    def __init__(
        self, library: Library, commissions: Commissions, durability: Callable[[], str], default_budget_s: float
    ) -> None:
        self._library = library
        self._commissions = commissions
        self._durability = durability
        self._default_budget_s = default_budget_s

    def CreateCatalogue(
        self, request: indexer_pb2.CreateCatalogueRequest, context: Context
    ) -> indexer_pb2.CreateCatalogueResponse:
        definition = self._library.create_catalogue(
            request.catalogue,
            decode_space(request.space) if request.HasField("space") else None,
            request.partitions,
            requests.decode_request(request, request.request_id),
            request.max_items,
        )
        return indexer_pb2.CreateCatalogueResponse(catalogue=responses.encode_catalogue(definition))

    def ListCatalogues(
        self, request: indexer_pb2.ListCataloguesRequest, context: Context
    ) -> indexer_pb2.ListCataloguesResponse:
        page, token = self._library.list_catalogues(request.page_size, request.page_token)
        catalogues = [responses.encode_catalogue(definition) for definition in page]
        return indexer_pb2.ListCataloguesResponse(catalogues=catalogues, next_page_token=token)

    def DeleteCatalogue(
        self, request: indexer_pb2.DeleteCatalogueRequest, context: Context
    ) -> indexer_pb2.DeleteCatalogueResponse:
        return indexer_pb2.DeleteCatalogueResponse(items_deleted=self._library.delete_catalogue(request.catalogue))

    def IngestItems(self, request: indexer_pb2.IngestItemsRequest, context: Context) -> indexer_pb2.IngestItemsResponse:
        ingested = self._library.ingest(
            request.catalogue,
            [requests.decode_draft(item) for item in request.items],
            requests.decode_request(request, request.request_id),
            self._budget_s(),
        )
        return responses.encode_ingested([item.item.id for item in request.items], ingested)

    def DeleteItems(self, request: indexer_pb2.DeleteItemsRequest, context: Context) -> indexer_pb2.DeleteItemsResponse:
        asked = requests.decode_request(request, request.request_id)
        deleted = self._library.delete_items(request.catalogue, list(request.item_ids), asked)
        return indexer_pb2.DeleteItemsResponse(deleted=deleted.count, version=deleted.version.encode())

    def GetItem(self, request: indexer_pb2.GetItemRequest, context: Context) -> indexer_pb2.GetItemResponse:
        showing = requests.decode_showing(request)
        record, space = self._library.get_item(request.catalogue, request.item_id, showing)
        stored = responses.encode_record(record, space, vectors=request.include_vectors)
        return indexer_pb2.GetItemResponse(stored=stored)

    def BatchGetItems(
        self, request: indexer_pb2.BatchGetItemsRequest, context: Context
    ) -> indexer_pb2.BatchGetItemsResponse:
        showing = requests.decode_showing(request)
        records, missing, space = self._library.get_items(
            request.catalogue, list(request.item_ids), showing, allow_missing=request.allow_missing
        )
        items = [responses.encode_record(record, space, vectors=request.include_vectors) for record in records]
        return indexer_pb2.BatchGetItemsResponse(items=items, missing_ids=missing, space=space.name)

    def ListItems(self, request: indexer_pb2.ListItemsRequest, context: Context) -> indexer_pb2.ListItemsResponse:
        showing = requests.decode_showing(request)
        page, space = self._library.list_items(request.catalogue, requests.decode_listing(request), showing)
        items = [responses.encode_record(record, space, vectors=request.include_vectors) for record in page.records]
        return indexer_pb2.ListItemsResponse(items=items, next_page_token=page.token)

    def Search(self, request: indexer_pb2.SearchRequest, context: Context) -> indexer_pb2.SearchResponse:
        answered = self._library.search(
            request.catalogue,
            request.space,
            wire_search.decode_search(request),
            request.min_version,
            Patience(self._budget_s(), context.is_active),
        )
        return wire_search.encode_answer(answered, request)

    def ListSpaces(self, request: indexer_pb2.ListSpacesRequest, context: Context) -> indexer_pb2.ListSpacesResponse:
        return responses.encode_spaces(*self._library.spaces(request.catalogue))

    def GetStats(self, request: indexer_pb2.GetStatsRequest, context: Context) -> indexer_pb2.GetStatsResponse:
        return responses.encode_stats(self._library.stats(request.catalogue), self._durability())

    def SearchMany(self, request: indexer_pb2.SearchManyRequest, context: Context) -> indexer_pb2.SearchManyResponse:
        outcomes = self._library.search_many(
            wire_search.decode_many(request), Patience(self._budget_s(), context.is_active)
        )
        return wire_search.encode_many(outcomes, request)

    def CreateSpace(self, request: indexer_pb2.CreateSpaceRequest, context: Context) -> indexer_pb2.CreateSpaceResponse:
        space = decode_space(request.space)
        arranged, items = self._library.create_space(request.catalogue, space)
        state = responses.encode_space_state(arranged.layout, space, items)
        return indexer_pb2.CreateSpaceResponse(state=state, version=arranged.version.encode())

    def PutVectors(self, request: indexer_pb2.PutVectorsRequest, context: Context) -> indexer_pb2.PutVectorsResponse:
        put = self._library.put_vectors(
            request.catalogue,
            [requests.decode_vectors(item) for item in request.items],
            requests.decode_request(request, request.request_id),
            self._budget_s(),
        )
        return responses.encode_put([item.item_id for item in request.items], put)

    def SetAlias(self, request: indexer_pb2.SetAliasRequest, context: Context) -> indexer_pb2.SetAliasResponse:
        previous, version = self._library.set_alias(request.catalogue, request.alias, request.space)
        return indexer_pb2.SetAliasResponse(previous_space=previous, version=version.encode())

    def DeleteSpace(self, request: indexer_pb2.DeleteSpaceRequest, context: Context) -> indexer_pb2.DeleteSpaceResponse:
        version = self._library.delete_space(request.catalogue, request.space)
        return indexer_pb2.DeleteSpaceResponse(version=version.encode())

    def RemakeSpace(self, request: indexer_pb2.RemakeSpaceRequest, context: Context) -> indexer_pb2.RemakeSpaceResponse:
        asked = requests.decode_request(request, request.request_id)
        operation = self._commissions.remake(request.catalogue, request.space, asked)
        return indexer_pb2.RemakeSpaceResponse(operation=encode_operation(operation))

    def GetFacets(self, request: indexer_pb2.GetFacetsRequest, context: Context) -> indexer_pb2.GetFacetsResponse:
        facets, version = self._library.facets(
            request.catalogue,
            wire_search.decode_facets(request),
            request.min_version,
            Patience(self._budget_s(), context.is_active),
        )
        return wire_search.encode_facets(facets, version.encode())

    def StartRebuild(
        self, request: indexer_pb2.StartRebuildRequest, context: Context
    ) -> indexer_pb2.StartRebuildResponse:
        mine, others = self._commissions.on_replicas("rebuild", request.catalogue, all_replicas=request.all_replicas)
        return indexer_pb2.StartRebuildResponse(operation=encode_operation(mine), others=map(encode_operation, others))

    def CreateSnapshot(
        self, request: indexer_pb2.CreateSnapshotRequest, context: Context
    ) -> indexer_pb2.CreateSnapshotResponse:
        mine, others = self._commissions.on_replicas("snapshot", request.catalogue, all_replicas=request.all_replicas)
        return indexer_pb2.CreateSnapshotResponse(
            operation=encode_operation(mine), others=map(encode_operation, others)
        )

    def GetOperation(
        self, request: indexer_pb2.GetOperationRequest, context: Context
    ) -> indexer_pb2.GetOperationResponse:
        operation = self._commissions.get(request.name)
        return indexer_pb2.GetOperationResponse(operation=encode_operation(operation))

    def ListOperations(
        self, request: indexer_pb2.ListOperationsRequest, context: Context
    ) -> indexer_pb2.ListOperationsResponse:
        page, token = self._commissions.page(request.catalogue, request.page_size, request.page_token)
        return indexer_pb2.ListOperationsResponse(operations=map(encode_operation, page), next_page_token=token)

    def CancelOperation(
        self, request: indexer_pb2.CancelOperationRequest, context: Context
    ) -> indexer_pb2.CancelOperationResponse:
        operation = self._commissions.cancel(request.name)
        return indexer_pb2.CancelOperationResponse(operation=encode_operation(operation))

    def _budget_s(self) -> float:
        left = deadlines.remaining_s()
        return self._default_budget_s if left is None else left
