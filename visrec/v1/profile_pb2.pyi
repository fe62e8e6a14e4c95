import datetime

from google.protobuf import field_mask_pb2 as _field_mask_pb2
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

class Gender(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GENDER_UNSPECIFIED: _ClassVar[Gender]
    GENDER_FEMALE: _ClassVar[Gender]
    GENDER_MALE: _ClassVar[Gender]
    GENDER_OTHER: _ClassVar[Gender]

class ConsentState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONSENT_STATE_UNSPECIFIED: _ClassVar[ConsentState]
    CONSENT_STATE_GIVEN: _ClassVar[ConsentState]
    CONSENT_STATE_REFUSED: _ClassVar[ConsentState]

class EventType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EVENT_TYPE_UNSPECIFIED: _ClassVar[EventType]
    EVENT_TYPE_VIEW: _ClassVar[EventType]
    EVENT_TYPE_CLICK: _ClassVar[EventType]
    EVENT_TYPE_LIKE: _ClassVar[EventType]
    EVENT_TYPE_DISLIKE: _ClassVar[EventType]
    EVENT_TYPE_SAVE: _ClassVar[EventType]
    EVENT_TYPE_CART: _ClassVar[EventType]
    EVENT_TYPE_PURCHASE: _ClassVar[EventType]
    EVENT_TYPE_UPLOAD: _ClassVar[EventType]
    EVENT_TYPE_IMPRESSION: _ClassVar[EventType]

class EventOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EVENT_OUTCOME_UNSPECIFIED: _ClassVar[EventOutcome]
    EVENT_OUTCOME_LEARNED: _ClassVar[EventOutcome]
    EVENT_OUTCOME_COUNTED: _ClassVar[EventOutcome]
    EVENT_OUTCOME_DUPLICATE: _ClassVar[EventOutcome]
GENDER_UNSPECIFIED: Gender
GENDER_FEMALE: Gender
GENDER_MALE: Gender
GENDER_OTHER: Gender
CONSENT_STATE_UNSPECIFIED: ConsentState
CONSENT_STATE_GIVEN: ConsentState
CONSENT_STATE_REFUSED: ConsentState
EVENT_TYPE_UNSPECIFIED: EventType
EVENT_TYPE_VIEW: EventType
EVENT_TYPE_CLICK: EventType
EVENT_TYPE_LIKE: EventType
EVENT_TYPE_DISLIKE: EventType
EVENT_TYPE_SAVE: EventType
EVENT_TYPE_CART: EventType
EVENT_TYPE_PURCHASE: EventType
EVENT_TYPE_UPLOAD: EventType
EVENT_TYPE_IMPRESSION: EventType
EVENT_OUTCOME_UNSPECIFIED: EventOutcome
EVENT_OUTCOME_LEARNED: EventOutcome
EVENT_OUTCOME_COUNTED: EventOutcome
EVENT_OUTCOME_DUPLICATE: EventOutcome

class User(_message.Message):
    __slots__ = ("user_id", "attributes", "consent", "created", "updated")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    CONSENT_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    UPDATED_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    attributes: UserAttributes
    consent: Consent
    created: _timestamp_pb2.Timestamp
    updated: _timestamp_pb2.Timestamp
    def __init__(self, user_id: _Optional[str] = ..., attributes: _Optional[_Union[UserAttributes, _Mapping]] = ..., consent: _Optional[_Union[Consent, _Mapping]] = ..., created: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class UserAttributes(_message.Message):
    __slots__ = ("age", "gender", "location", "interests", "other")
    class OtherEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _common_pb2.AttributeValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_common_pb2.AttributeValue, _Mapping]] = ...) -> None: ...
    AGE_FIELD_NUMBER: _ClassVar[int]
    GENDER_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    INTERESTS_FIELD_NUMBER: _ClassVar[int]
    OTHER_FIELD_NUMBER: _ClassVar[int]
    age: int
    gender: Gender
    location: Location
    interests: _containers.RepeatedScalarFieldContainer[str]
    other: _containers.MessageMap[str, _common_pb2.AttributeValue]
    def __init__(self, age: _Optional[int] = ..., gender: _Optional[_Union[Gender, str]] = ..., location: _Optional[_Union[Location, _Mapping]] = ..., interests: _Optional[_Iterable[str]] = ..., other: _Optional[_Mapping[str, _common_pb2.AttributeValue]] = ...) -> None: ...

