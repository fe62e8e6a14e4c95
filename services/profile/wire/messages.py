"""The contract's messages and the domain's values, in both directions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from services.errors import InvalidInput
from services.profile.events.event import NOT_TOLD, EventType, Showing
from services.profile.events.event_store import Outcome
from services.profile.events.given_event import GivenEvent, PhotoVector
from services.profile.people.people import REMAINS, Receipt
from services.profile.people.person import (
    Attributes,
    Consent,
    ConsentState,
    Gender,
    Location,
    Person,
    Value,
)
from services.profile.taste.liking import Interest
from services.profile.taste.reader import TasteView
from services.profile.taste.taste_store import TasteQuery
from services.profile.wire import kept as wire_kept
from services.profile.wire.kept import field
from services.spaces import encode
from visrec.v1 import common_pb2
from visrec.v1 import profile_pb2 as pb

OUTCOMES = {
    Outcome.LEARNED: pb.EVENT_OUTCOME_LEARNED,
    Outcome.COUNTED: pb.EVENT_OUTCOME_COUNTED,
    Outcome.DUPLICATE: pb.EVENT_OUTCOME_DUPLICATE,
    Outcome.PENDING: pb.EVENT_OUTCOME_PENDING,
    Outcome.IGNORED: pb.EVENT_OUTCOME_IGNORED,
}


def person_of(message: pb.User) -> Person:
    """Raises InvalidInput for an enum number the contract does not have and an attribute without a value."""
    given = message.attributes
    attributes = Attributes(
        age=given.age if given.HasField("age") else None,
        gender=Gender(_known(Gender, given.gender, "user.attributes.gender")),
        location=Location(given.location.country, given.location.region, given.location.city),
        interests=tuple(given.interests),
        other={name: _value_of(value, f"user.attributes.other[{name!r}]") for name, value in given.other.items()},
    )
    return Person(message.user_id, attributes, consent_of(message.consent, "user.consent"))


def consent_of(message: pb.Consent, at: str) -> Consent:
    """Raises InvalidInput for a number the contract does not have."""
    return Consent(
        *(
            ConsentState(_known(ConsentState, getattr(message, purpose), f"{at}.{purpose}"))
            for purpose in ("personalisation", "photo_learning", "segments")
        )
    )


def _known(enum: Any, number: int, at: str) -> int:
    if number not in {each.value for each in enum}:
        raise InvalidInput(at, f"{number} is not one of the contract's values")
    return number


def _value_of(message: common_pb2.AttributeValue, at: str) -> Value:
    match message.WhichOneof("kind"):
        case "text":
            return message.text
        case "number":
            return message.number
        case "boolean":
            return message.boolean
        case "words":
            return tuple(message.words.words)
        case _:
            raise InvalidInput(at, "has no value")


def user_message(person: Person) -> pb.User:
    """A person for the caller."""
    given = person.attributes
    attributes = pb.UserAttributes(
        age=given.age,
        gender=pb.Gender.ValueType(given.gender),
        location=_location(given.location),
        interests=given.interests,
        other={name: _value_message(value) for name, value in given.other.items()},
    )
    return pb.User(
        user_id=person.user_id,
        attributes=attributes,
        consent=consent_message(person.consent),
        created=timestamp(person.created_ms),
        updated=timestamp(person.updated_ms),
    )


def _location(location: Location) -> pb.Location | None:
    if location == Location():
        return None
    return pb.Location(country=location.country, region=location.region, city=location.city)


def consent_message(consent: Consent) -> pb.Consent:
    """A consent for the caller."""
    return pb.Consent(
        personalisation=pb.ConsentState.ValueType(consent.personalisation),
        photo_learning=pb.ConsentState.ValueType(consent.photo_learning),
        segments=pb.ConsentState.ValueType(consent.segments),
    )


def receipt_message(receipt: Receipt) -> pb.DeleteUserResponse:
    """What an erasure did, and what it leaves."""
    return pb.DeleteUserResponse(
        erased=[pb.Erasure(place=each.place, entries=each.entries) for each in receipt.erased],
        remains=REMAINS,
        erased_at=timestamp(receipt.at_ms),
        tombstone_until=timestamp(receipt.tombstone_until_ms),
        rewrite_asked=receipt.rewrite_asked,
    )


def _value_message(value: Value) -> common_pb2.AttributeValue:
    match value:
        case bool():
            return common_pb2.AttributeValue(boolean=value)
        case str():
            return common_pb2.AttributeValue(text=value)
        case tuple():
            return common_pb2.AttributeValue(words=common_pb2.WordList(words=value))
        case _:
            return common_pb2.AttributeValue(number=value)


def timestamp(milliseconds: int) -> Timestamp:
    """Milliseconds since 1970 for the caller."""
    stamp = Timestamp()
    stamp.FromMilliseconds(milliseconds)
    return stamp


def milliseconds(stamp: Timestamp) -> int:
    """A caller's time, since 1970: any number, for a time outside of protobuf's years is the domain's to refuse."""
    return stamp.seconds * 1000 + stamp.nanos // 1_000_000


