"""How far an answer across domains stands out: in bounds, blind to what says nothing, and the same on every page."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.ranker.order.confidence import LEAST, confidence
from services.ranker.ranking import Column, Ranking
from services.runtime.settings import RuntimeSettings
from tests.ranker.fakes import vector
from tests.ranker.worlds import Stub, World, served
from visrec.v1 import common_pb2, ranker_pb2

Request = ranker_pb2.RecommendRequest
PHOTO = common_pb2.Photo(data=b"any")

likeness = st.floats(-1.0, 1.0)


def ranking(scores: list[float], signal: str = "photo", boosts: float = 0.0) -> Ranking:
    """Of one signal, of weight 1, and of a rule that raises the last item."""
    n = len(scores)
    raised = np.zeros(n)
    raised[-1] = boosts
    columns = [Column(signal, "photo", "content"), Column("rule:new")]
    values = np.column_stack([np.array(scores), raised])
    return Ranking([f"item-{row}" for row in range(n)], values.sum(axis=1), columns, np.ones((n, 2)), values)


@given(st.lists(likeness, min_size=LEAST, max_size=100), st.floats(-1.0, 1.0))
def test_it_is_between_nothing_and_one_and_neither_order_nor_rules_count(scores: list[float], boost: float) -> None:
    found = confidence(ranking(scores))
    assert found is not None
    assert 0.0 <= found <= 1.0
    assert confidence(ranking(scores[::-1], boosts=boost)) == pytest.approx(found)


@given(likeness, st.integers(LEAST, 100))
@example(score=float(np.nextafter(1.0, 0.0)), many=LEAST)
def test_what_is_all_alike_says_nothing_of_its_order(score: float, many: int) -> None:
    assert confidence(ranking([score] * many)) == pytest.approx(0.0, abs=1e-9)


@given(st.lists(st.floats(-1.0, 0.98), min_size=LEAST, max_size=100), st.floats(0.0, 1.0))
def test_the_nearer_the_best_one_is_the_more(scores: list[float], nearer: float) -> None:
    best = max(scores)
    before = confidence(ranking([best, *scores]))
    after = confidence(ranking([best + nearer * (1.0 - best), *scores]))
    assert before is not None
    assert after is not None
    assert after >= before - 1e-9


def test_it_is_how_much_of_the_way_to_the_perfect_the_best_has_gone() -> None:
    assert confidence(ranking([0.6, *[0.5] * 9, *[0.2] * 10])) == pytest.approx(0.5)
    assert confidence(ranking([1.0, *[0.0] * 30])) == pytest.approx(1.0)
    assert confidence(ranking([1.0] * LEAST)) == 0.0


def test_of_few_items_or_where_nothing_was_compared_there_is_none() -> None:
    assert confidence(ranking([0.6] * (LEAST - 1))) is None
    assert confidence(ranking([0.6] * LEAST, signal="popularity")) is None
    assert confidence(Ranking((), np.zeros(0), (), np.zeros((0, 0)), np.zeros((0, 0)))) is None


@pytest.fixture
async def stub(runtime: RuntimeSettings) -> AsyncIterator[Stub]:
    """Two domains, `item-…` and `room-…`; of the second one thing is what the photo shows."""
    world = World()
    world.indexer.rows |= {f"room-{row:02}": vector(row % 2, row % 2) for row in range(30)}
    world.indexer.rows["room-15"] = vector(2, 0)
    async with served(world, runtime) as stub:
        yield stub


async def test_every_page_of_an_answer_across_domains_has_the_same(stub: Stub) -> None:
    answer = await stub.Recommend(Request(catalogue="shop", photo=PHOTO, target_domains=["r"], n=3))
    assert answer.recommendations[0].item.id == "room-15"
    assert answer.confidence > 0.8
    pages = [
        (await stub.NextPage(ranker_pb2.NextPageRequest(page_token=answer.next_page_token))).page,
        (
            await stub.GetRecommendation(
                ranker_pb2.GetRecommendationRequest(recommendation_id=answer.recommendation_id)
            )
        ).shown,
    ]
    assert [page.confidence for page in pages] == [answer.confidence] * 2
    nothing = await stub.Recommend(
        Request(catalogue="shop", photo=PHOTO, target_domains=["r"], exclude_item_ids=["room-15"])
    )
    assert nothing.confidence < 0.5 < answer.confidence


@pytest.mark.parametrize(
    "request_",
    [
        Request(catalogue="shop", photo=PHOTO),
        Request(catalogue="shop", photo=PHOTO, target_domains=["i"]),
        Request(catalogue="shop", target_domains=["r"]),
        Request(catalogue="shop", photo=PHOTO, target_domains=["r"], fusion=ranker_pb2.FUSION_RECIPROCAL_RANK),
    ],
    ids=["of all domains", "of few items", "with nothing to compare", "by ranks"],
)
async def test_other_answers_have_none(stub: Stub, request_: ranker_pb2.RecommendRequest) -> None:
    answer = await stub.Recommend(request_)
    assert answer.recommendations
    assert not answer.HasField("confidence")
    page = ranker_pb2.GetRecommendationRequest(recommendation_id=answer.recommendation_id)
    assert not (await stub.GetRecommendation(page)).shown.HasField("confidence")
