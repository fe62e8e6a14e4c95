"""Interests as the profile service tells them, in the ranker's words."""

from __future__ import annotations

import time

import pytest

from services.ranker.peers import GrpcProfile
from services.ranker.ports import SEGMENT, STATED, Source
from services.ranker.tuning import Tuning
from visrec.v1 import profile_pb2 as pb


class Answering:
    """A channel on which every call is answered with the same message."""

    def __init__(self, answer: object) -> None:
        self._answer = answer

    def unary_unary(self, *_: object, **__: object) -> object:
        async def call(_: object, **__: object) -> object:
            return self._answer

        return call


async def sources_of(interest: pb.Interest) -> list[Source]:
    result = pb.TasteResult(taste=pb.Taste(personalised=True, interests=[interest]))
    profile = GrpcProfile(Answering(pb.GetTastesResponse(results=[result])), time.monotonic, Tuning())  # type: ignore[arg-type]
    return list((await profile.taste("ann", "shop", "")).interests[0].sources)


@pytest.mark.parametrize(
    ("origin", "told", "sources"),
    [
        (
            pb.INTEREST_ORIGIN_EVENTS,
            [pb.InterestSource(item_id="coat", event_type=pb.EVENT_TYPE_LIKE), pb.InterestSource(word="wool")],
            [Source("coat", "like"), Source("", STATED, "wool")],
        ),
        (pb.INTEREST_ORIGIN_STATED, [pb.InterestSource(word="wool")], [Source("", STATED, "wool")]),
        (pb.INTEREST_ORIGIN_SEGMENT, [], [Source("", SEGMENT)]),
        (pb.INTEREST_ORIGIN_UNSPECIFIED, [], []),
    ],
)
async def test_sources_of_an_interest(
    origin: pb.InterestOrigin.ValueType, told: list[pb.InterestSource], sources: list[Source]
) -> None:
    assert await sources_of(pb.Interest(origin=origin, sources=told)) == sources