def events_of(messages: Iterable[pb.Event]) -> list[GivenEvent]:
    """Events as they came; nothing is checked."""
    return [_event_of(message) for message in messages]


def _event_of(message: pb.Event) -> GivenEvent:
    subject = message.WhichOneof("subject")
    photo = message.photo_vector
    return GivenEvent(
        event_id=message.event_id,
        user_id=message.user_id,
        type=message.type,
        catalogue=message.catalogue,
        time_ms=milliseconds(message.time) if message.HasField("time") else None,
        item_id=message.item_id if subject == "item_id" else None,
        photo=PhotoVector(photo.space, photo.data) if subject == "photo_vector" else None,
        recommendation_id=message.recommendation_id,
        shown_signals=dict(message.shown_signals),
        raw_features=message.raw_features,
        showing=_showing_of(message.showing) if message.HasField("showing") else NOT_TOLD,
    )


def _showing_of(message: pb.Showing) -> Showing:
    return Showing(message.rank, message.scene, message.experiment, message.variant)


def showing_message(showing: Showing) -> pb.Showing | None:
    """None: there is nothing to tell."""
    if showing == NOT_TOLD:
        return None
    return pb.Showing(rank=showing.rank, scene=showing.scene, experiment=showing.experiment, variant=showing.variant)


def query_of(message: pb.GetTasteRequest) -> TasteQuery:
    """A request for a taste."""
    return TasteQuery(message.user_id, message.catalogue, message.space, message.include_seen)


def taste_message(query: TasteQuery, view: TasteView) -> pb.Taste:
    """The answer to it."""
    return pb.Taste.FromString(tastes_bytes([(query, view)])[0])


def tastes_bytes(answered: Sequence[tuple[TasteQuery, TasteView]]) -> list[bytes]:
    """The same of several, written down."""
    likings = iter(wire_kept.told([view.sealed.content for _, view in answered if view.sealed]))
    return [_whose(query, view) + (next(likings) if view.sealed else b"") for query, view in answered]


def _whose(query: TasteQuery, view: TasteView) -> bytes:
    about = pb.Taste(
        user_id=query.user_id,
        catalogue=query.catalogue,
        seen_item_ids=view.seen,
        personalised=view.personalised,
        pseudonym=view.alias,
    ).SerializeToString()
    return about + _consent_field(view.consent)


@lru_cache(maxsize=64)  # of the 27 there are
def _consent_field(consent: Consent) -> bytes:
    return field(pb.Taste.CONSENT_FIELD_NUMBER, consent_message(consent).SerializeToString())


def interest_message(interest: Interest, space: str) -> pb.Interest:
    """One of several things they like."""
    return pb.Interest(
        vector=common_pb2.Vector(space=space, data=encode(interest.vector)),
        weight=interest.weight,
        sources=[
            pb.InterestSource(item_id=source.item_id, event_type=_event_type(source.type), word=source.word)
            for source in interest.sources
        ],
        origin=pb.InterestOrigin.ValueType(interest.origin),
    )


def _event_type(type_: EventType | None) -> pb.EventType.ValueType:
    return pb.EventType.ValueType(type_ or 0)


def popular_messages(items: Sequence[tuple[str, float]]) -> list[pb.PopularItem]:
    """Items with their scores."""
    return [pb.PopularItem(item_id=item_id, score=score) for item_id, score in items]
