import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from visrec.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Availability(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AVAILABILITY_UNSPECIFIED: _ClassVar[Availability]
    AVAILABILITY_AVAILABLE: _ClassVar[Availability]
    AVAILABILITY_OUT_OF_STOCK: _ClassVar[Availability]
    AVAILABILITY_DISCONTINUED: _ClassVar[Availability]

class Accuracy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACCURACY_UNSPECIFIED: _ClassVar[Accuracy]
    ACCURACY_FAST: _ClassVar[Accuracy]
    ACCURACY_BALANCED: _ClassVar[Accuracy]
    ACCURACY_EXACT: _ClassVar[Accuracy]

class OperationState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OPERATION_STATE_UNSPECIFIED: _ClassVar[OperationState]
    OPERATION_STATE_RUNNING: _ClassVar[OperationState]
    OPERATION_STATE_DONE: _ClassVar[OperationState]
    OPERATION_STATE_FAILED: _ClassVar[OperationState]
    OPERATION_STATE_CANCELLED: _ClassVar[OperationState]
AVAILABILITY_UNSPECIFIED: Availability
AVAILABILITY_AVAILABLE: Availability
AVAILABILITY_OUT_OF_STOCK: Availability
AVAILABILITY_DISCONTINUED: Availability
ACCURACY_UNSPECIFIED: Accuracy
ACCURACY_FAST: Accuracy
ACCURACY_BALANCED: Accuracy
ACCURACY_EXACT: Accuracy
OPERATION_STATE_UNSPECIFIED: OperationState
OPERATION_STATE_RUNNING: OperationState
OPERATION_STATE_DONE: OperationState
OPERATION_STATE_FAILED: OperationState
OPERATION_STATE_CANCELLED: OperationState

class Catalogue(_message.Message):
    __slots__ = ("name", "space", "partitions", "created")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SPACE_FIELD_NUMBER: _ClassVar[int]
    PARTITIONS_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    name: str
    space: _common_pb2.Space
    partitions: int
    created: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., space: _Optional[_Union[_common_pb2.Space, _Mapping]] = ..., partitions: _Optional[int] = ..., created: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Item(_message.Message):
    __slots__ = ("id", "domain", "category", "group_id", "title", "tags", "price", "currency", "attributes", "availability", "time", "image_references")
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _common_pb2.AttributeValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_common_pb2.AttributeValue, _Mapping]] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    GROUP_ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    AVAILABILITY_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    IMAGE_REFERENCES_FIELD_NUMBER: _ClassVar[int]
    id: str
    domain: str
    category: str
    group_id: str
    title: str
    tags: _containers.RepeatedScalarFieldContainer[str]
    price: float
    currency: str
    attributes: _containers.MessageMap[str, _common_pb2.AttributeValue]
    availability: Availability
    time: _timestamp_pb2.Timestamp
    image_references: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, id: _Optional[str] = ..., domain: _Optional[str] = ..., category: _Optional[str] = ..., group_id: _Optional[str] = ..., title: _Optional[str] = ..., tags: _Optional[_Iterable[str]] = ..., price: _Optional[float] = ..., currency: _Optional[str] = ..., attributes: _Optional[_Mapping[str, _common_pb2.AttributeValue]] = ..., availability: _Optional[_Union[Availability, str]] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., image_references: _Optional[_Iterable[str]] = ...) -> None: ...

