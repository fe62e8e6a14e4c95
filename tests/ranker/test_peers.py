"""Interests as the profile service tells them, in the ranker's words."""

from __future__ import annotations

import asyncio
import time
from contextlib import nullcontext

import numpy as np
import pytest

from services.errors import NotFound, NotReady, SpaceMismatch
from services.ranker.others.peers import GrpcIndexer, GrpcProfile
from services.ranker.others.peers_explain import GrpcItemVectors
from services.ranker.others.ports import SEGMENT, STATED, SearchPlan, SearchQuery, Source
from services.ranker.others.remembered import MAX_FILTER_BYTES
from services.ranker.others.tuning import Tuning
from services.ranker.wire.indexer import decode_items
from services.runtime import deadlines
from services.runtime.faults import status_of
from visrec.v1 import common_pb2, indexer_pb2
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


class Searching:
    """A channel on which every search finds nothing, and that keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[indexer_pb2.SearchManyRequest] = []

    def unary_unary(self, *_: object, **__: object) -> object:
        async def call(request: indexer_pb2.SearchManyRequest, **_: object) -> indexer_pb2.SearchManyResponse:
            self.asked.append(request)
            results = [indexer_pb2.SearchResult(response=indexer_pb2.SearchResponse()) for _ in request.searches]
            return indexer_pb2.SearchManyResponse(results=results)

        return call

    unary_stream = unary_unary


@pytest.mark.parametrize("left_s", [None, 0.5, 1e12])
async def test_a_search_tells_how_long_it_may_take(left_s: float | None) -> None:
    channel = Searching()
    indexer = GrpcIndexer(channel, time.monotonic, Tuning())  # type: ignore[arg-type]
    plan = SearchPlan("shop", "toy@00000001", [SearchQuery("seed-1", {}, item_id="coat")], 10)
    with nullcontext() if left_s is None else deadlines.within(left_s):
        found = await indexer.search(plan)
    assert list(found.ids) == []
    ((dated,),) = [each.searches for each in channel.asked]
    assert 0 < dated.timeout_ms <= 1000 * min(left_s or 10.0, 3600.0)


async def test_searches_that_wait_together_are_one_call() -> None:
    channel = Searching()
    indexer = GrpcIndexer(channel, time.monotonic, Tuning())  # type: ignore[arg-type]
    plans = [
        SearchPlan("shop", "toy@00000001", [SearchQuery("seed-1", {}, item_id=f"coat-{number}")], 10)
        for number in range(7)
    ]
    await asyncio.gather(*(indexer.search(plan) for plan in plans), indexer.items("shop", ["a"], "v1"))
    assert [len(request.searches) for request in channel.asked] == [8]


class NoRecord(Searching):
    """A channel of an indexer without its record: it searches, and lists nothing. `listed`: how often it was asked."""

    listed = 0

    def unary_unary(self, path: str, *_: object, **__: object) -> object:  # type: ignore[override]
        async def refused(_: object, **__: object) -> object:
            self.listed += 1
            raise NotReady("Redis is away")

        return refused if path.endswith("ListItems") else super().unary_unary()


async def test_an_indexer_that_cannot_list_still_is_searched() -> None:
    channel = NoRecord()
    indexer = GrpcIndexer(channel, time.monotonic, Tuning())  # type: ignore[arg-type]
    for _ in range(9):
        with pytest.raises(NotReady):
            await indexer.some_ids("shop", None, (), 10)
    assert channel.listed == 5, "it is left alone then"
    plan = SearchPlan("shop", "toy@00000001", [SearchQuery("seed-1", {}, item_id="coat")], 10)
    assert list((await indexer.search(plan)).ids) == []


class Listing:
    """A channel on which every listing finds one item. `calls`: how many there were."""

    def __init__(self) -> None:
        self.calls = 0

    def unary_unary(self, *_: object, **__: object) -> object:
        async def call(_: object, **__: object) -> indexer_pb2.ListItemsResponse:
            self.calls += 1
            return indexer_pb2.ListItemsResponse(items=[indexer_pb2.StoredItem(item=indexer_pb2.Item(id="coat"))])

        return call

    unary_stream = unary_unary


@pytest.mark.parametrize(("letters", "calls"), [(10, 1), (MAX_FILTER_BYTES, 2)])
async def test_the_newest_are_remembered_unless_their_filter_is_huge(letters: int, calls: int) -> None:
    channel = Listing()
    indexer = GrpcIndexer(channel, time.monotonic, Tuning())  # type: ignore[arg-type]
    passing = common_pb2.Filter(must=[common_pb2.Condition(field="x" * letters)])
    for _ in range(2):
        assert await indexer.fresh_ids("shop", passing, (), 1) == ["coat"]
    assert channel.calls == calls


class Moving:
    """A channel to an indexer whose catalogue has just come into another space."""

    def __init__(self) -> None:
        self.space = "toy@00000001"

    def unary_unary(self, method: str, *_: object, **__: object) -> object:
        return self.spaces if method.endswith("/ListSpaces") else self.search

    async def spaces(self, *_: object, **__: object) -> indexer_pb2.ListSpacesResponse:
        space = common_pb2.Space(
            name=self.space, blocks=[common_pb2.Block(name="content", dimension=4, default_weight=1.0)]
        )
        return indexer_pb2.ListSpacesResponse(spaces=[indexer_pb2.SpaceState(space=space, aliases=["visual"])])

    async def search(self, request: indexer_pb2.SearchManyRequest, **_: object) -> indexer_pb2.SearchManyResponse:
        results = [
            indexer_pb2.SearchResult(response=indexer_pb2.SearchResponse())
            if dated.search.space == self.space
            else indexer_pb2.SearchResult(error=status_of(SpaceMismatch(self.space, dated.search.space)))
            for dated in request.searches
        ]
        return indexer_pb2.SearchManyResponse(results=results)

    unary_stream = unary_unary


async def test_spaces_are_remembered_until_they_are_asked_for_anew() -> None:
    channel = Moving()
    indexer = GrpcIndexer(channel, time.monotonic, Tuning(space_s=3600.0))  # type: ignore[arg-type]

    async def search(*, anew: bool = False) -> None:
        space = (await indexer.spaces("shop", anew=anew)).visual.name
        await indexer.search(SearchPlan("shop", space, [SearchQuery("seed-1", {}, item_id="coat")], 10))

    await search()
    channel.space = "toy@00000002"
    with pytest.raises(SpaceMismatch):
        await search()
    await search(anew=True)
    await search()


async def test_an_item_has_the_vectors_of_all_its_photos() -> None:
    rows = np.arange(8, dtype="<f4").reshape(2, 4)
    vectors = [common_pb2.Vector(space="toy@00000001", data=row.tobytes()) for row in rows]
    answer = indexer_pb2.GetItemResponse(stored=indexer_pb2.StoredItem(vectors=vectors))
    told = await GrpcItemVectors(Answering(answer)).of("shop", "coat", "toy@00000001")  # type: ignore[arg-type]
    assert np.array_equal(told, rows)
    with pytest.raises(NotFound):
        await GrpcItemVectors(Answering(indexer_pb2.GetItemResponse())).of("shop", "coat", "other")  # type: ignore[arg-type]


def test_an_item_is_as_large_as_what_it_is_made_of() -> None:
    small, large = (indexer_pb2.Item(id="coat", title="x" * letters).SerializeToString() for letters in (1, 10_000))
    answer = indexer_pb2.SearchResponse(packed=indexer_pb2.PackedHits(items=[small, large]))
    sizes = [item.size for item in decode_items(answer)]
    assert sizes[0] >= 1000
    assert sizes[1] >= sizes[0] + 10_000
