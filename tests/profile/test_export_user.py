"""What a person is told of themselves: everything that is held."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from services.errors import NotFound
from services.profile.collaborative.vector_store import Placed
from services.profile.events.event import EventType
from services.profile.events.given_event import PhotoVector
from services.profile.filing.store import ProfileStore
from services.profile.filing.store_redis import RedisProfileStore
from services.profile.filing.store_rules import StoreRules
from services.profile.people.export_store import ANSWER, HeldRecord
from services.profile.people.export_user import PersonExporter
from services.profile.people.people import People
from services.profile.people.person import Attributes, Person
from services.profile.taste.taste_store import Kept, TasteQuery
from services.profile.wire.export import export_message
from services.profile.wire.kept import FORMS
from services.runtime.held_redis import Held
from services.spaces import encode
from tests.profile.builders import ALL_GIVEN, MIDNIGHT_MS, SPACE, Clock, given, near, parts
from tests.profile.conftest import MakeStore
from tests.profile.test_collaborative import FACTORS, factors

PHOTO = near(3, 0.3, seed=99)
FEW = StoreRules(window=4, block=2)
"""So that some of what is done is in the long-term memory."""


@pytest.fixture
def store(make_store: MakeStore) -> ProfileStore:
    made = make_store(FEW)
    People(made, Clock()).put(Person("ada", Attributes(interests=("minimalism",)), ALL_GIVEN))
    whole = parts(made, bounds=FEW)
    photo = PhotoVector(SPACE.name, encode(PHOTO))
    whole.recorder.record(
        [
            *(given(item=f"red-{n}", user="ada", event_id=f"e{n}", time_ms=MIDNIGHT_MS - 10 + n) for n in range(6)),
            given(EventType.IMPRESSION, user="ada", event_id="shown", shown_signals={"taste": 0.5}),
            given(EventType.UPLOAD, user="ada", event_id="photo", item_id=None, photo=photo, time_ms=MIDNIGHT_MS - 1),
        ]
    )
    whole.tastes.one(TasteQuery("ada", "shop"))
    return made


def exported(store: ProfileStore) -> Any:
    return PersonExporter(store, Clock()).export("ada")


def test_everything_is_there(store: ProfileStore) -> None:
    found = exported(store)
    (history,) = found.histories
    ids = {event.event_id for event in history.events}
    assert {"shown", "photo"} <= ids
    assert len(ids) + history.memory.events == 8
    assert history.memory.events > 0
    assert len(history.seen) == 6
    assert FORMS.read(history.tastes[0].content).taste.interests
    assert found.person.attributes.interests == ("minimalism",)
    assert found.event_ids == 8
    assert [event.time_ms for event in history.events] == sorted(event.time_ms for event in history.events)


def test_the_message_tells_all_of_it(store: ProfileStore) -> None:
    message = export_message(exported(store))
    assert message.user.user_id == "ada"
    photos = [event for event in message.events if event.HasField("photo_vector")]
    assert np.allclose(np.frombuffer(photos[0].photo_vector.data, "<f4"), PHOTO.astype(np.float32))
    assert message.tastes[0].catalogue == "shop"
    assert len(message.tastes[0].seen_item_ids) == 6
    assert message.long_term[0].events == sum(memory.events for memory in message.long_term[:1])
    assert message.long_term[0].interests
    assert message.remembered_event_ids == 8


def test_remembered_answers_are_told_too(store: ProfileStore) -> None:
    """They hold the person as they were then, for a day."""
    People(store, Clock()).put(Person("ada", Attributes(interests=("planted",)), ALL_GIVEN), request_id="r1")
    (answer,) = exported(store).held
    assert answer.kind == ANSWER
    assert b"planted" in answer.content


def test_a_vector_from_a_job_and_the_segment_are_told_beside_no_taste(store: ProfileStore) -> None:
    filed = Kept(b"", segment="1:lamps")
    store.keep_taste("ada", "shop", store.window("ada", "shop").stamp, filed)
    store.put_vectors("shop", [Placed("ada", FACTORS.name, factors(0, 1))])
    message = export_message(exported(store))
    assert [(each.catalogue, each.vector.space) for each in message.vectors] == [("shop", FACTORS.name)]
    assert [each.segment for each in message.tastes] == ["lamps"]


def test_who_did_nothing_yet_is_told_what_there_is_of_them(make_store: MakeStore) -> None:
    """Their pseudonym, and that there was somebody before."""
    store = make_store(FEW)
    people = People(store, Clock())
    people.put(Person("bob"))
    people.erase("bob")
    people.put(Person("bob"))
    message = export_message(PersonExporter(store, Clock()).export("bob"))
    assert message.pseudonym
    assert message.erased_before.ToMilliseconds() == MIDNIGHT_MS


def test_somebody_unknown_is_not_found(store: ProfileStore) -> None:
    with pytest.raises(NotFound):
        PersonExporter(store, Clock()).export("nobody")


def test_what_other_services_keep_is_told_and_when_all_of_it_ends(redis_store: RedisProfileStore) -> None:
    People(redis_store, Clock()).put(Person("ada", consent=ALL_GIVEN))
    alias = redis_store.held("ada").alias  # type: ignore[union-attr] # ada is there
    Held(redis_store._client).put(alias, "recommendation", "r1", b"frozen", now_ms=MIDNIGHT_MS, keep_ms=10**11)
    found = PersonExporter(redis_store, Clock()).export("ada")
    assert found.held == [HeldRecord("recommendation", b"frozen")]
    assert found.kept_until_ms is not None
    assert MIDNIGHT_MS < found.kept_until_ms <= MIDNIGHT_MS + StoreRules().retention_ms
