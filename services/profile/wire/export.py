"""All that is held about a person, between the contract and the domain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.profile.events.event import Event
from services.profile.people.export_user import HistoryExport, PersonExport
from services.profile.taste.kept import Sealed
from services.profile.taste.liking import Interest
from services.profile.taste.reader import TasteView
from services.profile.taste.taste_store import TasteQuery
from services.profile.wire import messages as wire
from services.spaces import encode
from visrec.v1 import common_pb2
from visrec.v1 import profile_pb2 as pb


def export_message(exported: PersonExport) -> pb.ExportUserResponse:
    """Everything, catalogue by catalogue."""
    until = exported.kept_until_ms
    user_id = exported.person.user_id
    return pb.ExportUserResponse(
        user=wire.user_message(exported.person),
        events=[_event(user_id, each.catalogue, event) for each in exported.histories for event in each.events],
        tastes=[message for each in exported.histories for message in _tastes(exported, each)],
        long_term=[message for each in exported.histories for message in _memories(each)],
        remembered_event_ids=exported.event_ids,
        held=[pb.HeldRecord(kind=record.kind, content=record.content) for record in exported.held],
        kept_until=None if until is None else wire.timestamp(until),
        vectors=[vector for each in exported.histories for vector in _vectors(each)],
        pseudonym=exported.alias,
        erased_before=None if exported.erased_ms is None else wire.timestamp(exported.erased_ms),
    )


def _event(user_id: str, catalogue: str, event: Event) -> pb.Event:
    message = pb.Event(
        event_id=event.event_id,
        user_id=user_id,
        type=pb.EventType.ValueType(event.type),
        time=wire.timestamp(event.time_ms),
        catalogue=catalogue,
        recommendation_id=event.recommendation_id,
        shown_signals=event.shown_signals,
        domain=event.domain,
        raw_features=event.raw_features,
        showing=wire.showing_message(event.showing),
    )
    if event.item_id:
        message.item_id = event.item_id
    else:
        for space, vector in list(event.vectors.items())[:1]:
            message.photo_vector.CopyFrom(common_pb2.Vector(space=space, data=encode(vector)))
    return message


def _tastes(exported: PersonExport, history: HistoryExport) -> Iterator[pb.Taste]:
    """Those that are kept; without any, what else there is: what they have seen, their segment."""
    query = TasteQuery(exported.person.user_id, history.catalogue)
    kept: Sequence[Sealed | None] = history.tastes or [None]
    for sealed in kept:
        view = TasteView(True, exported.person.consent, exported.alias, sealed, tuple(history.seen))
        message = wire.taste_message(query, view)
        message.segment = message.segment or history.segment
        yield message


def _vectors(history: HistoryExport) -> Iterator[pb.KeptVector]:
    if history.put is not None:
        vector = common_pb2.Vector(space=history.put.space, data=encode(history.put.vector))
        yield pb.KeptVector(catalogue=history.catalogue, vector=vector)


def _memories(history: HistoryExport) -> Iterator[pb.LongTermMemory]:
    """One for each space that it is told in."""
    for space, centres in history.memory.centres.items():
        interests = [
            Interest(centre.vector, centre.mass, tuple(each.source for each in centre.sources)) for centre in centres
        ]
        yield pb.LongTermMemory(
            catalogue=history.catalogue,
            events=history.memory.events,
            until=wire.timestamp(history.memory.until_ms),
            interests=[wire.interest_message(each, space) for each in interests],
        )
