"""What a client does about people: who they are, what they did, and what follows from it."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from uuid import uuid4

import grpc
from google.rpc import error_details_pb2, status_pb2

from visrec.connection import Connection
from visrec.errors import VisrecCallError
from visrec.people import Event, Facts
from visrec.several import several
from visrec.v1 import profile_pb2

EVENTS_PER_CALL = 1000
TASTES_PER_CALL = 64
"""What the contract allows."""


class PeopleClient:
    """The part of `visrec.client.Client` that speaks to the profile service. Every method raises VisrecCallError."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._call = connection.call

    def put_user(self, user_id: str, facts: Facts | None = None) -> profile_pb2.User:
        """Makes a person, or changes what `facts` gives of one; the rest stays as it is. Without facts, an existing
        person is answered unchanged."""
        facts = facts or Facts()
        request = profile_pb2.PutUserRequest(user=facts.message(user_id), request_id=uuid4().hex)
        if paths := facts.paths():
            request.update_mask.paths.extend(paths)
        elif known := self._user_or_none(user_id):
            return known
        return self._call(self._connection.profile.PutUser, request).user

    def get_user(self, user_id: str) -> profile_pb2.User:
        """Attributes and consent of a person. NOT_FOUND when there is none."""
        return self._call(self._connection.profile.GetUser, profile_pb2.GetUserRequest(user_id=user_id)).user

    def list_users(self) -> Iterator[profile_pb2.User]:
        """Everybody, in no particular order, page by page."""
        request = profile_pb2.ListUsersRequest(page_size=1000)
        while True:
            page = self._call(self._connection.profile.ListUsers, request)
            yield from page.users
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def delete_user(self, user_id: str) -> profile_pb2.DeleteUserResponse:
        """Erases a person with all they did; the receipt says what was removed, and what is left for how long."""
        return self._call(self._connection.profile.DeleteUser, profile_pb2.DeleteUserRequest(user_id=user_id))

    def export_user(self, user_id: str) -> profile_pb2.ExportUserResponse:
        """All that is held about a person, by whichever service. NOT_FOUND when there is none."""
        return self._call(self._connection.profile.ExportUser, profile_pb2.ExportUserRequest(user_id=user_id))

    def set_consent(self, user_id: str, facts: Facts) -> profile_pb2.Consent:
        """Sets the purposes that `facts` answers; nothing else in it is read. Refusing personalisation erases events
        and taste."""
        request = profile_pb2.SetConsentRequest(user_id=user_id, consent=facts.consent())
        return self._call(self._connection.profile.SetConsent, request).consent

    def record(self, events: Iterable[Event]) -> list[profile_pb2.EventResult]:
        """Records what people did, with a result for each event, in order; one that fails does not stop the others,
        nor does one that cannot be sent: its result is INVALID_ARGUMENT (reason INVALID_EVENT) and says why."""
        given = [(event, _sendable(event)) for event in events]
        messages = [message for _, message in given if isinstance(message, profile_pb2.Event)]
        results: list[profile_pb2.EventResult] = []
        for start in range(0, len(messages), EVENTS_PER_CALL):
            request = profile_pb2.RecordEventsRequest(events=messages[start : start + EVENTS_PER_CALL])
            results.extend(self._call(self._connection.profile.RecordEvents, request).results)
        sent = iter(results)
        return [_refused(event, message) if isinstance(message, Exception) else next(sent) for event, message in given]

    def taste(self, user_id: str, catalogue: str, *, include_seen: bool = False) -> profile_pb2.Taste:
        """What a person likes in a catalogue: their interests, and the items each comes from."""
        request = profile_pb2.GetTasteRequest(user_id=user_id, catalogue=catalogue, include_seen=include_seen)
        return self._call(self._connection.profile.GetTaste, request).taste

    def tastes(self, user_ids: Sequence[str], catalogue: str) -> list[profile_pb2.TasteResult]:
        """The tastes of several people, in the order asked for; each result has the taste or why there is none. Raises
        TypeError for a single id."""
        ids = several(user_ids, "user_ids")
        requests = [profile_pb2.GetTasteRequest(user_id=each, catalogue=catalogue) for each in ids]
        results: list[profile_pb2.TasteResult] = []
        for start in range(0, len(requests), TASTES_PER_CALL):
            request = profile_pb2.GetTastesRequest(requests=requests[start : start + TASTES_PER_CALL])
            results.extend(self._call(self._connection.profile.GetTastes, request).results)
        return results

    def popular(
        self, catalogue: str, *, domains: Sequence[str] = (), n: int = 50
    ) -> profile_pb2.GetPopularItemsResponse:
        """What people like now, most popular first."""
        wanted = several(domains, "domains")
        request = profile_pb2.GetPopularItemsRequest(catalogue=catalogue, domains=wanted, limit=n)
        return self._call(self._connection.profile.GetPopularItems, request)

    def segments(self, catalogue: str) -> Iterator[profile_pb2.Segment]:
        """Groups of people who like alike, largest first, page by page; those of too few people are in none."""
        request = profile_pb2.ListSegmentsRequest(catalogue=catalogue, page_size=100)
        while True:
            page = self._call(self._connection.profile.ListSegments, request)
            yield from page.segments
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def _user_or_none(self, user_id: str) -> profile_pb2.User | None:
        try:
            return self.get_user(user_id)
        except VisrecCallError as error:
            if error.code is grpc.StatusCode.NOT_FOUND:
                return None
            raise


def _sendable(event: Event) -> profile_pb2.Event | Exception:
    try:
        return event.message()
    except (ValueError, TypeError, struct.error) as problem:
        return problem


def _refused(event: Event, problem: Exception) -> profile_pb2.EventResult:
    """As the service tells of an event that it refuses."""
    status = status_pb2.Status(code=int(grpc.StatusCode.INVALID_ARGUMENT.value[0]), message=str(problem))
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason="INVALID_EVENT", domain="visrec"))
    return profile_pb2.EventResult(event_id=event.event_id, status=status)
