"""People and what they did, as a caller writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args
from uuid import uuid4

from visrec.filters import timestamp
from visrec.several import among, several
from visrec.v1 import profile_pb2
from visrec.vectors import Vector

Gender = Literal["female", "male", "other"]

ItemEventType = Literal["view", "click", "like", "dislike", "save", "cart", "purchase", "impression"]

EventType = ItemEventType | Literal["upload"]
"""An upload has the vector of a photo, every other event an item."""

MAX_AGE = 120

GENDERS = {name: profile_pb2.Gender.Value(f"GENDER_{name.upper()}") for name in get_args(Gender)}
EVENT_TYPES = {
    name: profile_pb2.EventType.Value(f"EVENT_TYPE_{name.upper()}") for name in (*get_args(ItemEventType), "upload")
}


@dataclass(frozen=True)
class Facts:
    """What to change about a person. None leaves a field as it is.

    `age` is in years (0 to 120), `country` ISO 3166-1 alpha-2. The last three are answers to a question of consent: may
    events form a taste, may photos they send count as events, may they be counted in a segment?
    """

    age: int | None = None
    gender: Gender | None = None
    country: str | None = None
    region: str | None = None
    city: str | None = None
    interests: Sequence[str] | None = None
    personalisation: bool | None = None
    photo_learning: bool | None = None
    segments: bool | None = None

    def paths(self) -> list[str]:
        """The fields of `visrec.v1.User` that are given, for a field mask."""
        return [path for name, path in _PATHS.items() if getattr(self, name) is not None]

    def message(self, user_id: str) -> profile_pb2.User:
        """The person of the contract. Raises ValueError, with what may be given, for a gender that is none of those
        there are and an age out of bounds."""
        if self.age is not None and self.age not in range(MAX_AGE + 1):
            raise ValueError(f"age: {self.age!r} is none of 0 to {MAX_AGE}, in whole years")
        gender = GENDERS[among(self.gender, GENDERS, "gender")] if self.gender else profile_pb2.GENDER_UNSPECIFIED
        return profile_pb2.User(
            user_id=user_id,
            attributes=profile_pb2.UserAttributes(
                age=self.age,
                gender=gender,
                location=profile_pb2.Location(
                    country=self.country or "", region=self.region or "", city=self.city or ""
                ),
                interests=several(self.interests or (), "interests"),
            ),
            consent=self.consent(),
        )

    def consent(self) -> profile_pb2.Consent:
        return profile_pb2.Consent(
            personalisation=_answer(self.personalisation),
            photo_learning=_answer(self.photo_learning),
            segments=_answer(self.segments),
        )


_PATHS = {
    "age": "attributes.age",
    "gender": "attributes.gender",
    "country": "attributes.location.country",
    "region": "attributes.location.region",
    "city": "attributes.location.city",
    "interests": "attributes.interests",
    "personalisation": "consent.personalisation",
    "photo_learning": "consent.photo_learning",
    "segments": "consent.segments",
}


def _answer(given: bool | None) -> profile_pb2.ConsentState.ValueType:
    if given is None:
        return profile_pb2.CONSENT_STATE_UNSPECIFIED
    return profile_pb2.CONSENT_STATE_GIVEN if given else profile_pb2.CONSENT_STATE_REFUSED


@dataclass(frozen=True)
class Event:
    """Something a person did to an item or, for an upload, with the vector of a photo of their own.

    An event of the same person and `event_id` counts once, so keep the id when sending again. `time` needs a time zone;
    None is now. Of more than 120 of a person within a minute of it (a setting of the service) the rest are ignored: who
    imports a history gives times. `recommendation_id` is that of the answer which showed the item, and `shown_signals`,
    of an impression, are the values shown with it, `showing` its place, scene, experiment and variant. `raw_features`,
    of an upload, are those the embedder gave: the photo's vector in a later space is made of them.
    """

    user_id: str
    type: EventType
    catalogue: str
    item_id: str = ""
    photo_vector: Vector | None = None
    time: datetime | None = None
    event_id: str = field(default_factory=lambda: uuid4().hex)
    recommendation_id: str = ""
    shown_signals: Mapping[str, float] = field(default_factory=dict)
    raw_features: bytes = b""
    showing: profile_pb2.Showing | None = None

    def message(self) -> profile_pb2.Event:
        """The event of the contract. Raises ValueError for a type that is none of those there are, an item and a photo
        in one, and a time without a zone; TypeError for values of other types."""
        if self.item_id and self.photo_vector:
            raise ValueError("give either an item_id or, for an upload, a photo_vector, not both")
        message = profile_pb2.Event(
            event_id=self.event_id,
            user_id=self.user_id,
            type=EVENT_TYPES[among(self.type, EVENT_TYPES, "type")],
            time=timestamp(self.time),
            catalogue=self.catalogue,
            photo_vector=self.photo_vector.message() if self.photo_vector else None,
            recommendation_id=self.recommendation_id,
            shown_signals=self.shown_signals,
            raw_features=self.raw_features,
            showing=self.showing,
        )
        if self.item_id:
            message.item_id = self.item_id
        return message
