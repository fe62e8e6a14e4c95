"""Services that answer `jobs weights` and `jobs experiment` from memory, and both as they are typed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from typer.testing import CliRunner, Result

from jobs.__main__ import app
from jobs.weighing.lists import Lists
from tests.jobs.onlookers import PRESENT, SIGNALS
from visrec.v1 import profile_pb2, profile_pb2_grpc, ranker_pb2, ranker_pb2_grpc

PAGE = 997
PEOPLE = 800


@dataclass
class Services(profile_pb2_grpc.ProfileServiceServicer, ranker_pb2_grpc.RankerServiceServicer):
    """Events page by page, one scene, and what is put."""

    events: Sequence[profile_pb2.Event] = ()
    scene: ranker_pb2.Scene = field(
        default_factory=lambda: ranker_pb2.Scene(
            name="shop", signal_weights={**PRESENT, "photo": 1.0, "freshness": 0.0}
        )
    )
    put: list[ranker_pb2.PutSignalWeightsRequest] = field(default_factory=list)
    is_changed: bool = False
    """By somebody else, meanwhile."""
    asked: int = 0
    """How often, for events."""

    def ExportEvents(  # noqa: N802 - named as the contract says
        self, request: profile_pb2.ExportEventsRequest, context: grpc.ServicerContext
    ) -> profile_pb2.ExportEventsResponse:
        assert not request.include_user_ids
        self.asked += 1
        start = int(request.page_token or 0)
        rest = str(start + PAGE) if start + PAGE < len(self.events) else ""
        return profile_pb2.ExportEventsResponse(events=self.events[start : start + PAGE], next_page_token=rest)

    def GetScenes(  # noqa: N802 - named as the contract says
        self, request: ranker_pb2.GetScenesRequest, context: grpc.ServicerContext
    ) -> ranker_pb2.GetScenesResponse:
        return ranker_pb2.GetScenesResponse(scenes=[self.scene], weights_version="builtin-2+7")

    def PutSignalWeights(  # noqa: N802 - named as the contract says
        self, request: ranker_pb2.PutSignalWeightsRequest, context: grpc.ServicerContext
    ) -> ranker_pb2.PutSignalWeightsResponse:
        if self.is_changed:
            context.abort(grpc.StatusCode.ABORTED, "the weights have been changed since")
        self.put.append(request)
        return ranker_pb2.PutSignalWeightsResponse(weights_version="builtin-2+8")


def typed(target: str, *arguments: str) -> Result:
    targets = {"VISREC_PROFILE_TARGET": target, "VISREC_RANKER_TARGET": target, "COLUMNS": "200"}
    return CliRunner().invoke(app, [arguments[0], "-c", "shop", "-s", "shop", *arguments[1:]], env=targets)


def told(lists: Lists, variants: Sequence[str] = (), start: int = 1_700_000_000) -> list[profile_pb2.Event]:
    """The same as events, person by person. `variants`: of each person, of the experiment `spring`. `start`: seconds
    since 1970, of the first answer; those after it are a second apart."""
    events = []
    for row, answer in enumerate(lists.answer):
        person = int(lists.person[answer])
        event = profile_pb2.Event(
            user_id=f"somebody-{person}",
            type=profile_pb2.EVENT_TYPE_IMPRESSION,
            time=Timestamp(seconds=start + int(answer)),
            item_id=f"item-{row}",
            recommendation_id=f"answer-{answer}",
            shown_signals=dict(zip(SIGNALS, lists.values[row].tolist(), strict=True)),
            showing=profile_pb2.Showing(rank=int(lists.ranks[row]), scene="shop"),
        )
        if variants:
            event.showing.experiment, event.showing.variant = "spring", variants[person]
        events.append(event)
        if lists.chosen[row]:
            click = profile_pb2.Event(
                user_id=event.user_id,
                type=profile_pb2.EVENT_TYPE_CLICK,
                time=Timestamp(seconds=event.time.seconds + 60),
                item_id=event.item_id,
                recommendation_id=event.recommendation_id,
            )
            events.append(click)
    return events
