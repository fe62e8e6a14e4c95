import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from visrec.v1 import common_pb2 as _common_pb2
from visrec.v1 import indexer_pb2 as _indexer_pb2
from visrec.v1 import profile_pb2 as _profile_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ReasonKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REASON_KIND_UNSPECIFIED: _ClassVar[ReasonKind]
    REASON_KIND_SIMILAR_CONTENT: _ClassVar[ReasonKind]
    REASON_KIND_SIMILAR_COLOUR: _ClassVar[ReasonKind]
    REASON_KIND_CLOSE_TO_LIKED: _ClassVar[ReasonKind]
    REASON_KIND_CLOSE_TO_SEED: _ClassVar[ReasonKind]
    REASON_KIND_POPULAR: _ClassVar[ReasonKind]
    REASON_KIND_SIMILAR_STYLE: _ClassVar[ReasonKind]
REASON_KIND_UNSPECIFIED: ReasonKind
REASON_KIND_SIMILAR_CONTENT: ReasonKind
REASON_KIND_SIMILAR_COLOUR: ReasonKind
REASON_KIND_CLOSE_TO_LIKED: ReasonKind
REASON_KIND_CLOSE_TO_SEED: ReasonKind
REASON_KIND_POPULAR: ReasonKind
REASON_KIND_SIMILAR_STYLE: ReasonKind

class RecommendRequest(_message.Message):
    __slots__ = ("catalogue", "user_id", "photo", "photo_vector", "seeds", "session_events", "filter", "target_domains", "n", "scene", "signal_weights", "block_weights", "diversity", "explain", "remember_photo", "include_seen", "min_version", "exclude_item_ids")
    class SignalWeightsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    class BlockWeightsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    CATALOGUE_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    PHOTO_FIELD_NUMBER: _ClassVar[int]
    PHOTO_VECTOR_FIELD_NUMBER: _ClassVar[int]
    SEEDS_FIELD_NUMBER: _ClassVar[int]
    SESSION_EVENTS_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    TARGET_DOMAINS_FIELD_NUMBER: _ClassVar[int]
    N_FIELD_NUMBER: _ClassVar[int]
    SCENE_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    BLOCK_WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    DIVERSITY_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    REMEMBER_PHOTO_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_SEEN_FIELD_NUMBER: _ClassVar[int]
    MIN_VERSION_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    catalogue: str
    user_id: str
    photo: _common_pb2.Photo
    photo_vector: _common_pb2.Vector
    seeds: _containers.RepeatedCompositeFieldContainer[Seed]
    session_events: _containers.RepeatedCompositeFieldContainer[_profile_pb2.Event]
    filter: _common_pb2.Filter
    target_domains: _containers.RepeatedScalarFieldContainer[str]
    n: int
    scene: str
    signal_weights: _containers.ScalarMap[str, float]
    block_weights: _containers.ScalarMap[str, float]
    diversity: float
    explain: bool
    remember_photo: bool
    include_seen: bool
    min_version: str
    exclude_item_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, catalogue: _Optional[str] = ..., user_id: _Optional[str] = ..., photo: _Optional[_Union[_common_pb2.Photo, _Mapping]] = ..., photo_vector: _Optional[_Union[_common_pb2.Vector, _Mapping]] = ..., seeds: _Optional[_Iterable[_Union[Seed, _Mapping]]] = ..., session_events: _Optional[_Iterable[_Union[_profile_pb2.Event, _Mapping]]] = ..., filter: _Optional[_Union[_common_pb2.Filter, _Mapping]] = ..., target_domains: _Optional[_Iterable[str]] = ..., n: _Optional[int] = ..., scene: _Optional[str] = ..., signal_weights: _Optional[_Mapping[str, float]] = ..., block_weights: _Optional[_Mapping[str, float]] = ..., diversity: _Optional[float] = ..., explain: _Optional[bool] = ..., remember_photo: _Optional[bool] = ..., include_seen: _Optional[bool] = ..., min_version: _Optional[str] = ..., exclude_item_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class Seed(_message.Message):
    __slots__ = ("item_id", "weight")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    weight: float
    def __init__(self, item_id: _Optional[str] = ..., weight: _Optional[float] = ...) -> None: ...

