"""visrec user, events and segments as they are typed."""

from __future__ import annotations

import base64
import json
from datetime import datetime

import pytest

from tests.client.conftest import Run
from tests.client.fakes.fleet import Fleet
from visrec import tables
from visrec.v1 import profile_pb2, ranker_pb2


def test_a_time_may_leave_out_the_zone(stocked: Run, services: Fleet) -> None:
    for when in ("2026-11-28T10:00:00Z", "2026-11-28 11:00:00+01:00", "2026-11-28"):
        assert stocked("events", "record", "anna", "like", "chairs/red.jpg", "--when", when)[0] == 0
    told = {event.time.seconds for event in services.profile.events.values()}
    assert told == {1_795_860_000, round(datetime(2026, 11, 28).astimezone().timestamp())}


def test_who_refused_photo_learning_is_told_of_that() -> None:
    for message, step in (
        ("the person has not consented to it", "consent USER --photo-learning"),
        ("the person has not consented to personalisation", "consent USER --personalisation --photo-learning"),
    ):
        refused = ranker_pb2.DroppedSignal(signal="remember_photo", reason="NO_CONSENT", message=message)
        answer = ranker_pb2.RecommendResponse(dropped=[refused])
        assert f"`visrec user {step}`" in tables.basis(answer)


def test_who_was_never_asked_is_told_apart_from_who_refused(stocked: Run) -> None:
    stocked("user", "put", "bob")
    advice = "`visrec user consent bob --personalisation` records that they agree"
    assert stocked("user", "taste", "bob")[1].startswith("They were never asked about personalisation")
    stocked("user", "consent", "bob", "--no-personalisation")
    out = stocked("user", "taste", "bob")[1]
    assert out.startswith("They refused personalisation")
    assert advice in out


def test_events_are_recorded_and_show_in_taste_and_popularity(stocked: Run, services: Fleet) -> None:
    code, out, _ = stocked("events", "record", "anna", "like", "chairs/red.jpg", "chairs/[b]lue.jpg")
    assert code == 0
    assert "chairs/red.jpg: learned" in out
    assert {event.type for event in services.profile.events.values()} == {profile_pb2.EVENT_TYPE_LIKE}
    assert "chairs/[b]lue.jpg (like)" in stocked("user", "taste", "anna")[1]
    assert "Red" in stocked("popular")[1]


def test_an_event_of_somebody_unknown_says_what_to_do(stocked: Run) -> None:
    code, out, _ = stocked("events", "record", "nobody", "like", "chairs/red.jpg")
    assert code == 1
    assert "user 'nobody' does not exist; `visrec user put USER` makes one" in out


def test_consent_is_changed_purpose_by_purpose(stocked: Run, services: Fleet) -> None:
    code, out, _ = stocked("user", "consent", "anna", "--no-photo-learning")
    assert code == 0
    assert "refused" in out
    assert stocked("user", "consent", "anna")[0] == 2


def test_erasing_needs_a_yes_and_gives_a_receipt(stocked: Run, services: Fleet) -> None:
    assert stocked("user", "delete", "anna")[0] == 1
    assert "anna" in services.profile.users
    code, out, _ = stocked("user", "delete", "anna", "--yes")
    assert code == 0
    for words in ("1 removed", "2026-01-01 00:00", "refused until 2026-01-31", "asked to write them anew", "backups"):
        assert words in out
    assert "anna" not in services.profile.users


def test_all_that_is_held_about_a_person_is_told(stocked: Run) -> None:
    stocked("events", "record", "anna", "like", "chairs/red.jpg")
    code, out, _ = stocked("user", "export", "anna")
    assert code == 0
    for words in ("plants", "1 in shop", "32 events in shop", "7 remembered", "1 recommended to them", "2026-01-31"):
        assert words in out
    whole = json.loads(stocked("user", "export", "anna", "--json")[1])
    assert [event["item_id"] for event in whole["events"]] == ["chairs/red.jpg"]
    assert base64.b64decode(whole["held"][0]["content"]) == b"as it is kept"
    assert stocked("user", "export", "nobody")[0] == 1


def test_segments_are_listed_with_what_their_people_have_in_common(run: Run, services: Fleet) -> None:
    services.profile.segments = [
        profile_pb2.Segment(
            segment_id=name,
            description=f"likes {name.split('-')[0]} (80%, 2.1 x)",
            people=people,
            typical_item_ids=["a", "b", "c", "d"],
        )
        for name, people in (("lamps-3f2a", 1200), ("rugs-91bc", 80), ("vases-0a1b", 25))
    ]
    code, out, _ = run("segments", "list", "shop")
    assert code == 0
    for words in ("lamps-3f2a", "1,200", "likes rugs (80%, 2.1 x)", "vases-0a1b", "a, b, c"):
        assert words in out
    assert ", d" not in out
    assert len(json.loads(run("segments", "list", "--json")[1])["segments"]) == 3
    assert "python -m jobs segments" in run("segments", "list", "other")[1]


def test_people_are_listed(stocked: Run, run: Run) -> None:
    code, out, _ = stocked("user", "list")
    assert code == 0
    assert "anna" in out
    assert "plants" in out
    assert [each["user_id"] for each in json.loads(run("user", "list", "--json")[1])["users"]] == ["anna"]


@pytest.mark.parametrize("when", ["2026-11-28T10:00:00Z", "2026-11-28T12:00:00+02:00", "2026-11-28 10:00:00.0+0000"])
def test_an_event_has_a_time_with_its_zone_and_what_it_followed_from(stocked: Run, services: Fleet, when: str) -> None:
    code, _, err = stocked("events", "record", "anna", "like", "a", "--when", when, "--recommendation", "r1")
    assert (code, err) == (0, "")
    (event,) = services.profile.events.values()
    assert event.time.ToJsonString() == "2026-11-28T10:00:00Z"
    assert event.recommendation_id == "r1"
