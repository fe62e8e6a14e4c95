"""What `make bench-indexer` asks, and how much of what there is was found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.indexer import exact, filling, mixes, question, sieves
from bench.indexer.data import HIGHEST_PRICE, Chunk, Rows, prices
from bench.indexer.exact import STEP_ROWS, recall
from bench.indexer.question import Question
from bench.indexer.space import Block, Space
from bench.indexer.synthetic import Synthetic
from visrec.v1 import common_pb2, indexer_pb2

SPACE = Space("test", (Block("a", 4, 1.0), Block("b", 4, 0.5), Block("c", 4, 0.0)))


def rows(count: int, seed: int = 0) -> Rows:
    random = np.random.default_rng(seed)
    vectors = SPACE.normalised(random.normal(size=(count, SPACE.dimension)).astype(np.float32)).astype(np.float16)
    categories = (vectors[:, :4].argmax(axis=1) + 1).astype(np.uint16)
    return Rows(SPACE, vectors, categories, Path("nowhere"))


@given(count=st.integers(1, 60), wanted=st.integers(1, 12), seed=st.integers(0, 100), data=st.data())
def test_the_nearest_are_those_of_sorting_everything(count: int, wanted: int, seed: int, data: st.DataObject) -> None:
    known = rows(count, seed)
    aims = np.random.default_rng(seed + 1).normal(size=(3, SPACE.dimension)).astype(np.float32)
    passing = np.array(data.draw(st.lists(st.booleans(), min_size=count, max_size=count)))

    found = exact.nearest(known.vectors, aims, wanted, passing)

    scores = np.where(passing, aims @ known.vectors.astype(np.float32).T, -np.inf)
    best = np.argsort(-scores, axis=1)[:, : min(wanted, int(passing.sum()))]
    assert found.tolist() == best.tolist()


def test_the_nearest_are_found_across_steps() -> None:
    known = rows(2 * STEP_ROWS + 10)
    aims = known.vectors[[5, STEP_ROWS, 2 * STEP_ROWS + 9]].astype(np.float32)

    found = exact.nearest(known.vectors, aims, 2)

    assert found[:, 0].tolist() == [5, STEP_ROWS, 2 * STEP_ROWS + 9]


def test_recall_is_the_mean_share_of_what_was_wanted() -> None:
    assert recall([[1, 2], [3, 9]], [[2, 1], [3, 4]]) == 0.75
    assert recall([[7]], [[]]) == 1.0
    assert recall([[]], [[1, 2]]) == 0.0
    assert recall([[1, 1]], [[1, 2]]) == 0.5


def test_recall_of_fewer_questions_than_answers_is_none() -> None:
    with pytest.raises(ValueError, match="zip"):
        recall([[1]], [[1], [2]])


def test_mixes_are_every_corner_and_what_is_between() -> None:
    by_name = {mix.name: mix.weights for mix in mixes.of(SPACE, 5)}

    assert by_name["default"] == ({},)
    assert by_name["c alone"] == ({"c": 1.0},)
    assert by_name["a + c"] == ({"a": 1.0, "c": 1.0},)
    assert by_name["all alike"] == ({"a": 1.0, "b": 1.0, "c": 1.0},)
    assert by_name["all less b"] == ({"a": 1.0, "b": -0.5, "c": 1.0},)
    assert len(by_name["any"]) == 5
    assert len(by_name) == 12


def test_a_space_of_one_block_has_nothing_to_mix() -> None:
    assert [mix.name for mix in mixes.of(Space("one", SPACE.blocks[:1]), 5)] == ["default"]


def test_each_question_of_a_mix_has_weights_in_turn() -> None:
    mix = mixes.Mix("two", ({"a": 1.0}, {"b": 1.0}))
    asked = mix.questions(SPACE, rows(3).vectors.astype(np.float32))
    assert [each.weights for each in asked] == [{"a": 1.0}, {"b": 1.0}, {"a": 1.0}]


def passes(condition: common_pb2.Condition, category: int, price: float) -> bool:
    """What the contract says of the conditions that are used here."""
    if condition.field == "category":
        return filling.category(category) in condition.keyword.any_of
    assert condition.field == "price"
    return price <= condition.range.at_most


@pytest.mark.parametrize("share", [0.5, 0.05, 0.01])
@pytest.mark.parametrize("far", [True, False])
def test_a_filter_lets_pass_what_its_mask_says(share: float, far: bool) -> None:
    known = rows(4000)
    aim = Question(SPACE, known.vectors[0].astype(np.float32)).aim
    sieve = sieves.Far(known).sieve(aim, share) if far else sieves.anywhere(known, share)

    wanted = [
        all(passes(each, category, price) for each in sieve.message.must)
        for category, price in zip(known.categories.tolist(), prices(np.arange(4000)).tolist(), strict=True)
    ]
    assert sieve.passing.tolist() == wanted
    assert sieve.passing.mean() == pytest.approx(share, rel=0.3)


def test_what_is_far_off_is() -> None:
    known = rows(4000)
    aim = Question(SPACE, known.vectors[0].astype(np.float32)).aim
    scores = known.vectors.astype(np.float32) @ aim

    far, anywhere = sieves.Far(known).sieve(aim, 0.05).passing, sieves.anywhere(known, 0.05).passing

    assert scores[far].mean() < scores[anywhere].mean() - 0.1
    assert known.categories[0] not in known.categories[far]


def test_a_search_says_what_is_asked_and_its_answer_is_rows() -> None:
    vector = SPACE.normalised(np.ones((1, 12), np.float32))[0]
    message = Question(SPACE, vector, {"a": 1.0}).message()

    assert np.frombuffer(message.queries[0].vector.data, "<f4").tolist() == vector.tolist()
    assert dict(message.queries[0].block_weights) == {"a": 1.0}
    assert message.limit == question.LIMIT
    answer = indexer_pb2.SearchResponse(hits=[indexer_pb2.Hit(item_id=filling.name(row)) for row in (7, 3)])
    assert question.found(answer.SerializeToString()) == [7, 3]


def test_rows_are_written_in_calls_that_begin_where_they_should() -> None:
    calls = list(filling.requests(Synthetic(), 9_900, 700))

    ids = [item.item.id for call in calls for item in call.items]
    assert ids == [filling.name(row) for row in range(9_900, 10_600)]
    assert max(len(call.items) for call in calls) <= filling.BATCH
    assert len({call.request_id for call in calls}) == len(calls)


def test_an_item_carries_what_its_filters_need() -> None:
    vectors, categories = rows(2).vectors.astype(np.float32), np.array([4, 2], np.uint16)
    (first, second) = filling.request(Synthetic(), 10, Chunk(vectors, categories)).items

    assert (first.item.id, first.item.category, second.item.category) == ("i10", "c4", "c2")
    assert second.item.price == prices(np.array([11]))[0] < HIGHEST_PRICE
    assert np.frombuffer(first.vectors[0].data, "<f4").tolist() == vectors[0].tolist()
