"""Exported events between the contract and the domain."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from services.errors import InvalidInput
from services.profile.events.event import EventType
from services.profile.events.export_events import ExportedEvent, ExportPage, ExportQuery
from services.profile.wire.messages import milliseconds, showing_message
from visrec.v1 import profile_pb2 as pb


def export_query_of(message: pb.ExportEventsRequest) -> ExportQuery:
    """A request for events."""
    start = milliseconds(message.time.not_before) if message.time.HasField("not_before") else None
    end = milliseconds(message.time.before) if message.time.HasField("before") else None
    return ExportQuery(
        message.catalogue,
        start,
        end,
        message.page_size,
        message.page_token,
        message.include_user_ids,
        frozenset(_type_of(number, f"types[{at}]") for at, number in enumerate(message.types)),
    )


def exported_page(catalogue: str, page: ExportPage) -> pb.ExportEventsResponse:
    """What such a request is answered with."""
    message = pb.ExportEventsResponse(
        events=[exported_message(catalogue, each) for each in page.events], next_page_token=page.token
    )
    message.read_at.FromMilliseconds(page.read_ms)
    return message


def exported_message(catalogue: str, exported: ExportedEvent) -> pb.Event:
    """An event without its id and its vector, and with a pseudonym for its recommendation."""
    event, time = exported.event, Timestamp()
    time.FromMilliseconds(event.time_ms)
    message = pb.Event(
        user_id=exported.who,
        type=pb.EventType.ValueType(event.type),
        time=time,
        catalogue=catalogue,
        recommendation_id=exported.recommendation,
        shown_signals=event.shown_signals,
        domain=event.domain,
        showing=showing_message(event.showing),
    )
    if event.item_id:
        message.item_id = event.item_id
    return message


def _type_of(number: int, field: str) -> EventType:
    try:
        return EventType(number)
    except ValueError:
        raise InvalidInput(field, f"{number} is no type of events") from None
