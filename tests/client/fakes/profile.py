"""A profile service that learns nothing."""
# ruff: noqa: N802 (methods are named as in the contract)

from __future__ import annotations

from dataclasses import dataclass, field

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from tests.client.fakes.refusing import not_found, status_of
from visrec.v1 import profile_pb2, profile_pb2_grpc


@dataclass
class FakeProfile(profile_pb2_grpc.ProfileServiceServicer):
    """People, and every event as it came; an event of an unknown person fails alone."""

    users: dict[str, profile_pb2.User] = field(default_factory=dict)
    puts: list[profile_pb2.PutUserRequest] = field(default_factory=list)
    events: dict[str, profile_pb2.Event] = field(default_factory=dict)
    calls: list[int] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    segments: list[profile_pb2.Segment] = field(default_factory=list)

    def user(self, user_id: str, context: grpc.ServicerContext) -> profile_pb2.User:
        if user_id not in self.users:
            not_found(context, "user", user_id)
        return self.users[user_id]

    def PutUser(
        self, request: profile_pb2.PutUserRequest, context: grpc.ServicerContext
    ) -> profile_pb2.PutUserResponse:
        self.puts.append(request)
        created = request.user.user_id not in self.users
        self.users[request.user.user_id] = request.user
        return profile_pb2.PutUserResponse(user=request.user, created=created)

    def GetUser(
        self, request: profile_pb2.GetUserRequest, context: grpc.ServicerContext
    ) -> profile_pb2.GetUserResponse:
        return profile_pb2.GetUserResponse(user=self.user(request.user_id, context))

    def ListUsers(
        self, request: profile_pb2.ListUsersRequest, context: grpc.ServicerContext
    ) -> profile_pb2.ListUsersResponse:
        """Two on each page."""
        found, at = list(self.users.values()), int(request.page_token or 0)
        return profile_pb2.ListUsersResponse(
            users=found[at : at + 2], next_page_token=str(at + 2) if at + 2 < len(found) else ""
        )

    def DeleteUser(
        self, request: profile_pb2.DeleteUserRequest, context: grpc.ServicerContext
    ) -> profile_pb2.DeleteUserResponse:
        self.user(request.user_id, context)
        del self.users[request.user_id]
        self.deleted.append(request.user_id)
        self.events = {name: event for name, event in self.events.items() if event.user_id != request.user_id}
        erased = [profile_pb2.Erasure(place="profile", entries=1)]
        return profile_pb2.DeleteUserResponse(
            erased=erased,
            remains=["backups, for 7 days"],
            erased_at=Timestamp(seconds=1_767_225_600),
            tombstone_until=Timestamp(seconds=1_769_817_600),
            rewrite_asked=True,
        )

    def ExportUser(
        self, request: profile_pb2.ExportUserRequest, context: grpc.ServicerContext
    ) -> profile_pb2.ExportUserResponse:
        user = self.user(request.user_id, context)
        events = [event for event in self.events.values() if event.user_id == request.user_id]
        seen = [event.item_id for event in events]
        return profile_pb2.ExportUserResponse(
            user=user,
            events=events,
            tastes=[profile_pb2.Taste(catalogue="shop", seen_item_ids=seen)],
            long_term=[profile_pb2.LongTermMemory(catalogue="shop", events=32)],
            remembered_event_ids=7,
            held=[profile_pb2.HeldRecord(kind="recommendation", content=b"as it is kept")],
            kept_until=Timestamp(seconds=1_769_817_600),
        )

    def SetConsent(
        self, request: profile_pb2.SetConsentRequest, context: grpc.ServicerContext
    ) -> profile_pb2.SetConsentResponse:
        self.user(request.user_id, context).consent.CopyFrom(request.consent)
        return profile_pb2.SetConsentResponse(consent=request.consent)

    def RecordEvents(
        self, request: profile_pb2.RecordEventsRequest, context: grpc.ServicerContext
    ) -> profile_pb2.RecordEventsResponse:
        self.calls.append(len(request.events))
        return profile_pb2.RecordEventsResponse(results=[self._record(event) for event in request.events])

    def _record(self, event: profile_pb2.Event) -> profile_pb2.EventResult:
        result = profile_pb2.EventResult(event_id=event.event_id, outcome=profile_pb2.EVENT_OUTCOME_LEARNED)
        if event.user_id not in self.users:
            text = f"user {event.user_id!r} does not exist"
            result.status.CopyFrom(status_of(grpc.StatusCode.NOT_FOUND, text, "USER_NOT_FOUND"))
            result.outcome = profile_pb2.EVENT_OUTCOME_UNSPECIFIED
        elif event.event_id in self.events:
            result.outcome = profile_pb2.EVENT_OUTCOME_DUPLICATE
        else:
            self.events[event.event_id] = event
        return result

    def GetTaste(
        self, request: profile_pb2.GetTasteRequest, context: grpc.ServicerContext
    ) -> profile_pb2.GetTasteResponse:
        self.user(request.user_id, context)
        return profile_pb2.GetTasteResponse(taste=self._taste(request))

    def GetTastes(
        self, request: profile_pb2.GetTastesRequest, context: grpc.ServicerContext
    ) -> profile_pb2.GetTastesResponse:
        self.calls.append(len(request.requests))
        unknown = status_of(grpc.StatusCode.NOT_FOUND, "does not exist", "USER_NOT_FOUND")
        return profile_pb2.GetTastesResponse(
            results=[
                profile_pb2.TasteResult(taste=self._taste(each))
                if each.user_id in self.users
                else profile_pb2.TasteResult(error=unknown)
                for each in request.requests
            ]
        )

    def _taste(self, request: profile_pb2.GetTasteRequest) -> profile_pb2.Taste:
        sources = [
            profile_pb2.InterestSource(item_id=event.item_id, event_type=event.type)
            for event in self.events.values()
            if event.user_id == request.user_id
        ]
        interests = [profile_pb2.Interest(weight=1.0, sources=sources)] if sources else []
        return profile_pb2.Taste(
            user_id=request.user_id,
            catalogue=request.catalogue,
            interests=interests,
            seen_item_ids=[source.item_id for source in sources],
            personalised=self.users[request.user_id].consent.personalisation == profile_pb2.CONSENT_STATE_GIVEN,
        )

    def ListSegments(
        self, request: profile_pb2.ListSegmentsRequest, context: grpc.ServicerContext
    ) -> profile_pb2.ListSegmentsResponse:
        """Two on each page; of `shop` alone."""
        found, at = self.segments if request.catalogue == "shop" else [], int(request.page_token or 0)
        return profile_pb2.ListSegmentsResponse(
            segments=found[at : at + 2], next_page_token=str(at + 2) if at + 2 < len(found) else ""
        )

    def GetPopularItems(
        self, request: profile_pb2.GetPopularItemsRequest, context: grpc.ServicerContext
    ) -> profile_pb2.GetPopularItemsResponse:
        items = [profile_pb2.PopularItem(item_id=event.item_id, score=1.0) for event in self.events.values()]
        return profile_pb2.GetPopularItemsResponse(items=items[: request.limit], half_life_hours=336)
