from google.rpc import status_pb2 as _status_pb2
from visrec.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetModelRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetModelResponse(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: Model
    def __init__(self, model: _Optional[_Union[Model, _Mapping]] = ...) -> None: ...

class Model(_message.Message):
    __slots__ = ("name", "digest", "precision", "licence", "input_pixels", "raw_dimension", "spaces")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    LICENCE_FIELD_NUMBER: _ClassVar[int]
    INPUT_PIXELS_FIELD_NUMBER: _ClassVar[int]
    RAW_DIMENSION_FIELD_NUMBER: _ClassVar[int]
    SPACES_FIELD_NUMBER: _ClassVar[int]
    name: str
    digest: str
    precision: str
    licence: str
    input_pixels: int
    raw_dimension: int
    spaces: _containers.RepeatedCompositeFieldContainer[_common_pb2.Space]
    def __init__(self, name: _Optional[str] = ..., digest: _Optional[str] = ..., precision: _Optional[str] = ..., licence: _Optional[str] = ..., input_pixels: _Optional[int] = ..., raw_dimension: _Optional[int] = ..., spaces: _Optional[_Iterable[_Union[_common_pb2.Space, _Mapping]]] = ...) -> None: ...

class EmbedImageRequest(_message.Message):
    __slots__ = ("photo", "space", "include_raw_features", "include_evidence", "multi_crop")
    PHOTO_FIELD_NUMBER: _ClassVar[int]
    SPACE_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_RAW_FEATURES_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    MULTI_CROP_FIELD_NUMBER: _ClassVar[int]
    photo: _common_pb2.Photo
    space: str
    include_raw_features: bool
    include_evidence: bool
    multi_crop: bool
    def __init__(self, photo: _Optional[_Union[_common_pb2.Photo, _Mapping]] = ..., space: _Optional[str] = ..., include_raw_features: _Optional[bool] = ..., include_evidence: _Optional[bool] = ..., multi_crop: _Optional[bool] = ...) -> None: ...

class EmbedImageResponse(_message.Message):
    __slots__ = ("vector", "raw_features", "evidence", "model_digest", "costs")
    VECTOR_FIELD_NUMBER: _ClassVar[int]
    RAW_FEATURES_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    MODEL_DIGEST_FIELD_NUMBER: _ClassVar[int]
    COSTS_FIELD_NUMBER: _ClassVar[int]
    vector: _common_pb2.Vector
    raw_features: bytes
    evidence: EvidenceInputs
    model_digest: str
    costs: _containers.RepeatedCompositeFieldContainer[_common_pb2.StageCost]
    def __init__(self, vector: _Optional[_Union[_common_pb2.Vector, _Mapping]] = ..., raw_features: _Optional[bytes] = ..., evidence: _Optional[_Union[EvidenceInputs, _Mapping]] = ..., model_digest: _Optional[str] = ..., costs: _Optional[_Iterable[_Union[_common_pb2.StageCost, _Mapping]]] = ...) -> None: ...

class EvidenceInputs(_message.Message):
    __slots__ = ("block", "rows", "columns", "regions", "offset")
    BLOCK_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    REGIONS_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    block: str
    rows: int
    columns: int
    regions: bytes
    offset: bytes
    def __init__(self, block: _Optional[str] = ..., rows: _Optional[int] = ..., columns: _Optional[int] = ..., regions: _Optional[bytes] = ..., offset: _Optional[bytes] = ...) -> None: ...

class EmbedImagesRequest(_message.Message):
    __slots__ = ("key", "request")
    KEY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    key: str
    request: EmbedImageRequest
    def __init__(self, key: _Optional[str] = ..., request: _Optional[_Union[EmbedImageRequest, _Mapping]] = ...) -> None: ...

class EmbedImagesResponse(_message.Message):
    __slots__ = ("key", "embedding", "error")
    KEY_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    key: str
    embedding: EmbedImageResponse
    error: _status_pb2.Status
    def __init__(self, key: _Optional[str] = ..., embedding: _Optional[_Union[EmbedImageResponse, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class Head(_message.Message):
    __slots__ = ("family", "description", "blocks")
    FAMILY_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    BLOCKS_FIELD_NUMBER: _ClassVar[int]
    family: str
    description: str
    blocks: _containers.RepeatedCompositeFieldContainer[HeadBlock]
    def __init__(self, family: _Optional[str] = ..., description: _Optional[str] = ..., blocks: _Optional[_Iterable[_Union[HeadBlock, _Mapping]]] = ...) -> None: ...

class HeadBlock(_message.Message):
    __slots__ = ("block", "builtin", "matrix", "mean")
    BLOCK_FIELD_NUMBER: _ClassVar[int]
    BUILTIN_FIELD_NUMBER: _ClassVar[int]
    MATRIX_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    block: _common_pb2.Block
    builtin: bool
    matrix: bytes
    mean: bytes
    def __init__(self, block: _Optional[_Union[_common_pb2.Block, _Mapping]] = ..., builtin: _Optional[bool] = ..., matrix: _Optional[bytes] = ..., mean: _Optional[bytes] = ...) -> None: ...

class PutHeadRequest(_message.Message):
    __slots__ = ("head", "request_id")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    head: Head
    request_id: str
    def __init__(self, head: _Optional[_Union[Head, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class PutHeadResponse(_message.Message):
    __slots__ = ("space",)
    SPACE_FIELD_NUMBER: _ClassVar[int]
    space: _common_pb2.Space
    def __init__(self, space: _Optional[_Union[_common_pb2.Space, _Mapping]] = ...) -> None: ...

class ListHeadsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListHeadsResponse(_message.Message):
    __slots__ = ("heads", "next_page_token")
    HEADS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    heads: _containers.RepeatedCompositeFieldContainer[HeadSummary]
    next_page_token: str
    def __init__(self, heads: _Optional[_Iterable[_Union[HeadSummary, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class HeadSummary(_message.Message):
    __slots__ = ("space", "description")
    SPACE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    space: _common_pb2.Space
    description: str
    def __init__(self, space: _Optional[_Union[_common_pb2.Space, _Mapping]] = ..., description: _Optional[str] = ...) -> None: ...
