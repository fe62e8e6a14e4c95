"""Reading: the events of everybody who consents, person by person, as what they were shown and what they did."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from jobs.feedback.joining import OUTCOMES, Act, AnswerShown, Shown, joined
from jobs.pages import BrokenOff, Pages, Patience
from visrec.connection import Connection
from visrec.v1 import common_pb2, profile_pb2

PAGE = 10_000
"""The most there are: a page is filled up person by person, which is slow at its end."""

_KINDS = {getattr(profile_pb2, f"EVENT_TYPE_{kind.upper()}"): kind for kind in OUTCOMES}


@dataclass(frozen=True)
class Person:
    """Under a pseudonym of this export, with the answers they were shown, oldest first."""

    pseudonym: str
    answers: list[AnswerShown]


@dataclass
class _Acts:
    shown: list[Shown] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)


@dataclass(frozen=True)
class Feedback:
    """Of one catalogue, `since` a time (None: since ever), of what was shown at `until` at the latest (None: now);
    `window_hours`: in which something comes of a showing."""

    connection: Connection
    catalogue: str
    patience: Patience
    since: datetime | None = None
    window_hours: float = 24.0
    until: datetime | None = None

    def people(self, on_events: Callable[[float], None]) -> Iterator[Person]:
        """Those who were shown something, one after the other: a person's events follow each other in an export, so one
        of them is in memory at a time. `on_events` is told how many more were read. Raises VisrecCallError."""
        known: set[str] = set()
        who, theirs = "", _Acts()
        for event in self._events(on_events):
            if event.user_id != who:
                yield from self._person(who, theirs)
                known.add(who)
                who, theirs = event.user_id, _Acts()
            if who not in known:  # a walk may come by somebody twice while Redis moves its keys about
                _put(event, theirs)
        yield from self._person(who, theirs)

    def _person(self, who: str, theirs: _Acts) -> Iterator[Person]:
        until_ms = self.until.timestamp() * 1_000 if self.until else math.inf
        answers = joined(theirs.shown, theirs.acts, self.window_hours, until_ms)
        if answers:
            yield Person(who, answers)

    def _events(self, on_events: Callable[[float], None]) -> Iterator[profile_pb2.Event]:
        time = common_pb2.TimeRange(not_before=_timestamp(self.since)) if self.since else None

        def ask(token: str) -> profile_pb2.ExportEventsResponse:
            request = profile_pb2.ExportEventsRequest(
                catalogue=self.catalogue,
                time=time,
                page_size=PAGE,
                page_token=token,
                types=[profile_pb2.EVENT_TYPE_IMPRESSION, *_KINDS],
            )
            return self.connection.call(self.connection.profile.ExportEvents, request)

        try:
            for page in Pages(ask, self.patience, ahead=True):
                on_events(len(page.events))
                yield from page.events
        except BrokenOff as broken:
            # What was read is in memory only, so there is nothing to go on from.
            raise broken.cause from broken


def _put(event: profile_pb2.Event, theirs: _Acts) -> None:
    time_ms = event.time.ToMilliseconds()
    if event.type == profile_pb2.EVENT_TYPE_IMPRESSION:
        told = event.showing
        theirs.shown.append(
            Shown(
                event.item_id,
                time_ms,
                event.recommendation_id,
                told.rank,
                told.scene,
                told.experiment,
                told.variant,
                dict(event.shown_signals),
            )
        )
    elif kind := _KINDS.get(event.type):
        theirs.acts.append(Act(event.item_id, time_ms, kind, event.recommendation_id))


def _timestamp(time: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(time)
    return stamp