class Location(_message.Message):
    __slots__ = ("country", "region", "city")
    COUNTRY_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    CITY_FIELD_NUMBER: _ClassVar[int]
    country: str
    region: str
    city: str
    def __init__(self, country: _Optional[str] = ..., region: _Optional[str] = ..., city: _Optional[str] = ...) -> None: ...

class Consent(_message.Message):
    __slots__ = ("personalisation", "photo_learning", "segments")
    PERSONALISATION_FIELD_NUMBER: _ClassVar[int]
    PHOTO_LEARNING_FIELD_NUMBER: _ClassVar[int]
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    personalisation: ConsentState
    photo_learning: ConsentState
    segments: ConsentState
    def __init__(self, personalisation: _Optional[_Union[ConsentState, str]] = ..., photo_learning: _Optional[_Union[ConsentState, str]] = ..., segments: _Optional[_Union[ConsentState, str]] = ...) -> None: ...

class PutUserRequest(_message.Message):
    __slots__ = ("user", "update_mask", "request_id")
    USER_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    user: User
    update_mask: _field_mask_pb2.FieldMask
    request_id: str
    def __init__(self, user: _Optional[_Union[User, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class PutUserResponse(_message.Message):
    __slots__ = ("user", "created")
    USER_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    user: User
    created: bool
    def __init__(self, user: _Optional[_Union[User, _Mapping]] = ..., created: _Optional[bool] = ...) -> None: ...

class GetUserRequest(_message.Message):
    __slots__ = ("user_id",)
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    def __init__(self, user_id: _Optional[str] = ...) -> None: ...

class GetUserResponse(_message.Message):
    __slots__ = ("user",)
    USER_FIELD_NUMBER: _ClassVar[int]
    user: User
    def __init__(self, user: _Optional[_Union[User, _Mapping]] = ...) -> None: ...

class ListUsersRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListUsersResponse(_message.Message):
    __slots__ = ("users", "next_page_token")
    USERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    users: _containers.RepeatedCompositeFieldContainer[User]
    next_page_token: str
    def __init__(self, users: _Optional[_Iterable[_Union[User, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteUserRequest(_message.Message):
    __slots__ = ("user_id",)
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    def __init__(self, user_id: _Optional[str] = ...) -> None: ...

class DeleteUserResponse(_message.Message):
    __slots__ = ("erased", "remains")
    ERASED_FIELD_NUMBER: _ClassVar[int]
    REMAINS_FIELD_NUMBER: _ClassVar[int]
    erased: _containers.RepeatedCompositeFieldContainer[Erasure]
    remains: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, erased: _Optional[_Iterable[_Union[Erasure, _Mapping]]] = ..., remains: _Optional[_Iterable[str]] = ...) -> None: ...

class Erasure(_message.Message):
    __slots__ = ("place", "entries")
    PLACE_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    place: str
    entries: int
    def __init__(self, place: _Optional[str] = ..., entries: _Optional[int] = ...) -> None: ...

class ExportUserRequest(_message.Message):
    __slots__ = ("user_id",)
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    def __init__(self, user_id: _Optional[str] = ...) -> None: ...

class ExportUserResponse(_message.Message):
    __slots__ = ("user", "events", "tastes")
    USER_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    TASTES_FIELD_NUMBER: _ClassVar[int]
    user: User
    events: _containers.RepeatedCompositeFieldContainer[Event]
    tastes: _containers.RepeatedCompositeFieldContainer[Taste]
    def __init__(self, user: _Optional[_Union[User, _Mapping]] = ..., events: _Optional[_Iterable[_Union[Event, _Mapping]]] = ..., tastes: _Optional[_Iterable[_Union[Taste, _Mapping]]] = ...) -> None: ...

class SetConsentRequest(_message.Message):
    __slots__ = ("user_id", "consent")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    CONSENT_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    consent: Consent
    def __init__(self, user_id: _Optional[str] = ..., consent: _Optional[_Union[Consent, _Mapping]] = ...) -> None: ...

class SetConsentResponse(_message.Message):
    __slots__ = ("consent",)
    CONSENT_FIELD_NUMBER: _ClassVar[int]
    consent: Consent
    def __init__(self, consent: _Optional[_Union[Consent, _Mapping]] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("event_id", "user_id", "type", "time", "catalogue", "item_id", "photo_vector", "recommendation_id", "shown_signals", "domain")
    class ShownSignalsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    CATALOGUE_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    PHOTO_VECTOR_FIELD_NUMBER: _ClassVar[int]
    RECOMMENDATION_ID_FIELD_NUMBER: _ClassVar[int]
    SHOWN_SIGNALS_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    user_id: str
    type: EventType
    time: _timestamp_pb2.Timestamp
    catalogue: str
    item_id: str
    photo_vector: _common_pb2.Vector
    recommendation_id: str
    shown_signals: _containers.ScalarMap[str, float]
    domain: str
    def __init__(self, event_id: _Optional[str] = ..., user_id: _Optional[str] = ..., type: _Optional[_Union[EventType, str]] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., catalogue: _Optional[str] = ..., item_id: _Optional[str] = ..., photo_vector: _Optional[_Union[_common_pb2.Vector, _Mapping]] = ..., recommendation_id: _Optional[str] = ..., shown_signals: _Optional[_Mapping[str, float]] = ..., domain: _Optional[str] = ...) -> None: ...

class RecordEventsRequest(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[Event]
    def __init__(self, events: _Optional[_Iterable[_Union[Event, _Mapping]]] = ...) -> None: ...

class RecordEventsResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[EventResult]
    def __init__(self, results: _Optional[_Iterable[_Union[EventResult, _Mapping]]] = ...) -> None: ...

class EventResult(_message.Message):
    __slots__ = ("event_id", "status", "outcome")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    status: _status_pb2.Status
    outcome: EventOutcome
    def __init__(self, event_id: _Optional[str] = ..., status: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., outcome: _Optional[_Union[EventOutcome, str]] = ...) -> None: ...

class GetTasteRequest(_message.Message):
    __slots__ = ("user_id", "catalogue", "space", "include_seen")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    CATALOGUE_FIELD_NUMBER: _ClassVar[int]
    SPACE_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_SEEN_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    catalogue: str
    space: str
    include_seen: bool
    def __init__(self, user_id: _Optional[str] = ..., catalogue: _Optional[str] = ..., space: _Optional[str] = ..., include_seen: _Optional[bool] = ...) -> None: ...

class GetTasteResponse(_message.Message):
    __slots__ = ("taste",)
    TASTE_FIELD_NUMBER: _ClassVar[int]
    taste: Taste
    def __init__(self, taste: _Optional[_Union[Taste, _Mapping]] = ...) -> None: ...

class Taste(_message.Message):
    __slots__ = ("user_id", "catalogue", "space", "interests", "block_weights", "collaborative", "segment", "seen_item_ids", "personalised", "events")
    class BlockWeightsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    CATALOGUE_FIELD_NUMBER: _ClassVar[int]
    SPACE_FIELD_NUMBER: _ClassVar[int]
    INTERESTS_FIELD_NUMBER: _ClassVar[int]
    BLOCK_WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    COLLABORATIVE_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    SEEN_ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    PERSONALISED_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    catalogue: str
    space: str
    interests: _containers.RepeatedCompositeFieldContainer[Interest]
    block_weights: _containers.ScalarMap[str, float]
    collaborative: _common_pb2.Vector
    segment: str
    seen_item_ids: _containers.RepeatedScalarFieldContainer[str]
    personalised: bool
    events: int
    def __init__(self, user_id: _Optional[str] = ..., catalogue: _Optional[str] = ..., space: _Optional[str] = ..., interests: _Optional[_Iterable[_Union[Interest, _Mapping]]] = ..., block_weights: _Optional[_Mapping[str, float]] = ..., collaborative: _Optional[_Union[_common_pb2.Vector, _Mapping]] = ..., segment: _Optional[str] = ..., seen_item_ids: _Optional[_Iterable[str]] = ..., personalised: _Optional[bool] = ..., events: _Optional[int] = ...) -> None: ...

class Interest(_message.Message):
    __slots__ = ("vector", "weight", "sources")
    VECTOR_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    vector: _common_pb2.Vector
    weight: float
    sources: _containers.RepeatedCompositeFieldContainer[InterestSource]
    def __init__(self, vector: _Optional[_Union[_common_pb2.Vector, _Mapping]] = ..., weight: _Optional[float] = ..., sources: _Optional[_Iterable[_Union[InterestSource, _Mapping]]] = ...) -> None: ...

class InterestSource(_message.Message):
    __slots__ = ("item_id", "event_type")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    event_type: EventType
    def __init__(self, item_id: _Optional[str] = ..., event_type: _Optional[_Union[EventType, str]] = ...) -> None: ...

class GetTastesRequest(_message.Message):
    __slots__ = ("requests",)
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[GetTasteRequest]
    def __init__(self, requests: _Optional[_Iterable[_Union[GetTasteRequest, _Mapping]]] = ...) -> None: ...

class GetTastesResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[TasteResult]
    def __init__(self, results: _Optional[_Iterable[_Union[TasteResult, _Mapping]]] = ...) -> None: ...

class TasteResult(_message.Message):
    __slots__ = ("taste", "error")
    TASTE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    taste: Taste
    error: _status_pb2.Status
    def __init__(self, taste: _Optional[_Union[Taste, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class GetPopularItemsRequest(_message.Message):
    __slots__ = ("catalogue", "domains", "segment", "limit", "item_ids")
    CATALOGUE_FIELD_NUMBER: _ClassVar[int]
    DOMAINS_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    catalogue: str
    domains: _containers.RepeatedScalarFieldContainer[str]
    segment: str
    limit: int
    item_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, catalogue: _Optional[str] = ..., domains: _Optional[_Iterable[str]] = ..., segment: _Optional[str] = ..., limit: _Optional[int] = ..., item_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class GetPopularItemsResponse(_message.Message):
    __slots__ = ("items", "half_life_hours")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    HALF_LIFE_HOURS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[PopularItem]
    half_life_hours: float
    def __init__(self, items: _Optional[_Iterable[_Union[PopularItem, _Mapping]]] = ..., half_life_hours: _Optional[float] = ...) -> None: ...

class PopularItem(_message.Message):
    __slots__ = ("item_id", "score")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    score: float
    def __init__(self, item_id: _Optional[str] = ..., score: _Optional[float] = ...) -> None: ...

class ListSegmentsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListSegmentsResponse(_message.Message):
    __slots__ = ("segments", "next_page_token")
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    segments: _containers.RepeatedCompositeFieldContainer[Segment]
    next_page_token: str
    def __init__(self, segments: _Optional[_Iterable[_Union[Segment, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class Segment(_message.Message):
    __slots__ = ("segment_id", "description", "people", "typical_item_ids", "centre")
    SEGMENT_ID_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    PEOPLE_FIELD_NUMBER: _ClassVar[int]
    TYPICAL_ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    CENTRE_FIELD_NUMBER: _ClassVar[int]
    segment_id: str
    description: str
    people: int
    typical_item_ids: _containers.RepeatedScalarFieldContainer[str]
    centre: _common_pb2.Vector
    def __init__(self, segment_id: _Optional[str] = ..., description: _Optional[str] = ..., people: _Optional[int] = ..., typical_item_ids: _Optional[_Iterable[str]] = ..., centre: _Optional[_Union[_common_pb2.Vector, _Mapping]] = ...) -> None: ...

class ExportEventsRequest(_message.Message):
    __slots__ = ("catalogue", "time", "page_size", "page_token")
    CATALOGUE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    catalogue: str
    time: _common_pb2.TimeRange
    page_size: int
    page_token: str
    def __init__(self, catalogue: _Optional[str] = ..., time: _Optional[_Union[_common_pb2.TimeRange, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ExportEventsResponse(_message.Message):
    __slots__ = ("events", "next_page_token")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[Event]
    next_page_token: str
    def __init__(self, events: _Optional[_Iterable[_Union[Event, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class PutUserVectorsRequest(_message.Message):
    __slots__ = ("vectors",)
    VECTORS_FIELD_NUMBER: _ClassVar[int]
    vectors: _containers.RepeatedCompositeFieldContainer[UserVector]
    def __init__(self, vectors: _Optional[_Iterable[_Union[UserVector, _Mapping]]] = ...) -> None: ...

class UserVector(_message.Message):
    __slots__ = ("user_id", "vector")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    VECTOR_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    vector: _common_pb2.Vector
    def __init__(self, user_id: _Optional[str] = ..., vector: _Optional[_Union[_common_pb2.Vector, _Mapping]] = ...) -> None: ...

class PutUserVectorsResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[_status_pb2.Status]
    def __init__(self, results: _Optional[_Iterable[_Union[_status_pb2.Status, _Mapping]]] = ...) -> None: ...

class PutSegmentsRequest(_message.Message):
    __slots__ = ("segments",)
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    segments: _containers.RepeatedCompositeFieldContainer[Segment]
    def __init__(self, segments: _Optional[_Iterable[_Union[Segment, _Mapping]]] = ...) -> None: ...

class PutSegmentsResponse(_message.Message):
    __slots__ = ("segments",)
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    segments: int
    def __init__(self, segments: _Optional[int] = ...) -> None: ...