class CreateCatalogueRequest(_message.Message):
    __slots__ = ("catalogue", "space", "partitions", "request_id")
    CATALOGUE_FIELD_NUMBER: _ClassVar[int]
    SPACE_FIELD_NUMBER: _ClassVar[int]
    PARTITIONS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    catalogue: str
    space: _common_pb2.Space
    partitions: int
    request_id: str
    def __init__(self, catalogue: _Optional[str] = ..., space: _Optional[_Union[_common_pb2.Space, _Mapping]] = ..., partitions: _Optional[int] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateCatalogueResponse(_message.Message):
    __slots__ = ("catalogue",)
    CATALOGUE_FIELD_NUMBER: _ClassVar[int]
    catalogue: Catalogue
    def __init__(self, catalogue: _Optional[_Union[Catalogue, _Mapping]] = ...) -> None: ...

class ListCataloguesRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListCataloguesResponse(_message.Message):
    __slots__ = ("catalogues", "next_page_token")
    CATALOGUES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    catalogues: _containers.RepeatedCompositeFieldContainer[Catalogue]
    next_page_token: str
    def __init__(self, catalogues: _Optional[_Iterable[_Union[Catalogue, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteCatalogueRequest(_message.Message):
    __slots__ = ("catalogue",)
    CATALOGUE_FIELD_NUMBER: _ClassVar[int]
    catalogue: str
    def __init__(self, catalogue: _Optional[str] = ...) -> None: ...

class DeleteCatalogueResponse(_message.Message):
    __slots__ = ("items_deleted",)
    ITEMS_DELETED_FIELD_NUMBER: _ClassVar[int]
    items_deleted: int
    def __init__(self, items_deleted: _Optional[int] = ...) -> None: ...

class IngestItem(_message.Message):
    __slots__ = ("item", "photos", "vectors")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    PHOTOS_FIELD_NUMBER: _ClassVar[int]
    VECTORS_FIELD_NUMBER: _ClassVar[int]
    item: Item
    photos: _containers.RepeatedCompositeFieldContainer[_common_pb2.Photo]
    vectors: _containers.RepeatedCompositeFieldContainer[_common_pb2.Vector]
    def __init__(self, item: _Optional[_Union[Item, _Mapping]] = ..., photos: _Optional[_Iterable[_Union[_common_pb2.Photo, _Mapping]]] = ..., vectors: _Optional[_Iterable[_Union[_common_pb2.Vector, _Mapping]]] = ...) -> None: ...

class IngestItemsRequest(_message.Message):
    __slots__ = ("catalogue", "items", "request_id")
    CATALOGUE_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    catalogue: str
    items: _containers.RepeatedCompositeFieldContainer[IngestItem]
    request_id: str
    def __init__(self, catalogue: _Optional[str] = ..., items: _Optional[_Iterable[_Union[IngestItem, _Mapping]]] = ..., request_id: _Optional[str] = ...) -> None: ...

class IngestItemsResponse(_message.Message):
    __slots__ = ("results", "version", "written")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    WRITTEN_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[ItemResult]
    version: str
    written: int
    def __init__(self, results: _Optional[_Iterable[_Union[ItemResult, _Mapping]]] = ..., version: _Optional[str] = ..., written: _Optional[int] = ...) -> None: ...

class ItemResult(_message.Message):
    __slots__ = ("item_id", "status")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    status: _status_pb2.Status
    def __init__(self, item_id: _Optional[str] = ..., status: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class DeleteItemsRequest(_message.Message):
    __slots__ = ("catalogue", "item_ids", "request_id")
    CATALOGUE_FIELD_NUMBER: _ClassVar[int]
    ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    catalogue: str
    item_ids: _containers.RepeatedScalarFieldContainer[str]
    request_id: str
    def __init__(self, catalogue: _Optional[str] = ..., item_ids: _Optional[_Iterable[str]] = ..., request_id: _Optional[str] = ...) -> None: ...

class DeleteItemsResponse(_message.Message):
    __slots__ = ("deleted", "version")
    DELETED_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    deleted: int
    version: str
    def __init__(self, deleted: _Optional[int] = ..., version: _Optional[str] = ...) -> None: ...

class GetItemRequest(_message.Message):
    __slots__ = ("catalogue", "item_id", "include_vectors")
    CATALOGUE_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_VECTORS_FIELD_NUMBER: _ClassVar[int]
    catalogue: str
    item_id: str
    include_vectors: bool
    def __init__(self, catalogue: _Optional[str] = ..., item_id: _Optional[str] = ..., include_vectors: _Optional[bool] = ...) -> None: ...

class GetItemResponse(_message.Message):
    __slots__ = ("stored",)
    STORED_FIELD_NUMBER: _ClassVar[int]
    stored: StoredItem
    def __init__(self, stored: _Optional[_Union[StoredItem, _Mapping]] = ...) -> None: ...

class StoredItem(_message.Message):
    __slots__ = ("item", "vectors", "raw_features")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    VECTORS_FIELD_NUMBER: _ClassVar[int]
    RAW_FEATURES_FIELD_NUMBER: _ClassVar[int]
    item: Item
    vectors: _containers.RepeatedCompositeFieldContainer[_common_pb2.Vector]
    raw_features: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, item: _Optional[_Union[Item, _Mapping]] = ..., vectors: _Optional[_Iterable[_Union[_common_pb2.Vector, _Mapping]]] = ..., raw_features: _Optional[_Iterable[bytes]] = ...) -> None: ...

class BatchGetItemsRequest(_message.Message):
    __slots__ = ("catalogue", "item_ids", "include_vectors", "allow_missing")
    CATALOGUE_FIELD_NUMBER: _ClassVar[int]
    ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_VECTORS_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    catalogue: str
    item_ids: _containers.RepeatedScalarFieldContainer[str]
    include_vectors: bool
    allow_missing: bool
    def __init__(self, catalogue: _Optional[str] = ..., item_ids: _Optional[_Iterable[str]] = ..., include_vectors: _Optional[bool] = ..., allow_missing: _Optional[bool] = ...) -> None: ...

class BatchGetItemsResponse(_message.Message):
    __slots__ = ("items", "missing_ids", "space")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    MISSING_IDS_FIELD_NUMBER: _ClassVar[int]
    SPACE_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[StoredItem]
    missing_ids: _containers.RepeatedScalarFieldContainer[str]
    space: str
    def __init__(self, items: _Optional[_Iterable[_Union[StoredItem, _Mapping]]] = ..., missing_ids: _Optional[_Iterable[str]] = ..., space: _Optional[str] = ...) -> None: ...

class ListItemsRequest(_message.Message):
    __slots__ = ("catalogue", "page_size", "page_token", "filter", "title_words", "include_vectors", "include_raw_features")
    CATALOGUE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    TITLE_WORDS_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_VECTORS_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_RAW_FEATURES_FIELD_NUMBER: _ClassVar[int]
    catalogue: str
    page_size: int
    page_token: str
    filter: _common_pb2.Filter
    title_words: str
    include_vectors: bool
    include_raw_features: bool
    def __init__(self, catalogue: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[_Union[_common_pb2.Filter, _Mapping]] = ..., title_words: _Optional[str] = ..., include_vectors: _Optional[bool] = ..., include_raw_features: _Optional[bool] = ...) -> None: ...

class ListItemsResponse(_message.Message):
    __slots__ = ("items", "next_page_token")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[StoredItem]
    next_page_token: str
    def __init__(self, items: _Optional[_Iterable[_Union[StoredItem, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class Query(_message.Message):
    __slots__ = ("name", "vector", "item_id", "weight", "block_weights")
    class BlockWeightsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    VECTOR_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    BLOCK_WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    name: str
    vector: _common_pb2.Vector
    item_id: str
    weight: float
    block_weights: _containers.ScalarMap[str, float]
    def __init__(self, name: _Optional[str] = ..., vector: _Optional[_Union[_common_pb2.Vector, _Mapping]] = ..., item_id: _Optional[str] = ..., weight: _Optional[float] = ..., block_weights: _Optional[_Mapping[str, float]] = ...) -> None: ...

class SearchRequest(_message.Message):
    __slots__ = ("catalogue", "queries", "filter", "exclude_item_ids", "limit", "union", "also_score_item_ids", "min_version", "accuracy", "include_parts", "include_vectors", "include_items", "max_per_group", "max_per_category", "collapse_above", "space")
    CATALOGUE_FIELD_NUMBER: _ClassVar[int]
    QUERIES_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    UNION_FIELD_NUMBER: _ClassVar[int]
    ALSO_SCORE_ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    MIN_VERSION_FIELD_NUMBER: _ClassVar[int]
    ACCURACY_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_PARTS_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_VECTORS_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_ITEMS_FIELD_NUMBER: _ClassVar[int]
    MAX_PER_GROUP_FIELD_NUMBER: _ClassVar[int]
    MAX_PER_CATEGORY_FIELD_NUMBER: _ClassVar[int]
    COLLAPSE_ABOVE_FIELD_NUMBER: _ClassVar[int]
    SPACE_FIELD_NUMBER: _ClassVar[int]
    catalogue: str
    queries: _containers.RepeatedCompositeFieldContainer[Query]
    filter: _common_pb2.Filter
    exclude_item_ids: _containers.RepeatedScalarFieldContainer[str]
    limit: int
    union: bool
    also_score_item_ids: _containers.RepeatedScalarFieldContainer[str]
    min_version: str
    accuracy: Accuracy
    include_parts: bool
    include_vectors: bool
    include_items: bool
    max_per_group: int
    max_per_category: int
    collapse_above: float
    space: str
    def __init__(self, catalogue: _Optional[str] = ..., queries: _Optional[_Iterable[_Union[Query, _Mapping]]] = ..., filter: _Optional[_Union[_common_pb2.Filter, _Mapping]] = ..., exclude_item_ids: _Optional[_Iterable[str]] = ..., limit: _Optional[int] = ..., union: _Optional[bool] = ..., also_score_item_ids: _Optional[_Iterable[str]] = ..., min_version: _Optional[str] = ..., accuracy: _Optional[_Union[Accuracy, str]] = ..., include_parts: _Optional[bool] = ..., include_vectors: _Optional[bool] = ..., include_items: _Optional[bool] = ..., max_per_group: _Optional[int] = ..., max_per_category: _Optional[int] = ..., collapse_above: _Optional[float] = ..., space: _Optional[str] = ...) -> None: ...

class SearchResponse(_message.Message):
    __slots__ = ("hits", "part_queries", "part_blocks", "space", "version", "costs", "rows_eligible")
    HITS_FIELD_NUMBER: _ClassVar[int]
    PART_QUERIES_FIELD_NUMBER: _ClassVar[int]
    PART_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    SPACE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    COSTS_FIELD_NUMBER: _ClassVar[int]
    ROWS_ELIGIBLE_FIELD_NUMBER: _ClassVar[int]
    hits: _containers.RepeatedCompositeFieldContainer[Hit]
    part_queries: _containers.RepeatedScalarFieldContainer[str]
    part_blocks: _containers.RepeatedScalarFieldContainer[str]
    space: str
    version: str
    costs: _containers.RepeatedCompositeFieldContainer[_common_pb2.StageCost]
    rows_eligible: int
    def __init__(self, hits: _Optional[_Iterable[_Union[Hit, _Mapping]]] = ..., part_queries: _Optional[_Iterable[str]] = ..., part_blocks: _Optional[_Iterable[str]] = ..., space: _Optional[str] = ..., version: _Optional[str] = ..., costs: _Optional[_Iterable[_Union[_common_pb2.StageCost, _Mapping]]] = ..., rows_eligible: _Optional[int] = ...) -> None: ...

class Hit(_message.Message):
    __slots__ = ("item_id", "score", "parts", "vector", "item", "found_by")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    VECTOR_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    FOUND_BY_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    score: float
    parts: _containers.RepeatedScalarFieldContainer[float]
    vector: bytes
    item: Item
    found_by: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, item_id: _Optional[str] = ..., score: _Optional[float] = ..., parts: _Optional[_Iterable[float]] = ..., vector: _Optional[bytes] = ..., item: _Optional[_Union[Item, _Mapping]] = ..., found_by: _Optional[_Iterable[str]] = ...) -> None: ...

class SearchManyRequest(_message.Message):
    __slots__ = ("searches",)
    SEARCHES_FIELD_NUMBER: _ClassVar[int]
    searches: _containers.RepeatedCompositeFieldContainer[DatedSearch]
    def __init__(self, searches: _Optional[_Iterable[_Union[DatedSearch, _Mapping]]] = ...) -> None: ...

class DatedSearch(_message.Message):
    __slots__ = ("search", "timeout_ms")
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    search: SearchRequest
    timeout_ms: int
    def __init__(self, search: _Optional[_Union[SearchRequest, _Mapping]] = ..., timeout_ms: _Optional[int] = ...) -> None: ...

class SearchManyResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[SearchResult]
    def __init__(self, results: _Optional[_Iterable[_Union[SearchResult, _Mapping]]] = ...) -> None: ...

class SearchResult(_message.Message):
    __slots__ = ("response", "error")
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    response: SearchResponse
    error: _status_pb2.Status
    def __init__(self, response: _Optional[_Union[SearchResponse, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class CreateSpaceRequest(_message.Message):
    __slots__ = ("catalogue", "space")
    CATALOGUE_FIELD_NUMBER: _ClassVar[int]
    SPACE_FIELD_NUMBER: _ClassVar[int]
    catalogue: str
    space: _common_pb2.Space
    def __init__(self, catalogue: _Optional[str] = ..., space: _Optional[_Union[_common_pb2.Space, _Mapping]] = ...) -> None: ...

class CreateSpaceResponse(_message.Message):
    __slots__ = ("state",)
    STATE_FIELD_NUMBER: _ClassVar[int]
    state: SpaceState
    def __init__(self, state: _Optional[_Union[SpaceState, _Mapping]] = ...) -> None: ...

class SpaceState(_message.Message):
    __slots__ = ("space", "items", "aliases")
    SPACE_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    ALIASES_FIELD_NUMBER: _ClassVar[int]
    space: _common_pb2.Space
    items: int
    aliases: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, space: _Optional[_Union[_common_pb2.Space, _Mapping]] = ..., items: _Optional[int] = ..., aliases: _Optional[_Iterable[str]] = ...) -> None: ...

class PutVectorsRequest(_message.Message):
    __slots__ = ("catalogue", "items", "request_id")
    CATALOGUE_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    catalogue: str
    items: _containers.RepeatedCompositeFieldContainer[ItemVectors]
    request_id: str
    def __init__(self, catalogue: _Optional[str] = ..., items: _Optional[_Iterable[_Union[ItemVectors, _Mapping]]] = ..., request_id: _Optional[str] = ...) -> None: ...

class ItemVectors(_message.Message):
    __slots__ = ("item_id", "vectors")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    VECTORS_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    vectors: _containers.RepeatedCompositeFieldContainer[_common_pb2.Vector]
    def __init__(self, item_id: _Optional[str] = ..., vectors: _Optional[_Iterable[_Union[_common_pb2.Vector, _Mapping]]] = ...) -> None: ...

class PutVectorsResponse(_message.Message):
    __slots__ = ("results", "version")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[ItemResult]
    version: str
    def __init__(self, results: _Optional[_Iterable[_Union[ItemResult, _Mapping]]] = ..., version: _Optional[str] = ...) -> None: ...

class SetAliasRequest(_message.Message):
    __slots__ = ("catalogue", "alias", "space")
    CATALOGUE_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    SPACE_FIELD_NUMBER: _ClassVar[int]
    catalogue: str
    alias: str
    space: str
    def __init__(self, catalogue: _Optional[str] = ..., alias: _Optional[str] = ..., space: _Optional[str] = ...) -> None: ...

class SetAliasResponse(_message.Message):
    __slots__ = ("previous_space",)
    PREVIOUS_SPACE_FIELD_NUMBER: _ClassVar[int]
    previous_space: str
    def __init__(self, previous_space: _Optional[str] = ...) -> None: ...

class ListSpacesRequest(_message.Message):
    __slots__ = ("catalogue",)
    CATALOGUE_FIELD_NUMBER: _ClassVar[int]
    catalogue: str
    def __init__(self, catalogue: _Optional[str] = ...) -> None: ...

class ListSpacesResponse(_message.Message):
    __slots__ = ("spaces",)
    SPACES_FIELD_NUMBER: _ClassVar[int]
    spaces: _containers.RepeatedCompositeFieldContainer[SpaceState]
    def __init__(self, spaces: _Optional[_Iterable[_Union[SpaceState, _Mapping]]] = ...) -> None: ...

class GetStatsRequest(_message.Message):
    __slots__ = ("catalogue",)
    CATALOGUE_FIELD_NUMBER: _ClassVar[int]
    catalogue: str
    def __init__(self, catalogue: _Optional[str] = ...) -> None: ...

class GetStatsResponse(_message.Message):
    __slots__ = ("catalogues", "durability")
    CATALOGUES_FIELD_NUMBER: _ClassVar[int]
    DURABILITY_FIELD_NUMBER: _ClassVar[int]
    catalogues: _containers.RepeatedCompositeFieldContainer[CatalogueStats]
    durability: str
    def __init__(self, catalogues: _Optional[_Iterable[_Union[CatalogueStats, _Mapping]]] = ..., durability: _Optional[str] = ...) -> None: ...

class CatalogueStats(_message.Message):
    __slots__ = ("catalogue", "items", "rows", "fresh_rows", "deleted_rows", "items_by_domain", "version", "index_bytes", "space")
    class ItemsByDomainEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    CATALOGUE_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    FRESH_ROWS_FIELD_NUMBER: _ClassVar[int]
    DELETED_ROWS_FIELD_NUMBER: _ClassVar[int]
    ITEMS_BY_DOMAIN_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    INDEX_BYTES_FIELD_NUMBER: _ClassVar[int]
    SPACE_FIELD_NUMBER: _ClassVar[int]
    catalogue: str
    items: int
    rows: int
    fresh_rows: int
    deleted_rows: int
    items_by_domain: _containers.ScalarMap[str, int]
    version: str
    index_bytes: int
    space: str
    def __init__(self, catalogue: _Optional[str] = ..., items: _Optional[int] = ..., rows: _Optional[int] = ..., fresh_rows: _Optional[int] = ..., deleted_rows: _Optional[int] = ..., items_by_domain: _Optional[_Mapping[str, int]] = ..., version: _Optional[str] = ..., index_bytes: _Optional[int] = ..., space: _Optional[str] = ...) -> None: ...

class GetFacetsRequest(_message.Message):
    __slots__ = ("catalogue", "fields", "filter", "limit")
    CATALOGUE_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    catalogue: str
    fields: _containers.RepeatedScalarFieldContainer[str]
    filter: _common_pb2.Filter
    limit: int
    def __init__(self, catalogue: _Optional[str] = ..., fields: _Optional[_Iterable[str]] = ..., filter: _Optional[_Union[_common_pb2.Filter, _Mapping]] = ..., limit: _Optional[int] = ...) -> None: ...

class GetFacetsResponse(_message.Message):
    __slots__ = ("facets",)
    FACETS_FIELD_NUMBER: _ClassVar[int]
    facets: _containers.RepeatedCompositeFieldContainer[Facet]
    def __init__(self, facets: _Optional[_Iterable[_Union[Facet, _Mapping]]] = ...) -> None: ...

class Facet(_message.Message):
    __slots__ = ("field", "values")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    field: str
    values: _containers.RepeatedCompositeFieldContainer[FacetValue]
    def __init__(self, field: _Optional[str] = ..., values: _Optional[_Iterable[_Union[FacetValue, _Mapping]]] = ...) -> None: ...

class FacetValue(_message.Message):
    __slots__ = ("value", "count")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    value: str
    count: int
    def __init__(self, value: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class StartRebuildRequest(_message.Message):
    __slots__ = ("catalogue",)
    CATALOGUE_FIELD_NUMBER: _ClassVar[int]
    catalogue: str
    def __init__(self, catalogue: _Optional[str] = ...) -> None: ...

class StartRebuildResponse(_message.Message):
    __slots__ = ("operation",)
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    operation: Operation
    def __init__(self, operation: _Optional[_Union[Operation, _Mapping]] = ...) -> None: ...

class CreateSnapshotRequest(_message.Message):
    __slots__ = ("catalogue",)
    CATALOGUE_FIELD_NUMBER: _ClassVar[int]
    catalogue: str
    def __init__(self, catalogue: _Optional[str] = ...) -> None: ...

class CreateSnapshotResponse(_message.Message):
    __slots__ = ("operation",)
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    operation: Operation
    def __init__(self, operation: _Optional[_Union[Operation, _Mapping]] = ...) -> None: ...

class Operation(_message.Message):
    __slots__ = ("name", "kind", "catalogue", "state", "progress", "error", "started", "ended")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    CATALOGUE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: str
    catalogue: str
    state: OperationState
    progress: float
    error: _status_pb2.Status
    started: _timestamp_pb2.Timestamp
    ended: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[str] = ..., catalogue: _Optional[str] = ..., state: _Optional[_Union[OperationState, str]] = ..., progress: _Optional[float] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., started: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ended: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetOperationRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetOperationResponse(_message.Message):
    __slots__ = ("operation",)
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    operation: Operation
    def __init__(self, operation: _Optional[_Union[Operation, _Mapping]] = ...) -> None: ...

class ListOperationsRequest(_message.Message):
    __slots__ = ("catalogue", "page_size", "page_token")
    CATALOGUE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    catalogue: str
    page_size: int
    page_token: str
    def __init__(self, catalogue: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListOperationsResponse(_message.Message):
    __slots__ = ("operations", "next_page_token")
    OPERATIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    operations: _containers.RepeatedCompositeFieldContainer[Operation]
    next_page_token: str
    def __init__(self, operations: _Optional[_Iterable[_Union[Operation, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CancelOperationRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class CancelOperationResponse(_message.Message):
    __slots__ = ("operation",)
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    operation: Operation
    def __init__(self, operation: _Optional[_Union[Operation, _Mapping]] = ...) -> None: ...
