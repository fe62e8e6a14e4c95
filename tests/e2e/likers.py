"""People who consent and like items."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tests.e2e.conftest import CALL_S, Stubs
from visrec.v1 import profile_pb2

GIVEN = profile_pb2.Consent(personalisation=profile_pb2.CONSENT_STATE_GIVEN)


def join(stubs: Stubs, catalogue: str, person: str, liked: Iterable[str]) -> Sequence[profile_pb2.EventResult]:
    """Makes somebody who likes these items by id. What came of each like; none is refused."""
    user = profile_pb2.User(user_id=person, consent=GIVEN)
    stubs.profile.PutUser(profile_pb2.PutUserRequest(user=user), timeout=CALL_S)
    events = [
        profile_pb2.Event(
            event_id=f"{catalogue}-{item_id}",
            user_id=person,
            type=profile_pb2.EVENT_TYPE_LIKE,
            catalogue=catalogue,
            item_id=item_id,
        )
        for item_id in liked
    ]
    answer = stubs.profile.RecordEvents(profile_pb2.RecordEventsRequest(events=events), timeout=CALL_S)
    assert [result.status.code for result in answer.results] == [0] * len(events)
    return answer.results