class RecommendResponse(_message.Message):
    __slots__ = ("recommendation_id", "recommendations", "used", "dropped", "scene", "provenance", "costs", "next_page_token")
    RECOMMENDATION_ID_FIELD_NUMBER: _ClassVar[int]
    RECOMMENDATIONS_FIELD_NUMBER: _ClassVar[int]
    USED_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    SCENE_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    COSTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    recommendation_id: str
    recommendations: _containers.RepeatedCompositeFieldContainer[Recommendation]
    used: _containers.RepeatedCompositeFieldContainer[UsedSignal]
    dropped: _containers.RepeatedCompositeFieldContainer[DroppedSignal]
    scene: str
    provenance: Provenance
    costs: _containers.RepeatedCompositeFieldContainer[_common_pb2.StageCost]
    next_page_token: str
    def __init__(self, recommendation_id: _Optional[str] = ..., recommendations: _Optional[_Iterable[_Union[Recommendation, _Mapping]]] = ..., used: _Optional[_Iterable[_Union[UsedSignal, _Mapping]]] = ..., dropped: _Optional[_Iterable[_Union[DroppedSignal, _Mapping]]] = ..., scene: _Optional[str] = ..., provenance: _Optional[_Union[Provenance, _Mapping]] = ..., costs: _Optional[_Iterable[_Union[_common_pb2.StageCost, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class Recommendation(_message.Message):
    __slots__ = ("item", "rank", "score", "parts", "reasons")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    item: _indexer_pb2.Item
    rank: int
    score: float
    parts: _containers.RepeatedCompositeFieldContainer[ScorePart]
    reasons: _containers.RepeatedCompositeFieldContainer[Reason]
    def __init__(self, item: _Optional[_Union[_indexer_pb2.Item, _Mapping]] = ..., rank: _Optional[int] = ..., score: _Optional[float] = ..., parts: _Optional[_Iterable[_Union[ScorePart, _Mapping]]] = ..., reasons: _Optional[_Iterable[_Union[Reason, _Mapping]]] = ...) -> None: ...

class ScorePart(_message.Message):
    __slots__ = ("signal", "query", "block", "weight", "value", "contribution")
    SIGNAL_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    BLOCK_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    signal: str
    query: str
    block: str
    weight: float
    value: float
    contribution: float
    def __init__(self, signal: _Optional[str] = ..., query: _Optional[str] = ..., block: _Optional[str] = ..., weight: _Optional[float] = ..., value: _Optional[float] = ..., contribution: _Optional[float] = ...) -> None: ...

class Reason(_message.Message):
    __slots__ = ("kind", "text", "item_id", "contribution")
    KIND_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    kind: ReasonKind
    text: str
    item_id: str
    contribution: float
    def __init__(self, kind: _Optional[_Union[ReasonKind, str]] = ..., text: _Optional[str] = ..., item_id: _Optional[str] = ..., contribution: _Optional[float] = ...) -> None: ...

class UsedSignal(_message.Message):
    __slots__ = ("signal", "weight")
    SIGNAL_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    signal: str
    weight: float
    def __init__(self, signal: _Optional[str] = ..., weight: _Optional[float] = ...) -> None: ...

class DroppedSignal(_message.Message):
    __slots__ = ("signal", "reason", "message")
    SIGNAL_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    signal: str
    reason: str
    message: str
    def __init__(self, signal: _Optional[str] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class Provenance(_message.Message):
    __slots__ = ("space", "model_digest", "index_version", "weights_version")
    SPACE_FIELD_NUMBER: _ClassVar[int]
    MODEL_DIGEST_FIELD_NUMBER: _ClassVar[int]
    INDEX_VERSION_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_VERSION_FIELD_NUMBER: _ClassVar[int]
    space: str
    model_digest: str
    index_version: str
    weights_version: str
    def __init__(self, space: _Optional[str] = ..., model_digest: _Optional[str] = ..., index_version: _Optional[str] = ..., weights_version: _Optional[str] = ...) -> None: ...

class NextPageRequest(_message.Message):
    __slots__ = ("page_token",)
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_token: str
    def __init__(self, page_token: _Optional[str] = ...) -> None: ...

class NextPageResponse(_message.Message):
    __slots__ = ("page",)
    PAGE_FIELD_NUMBER: _ClassVar[int]
    page: RecommendResponse
    def __init__(self, page: _Optional[_Union[RecommendResponse, _Mapping]] = ...) -> None: ...

class GetRecommendationRequest(_message.Message):
    __slots__ = ("recommendation_id",)
    RECOMMENDATION_ID_FIELD_NUMBER: _ClassVar[int]
    recommendation_id: str
    def __init__(self, recommendation_id: _Optional[str] = ...) -> None: ...

class GetRecommendationResponse(_message.Message):
    __slots__ = ("shown", "time")
    SHOWN_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    shown: RecommendResponse
    time: _timestamp_pb2.Timestamp
    def __init__(self, shown: _Optional[_Union[RecommendResponse, _Mapping]] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ExplainRequest(_message.Message):
    __slots__ = ("recommendation_id", "item_id", "include_evidence_map")
    RECOMMENDATION_ID_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_EVIDENCE_MAP_FIELD_NUMBER: _ClassVar[int]
    recommendation_id: str
    item_id: str
    include_evidence_map: bool
    def __init__(self, recommendation_id: _Optional[str] = ..., item_id: _Optional[str] = ..., include_evidence_map: _Optional[bool] = ...) -> None: ...

class ExplainResponse(_message.Message):
    __slots__ = ("recommendation", "rows", "columns", "evidence", "evidence_offset", "counterfactual")
    RECOMMENDATION_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_OFFSET_FIELD_NUMBER: _ClassVar[int]
    COUNTERFACTUAL_FIELD_NUMBER: _ClassVar[int]
    recommendation: Recommendation
    rows: int
    columns: int
    evidence: _containers.RepeatedScalarFieldContainer[float]
    evidence_offset: float
    counterfactual: str
    def __init__(self, recommendation: _Optional[_Union[Recommendation, _Mapping]] = ..., rows: _Optional[int] = ..., columns: _Optional[int] = ..., evidence: _Optional[_Iterable[float]] = ..., evidence_offset: _Optional[float] = ..., counterfactual: _Optional[str] = ...) -> None: ...

class GetScenesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetScenesResponse(_message.Message):
    __slots__ = ("scenes", "weights_version")
    SCENES_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_VERSION_FIELD_NUMBER: _ClassVar[int]
    scenes: _containers.RepeatedCompositeFieldContainer[Scene]
    weights_version: str
    def __init__(self, scenes: _Optional[_Iterable[_Union[Scene, _Mapping]]] = ..., weights_version: _Optional[str] = ...) -> None: ...

class Scene(_message.Message):
    __slots__ = ("name", "description", "signal_weights", "block_weights")
    class SignalWeightsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    class BlockWeightsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    BLOCK_WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    signal_weights: _containers.ScalarMap[str, float]
    block_weights: _containers.ScalarMap[str, float]
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., signal_weights: _Optional[_Mapping[str, float]] = ..., block_weights: _Optional[_Mapping[str, float]] = ...) -> None: ...

class PutSignalWeightsRequest(_message.Message):
    __slots__ = ("scene",)
    SCENE_FIELD_NUMBER: _ClassVar[int]
    scene: Scene
    def __init__(self, scene: _Optional[_Union[Scene, _Mapping]] = ...) -> None: ...

class PutSignalWeightsResponse(_message.Message):
    __slots__ = ("weights_version",)
    WEIGHTS_VERSION_FIELD_NUMBER: _ClassVar[int]
    weights_version: str
    def __init__(self, weights_version: _Optional[str] = ...) -> None: ...
