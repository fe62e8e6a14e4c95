"""The signals beside photo, seeds and interests, over fakes: each brings candidates, and counts for all of them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pytest

from services.errors import InvalidInput, NotFound, NotReady, SpaceMismatch
from services.ranker.answer import RECIPROCAL_RANK, Answer, Ask, Seed
from services.ranker.finding.session import SessionEvent
from services.ranker.limits import Limits
from services.ranker.order.calibration import read
from services.ranker.others.ports import CatalogueItem, Embedding, Source, Taste
from services.ranker.recommend import Recommender
from services.ranker.scenes.book import SceneBook
from services.ranker.scenes.rules import Boost, Rules
from services.ranker.scenes.scene import SCENES
from tests.ranker.fakes import (
    TOGETHER,
    FakeEmbedder,
    FakeIndexer,
    FakeProfile,
    FakeTraits,
    Fault,
    embedding,
    taste,
    together,
    vector,
)

NOW_S = 1_800_000_000.0
DAY_S = 24 * 3600.0

ROWS = {f"{'ab'[colour]}{content}": vector(content, colour) for content in range(4) for colour in range(2)}
"""Eight items: the digit is the content, `a` and `b` are the two colours (and the two domains)."""


class World:
    """A recommender and the three fakes behind it."""

    def __init__(self, limits: Limits = Limits()) -> None:  # noqa: B008 - frozen
        self.embedder, self.indexer, self.profile = FakeEmbedder(), FakeIndexer(ROWS), FakeProfile()
        self.recommender = Recommender(
            self.embedder, self.indexer, self.profile, time.monotonic, limits, now=lambda: NOW_S
        )

    async def ask(self, **fields: object) -> Answer:
        return await self.recommender.recommend(Ask(**{"catalogue": "shop", "explain": True, **fields}), 30.0)  # type: ignore[arg-type]  # the fields are those of Ask


@pytest.fixture
def world() -> World:
    return World()


def ids(answer: Answer) -> list[str]:
    return [item.item["id"] for item in answer.recommended]  # type: ignore[index]  # the fake's payload


def dropped(answer: Answer) -> dict[str, str]:
    return {each.signal: each.reason for each in answer.dropped}


def values(answer: Answer, signal: str) -> Iterator[tuple[str, float]]:
    """Item and the contribution of a signal to its score."""
    for item in answer.recommended:
        yield item.item["id"], sum(part.contribution for part in item.parts if part.signal == signal)  # type: ignore[index]


async def test_a_session_draws_and_pushes_without_anybody_being_named(world: World) -> None:
    events = [SessionEvent("click", "a1", age_s=30.0), SessionEvent("dislike", "a2", age_s=60.0)]
    answer = await world.ask(session=events)
    assert answer.used == {"session": 1.0}
    assert ids(answer)[0] == "b1"
    assert ids(answer)[-1] == "b2", "what is like the disliked comes last"
    assert not {"a1", "a2"} & set(ids(answer))
    assert answer.recommended[0].reasons[0].text == "Close to “Title of a1”, which you looked at just now"
    assert ids(await world.ask(session=events[::-1])) == ids(answer)


async def test_the_latest_of_a_session_counts_most(world: World) -> None:
    early, late = SessionEvent("click", "a1", age_s=1800.0), SessionEvent("click", "a3", age_s=10.0)
    assert ids(await world.ask(session=[early, late]))[0] == "b3"


async def test_impressions_are_left_out_and_unknown_items_do_not_count(world: World) -> None:
    answer = await world.ask(
        session=[SessionEvent("impression", "b1"), SessionEvent("view", "nowhere"), SessionEvent("like", "a1")]
    )
    assert ids(answer)[0] in {"a0", "a2", "a3"}
    assert "b1" not in ids(answer)
    assert {part.query for part in answer.recommended[0].parts} == {"session-1"}
    with pytest.raises(NotFound):
        await world.ask(session=[SessionEvent("like", "a1")], seeds=[Seed("nowhere")])


async def test_a_photo_of_the_session_is_of_the_catalogues_space(world: World) -> None:
    answer = await world.ask(session=[SessionEvent("upload", embedding=embedding(3, 1))])
    assert ids(answer)[0] == "b3"
    with pytest.raises(SpaceMismatch):
        await world.ask(session=[SessionEvent("upload", embedding=Embedding("toy@00000002", b""))])


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (SessionEvent("sneeze", "a1"), "session_events[0].type"),
        (SessionEvent("like"), "session_events[0].item_id"),
        (SessionEvent("like", "a1", age_s=-1.0), "session_events[0].time"),
    ],
)
async def test_what_cannot_be_an_event_is_named(world: World, event: SessionEvent, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await world.ask(session=[event])
    assert refused.value.field == field


def known_together(world: World) -> None:
    """The factors of the items are their contents; `ann` is near to content 3 and likes content 0."""
    world.indexer.factors = {item_id: row[:4] for item_id, row in ROWS.items()}
    world.profile.tastes = {"ann": replace(taste((0, 0)), collaborative=together(0.1, 0.0, 0.0, 1.0))}


async def test_the_collaborative_space_brings_candidates_and_every_candidate_has_both_values(world: World) -> None:
    limits = Limits(candidates=2, all_candidates=2, least_candidates=2)
    world = World(limits)
    known_together(world)
    answer = await world.ask(user_id="ann", signal_weights={"collaborative": 0.6})
    assert answer.used == {"taste": 0.5, "collaborative": 0.5}
    assert answer.collaborative_space == "collaborative@00000001"
    collaborative, visual = dict(values(answer, "collaborative")), dict(values(answer, "taste"))
    assert set(collaborative) == {"a0", "b0", "a3", "b3"}, "two of each space"
    cosine = 1 / np.sqrt(1.01)
    for item_id, told in collaborative.items():
        factor = {"0": 0.1, "3": 1.0}[item_id[1]] * cosine
        assert told == pytest.approx(0.5 * factor, abs=1e-3)
    assert visual["a3"] > visual["b3"] == 0.0, "the colour of what they like, and nothing of it"
    nearest = [(plan.space, plan.score_only) for plan in world.indexer.plans]
    assert nearest[:2] == [("toy@00000001", False), ("collaborative@00000001", False)], "one search for each space"
    assert {score_only for _, score_only in nearest[2:]} == {True}, "the others look for no neighbours"


async def test_the_reason_is_that_others_like_it_too(world: World) -> None:
    known_together(world)
    answer = await world.ask(user_id="ann", signal_weights={"taste": 0.0})
    assert ids(answer)[0] in {"a3", "b3"}
    assert answer.recommended[0].reasons[0].kind == "LIKED_TOGETHER"


async def test_what_cannot_be_had_of_the_collaborative_space_is_told(world: World) -> None:
    known_together(world)
    world.profile.tastes["bob"] = taste((0, 0))
    world.profile.tastes["cem"] = replace(taste((0, 0)), collaborative=Embedding("collaborative@00000002", b""))
    assert dropped(await world.ask(user_id="bob"))["collaborative"] == "NO_VECTOR"
    assert dropped(await world.ask(user_id="cem"))["collaborative"] == "SPACE_MISMATCH"
    world.indexer.factors = {}
    assert "collaborative" not in dropped(await world.ask(user_id="ann"))
    asked_for = await world.ask(user_id="ann", signal_weights={"collaborative": 1.0})
    assert dropped(asked_for)["collaborative"] == "NO_SPACE"


async def test_somebody_is_searched_for_where_they_are_while_people_are_moved(world: World) -> None:
    """A job has put the one and not yet the other, and the alias moves last."""
    known_together(world)
    before = await world.ask(user_id="ann")
    world.indexer.behind = replace(TOGETHER, name="collaborative@00000009")
    meanwhile = await world.ask(user_id="ann")
    assert ids(meanwhile) == ids(before)
    assert meanwhile.collaborative_space == TOGETHER.name
    assert "collaborative" not in dropped(meanwhile)


async def test_without_the_collaborative_search_the_visual_one_answers() -> None:
    class HalfBlind(FakeIndexer):
        async def search(self, plan):  # type: ignore[no-untyped-def]
            if plan.space.startswith("collaborative"):
                raise NotReady("gone")
            return await super().search(plan)

    world = World()
    world.indexer = HalfBlind(ROWS)
    world.recommender = Recommender(world.embedder, world.indexer, world.profile, time.monotonic, Limits())
    known_together(world)
    answer = await world.ask(user_id="ann")
    assert answer.used == {"taste": 1.0}
    assert dropped(answer)["collaborative"] == "INDEXER_UNAVAILABLE"


async def test_what_is_popular_in_a_segment_counts_beside_what_is_popular(world: World) -> None:
    world.profile.tastes = {"ann": Taste(personalised=True, segment="s1"), "bob": Taste(personalised=True)}
    world.profile.counts = {"a0": 1000.0}
    world.profile.of_segments = {"s1": {"b3": 30.0}}
    weights = {"segment": 0.8, "popularity": 0.2}
    anns = await world.ask(user_id="ann", signal_weights=weights)
    assert ids(anns)[:2] == ["b3", "a0"]
    assert anns.used == pytest.approx(weights)
    assert anns.recommended[0].reasons[0].kind == "LIKED_BY_ALIKE"
    bobs = await world.ask(user_id="bob", signal_weights=weights)
    assert ids(bobs)[0] == "a0"
    assert bobs.used == {"popularity": 1.0}, "what is popular among all stands for it"
    assert dropped(bobs)["segment"] == "NO_SEGMENT"
    world.profile.of_segments = {}
    assert dropped(await world.ask(user_id="ann"))["segment"] == "NO_SEGMENT"


async def test_new_items_are_candidates_where_newness_counts(world: World) -> None:
    world.indexer.traits = {"b2": FakeTraits(NOW_S - DAY_S), "a1": FakeTraits(NOW_S - 14 * DAY_S)}
    answer = await world.ask(photo=embedding(0, 0), signal_weights={"freshness": 1.0})
    fresh = dict(values(answer, "freshness"))
    assert fresh["b2"] == pytest.approx(0.5 * 0.5 ** (1 / 7))
    assert fresh["a1"] == pytest.approx(0.5 * 0.25)
    assert fresh["a0"] == 0.0, "its time is not known"
    assert "FRESH" in {reason.kind for item in answer.recommended for reason in item.reasons}
    assert not world.indexer.plans[0].vectors
    assert "freshness" in (await world.ask(scene="social")).used
    assert "freshness" not in (await world.ask(photo=embedding(0, 0))).used


async def test_where_nothing_has_a_time_newness_is_dropped(world: World) -> None:
    answer = await world.ask(photo=embedding(0, 0), signal_weights={"freshness": 1.0})
    assert answer.used == {"photo": 1.0}
    assert dropped(answer)["freshness"] == "NO_TIMES"


async def test_a_block_that_pushes_away_does_not_choose_the_liked_item_that_is_named(world: World) -> None:
    liked = replace(taste((1, 0)).interests[0], sources=[Source("a2", "like"), Source("b1", "like")])
    world.profile.tastes = {"ann": replace(taste((1, 0)), interests=[liked])}
    answer = await world.ask(user_id="ann", block_weights={"content": -1.0, "colour": 1.0})
    (named,) = [reason.item_id for reason in answer.recommended[0].reasons if reason.item_id]
    assert (ids(answer)[0], named) == ("a1", "b1")


async def test_a_scene_for_the_blocks_of_other_spaces_searches_by_the_defaults(world: World) -> None:
    blocks = {"content": 0.0, "style": 1.0}
    book = SceneBook({"balanced": replace(SCENES["balanced"], blocks=blocks)}, "own")
    recommender = Recommender(
        world.embedder, world.indexer, world.profile, time.monotonic, Limits(), book=lambda: book, now=lambda: NOW_S
    )
    answer = await recommender.recommend(Ask("shop", photo=embedding(0, 0)), 30.0)
    assert ids(answer)[0] == "a0"


@pytest.mark.parametrize("explain", [True, False])
@pytest.mark.parametrize(
    ("fault", "why"), [(Fault(NotReady("gone")), "INDEXER_UNAVAILABLE"), (Fault(None), "DEADLINE_EXCEEDED")]
)
async def test_an_indexer_that_goes_after_the_search_leaves_the_ids(
    world: World, fault: Fault, why: str, explain: bool
) -> None:
    whole = await world.ask(photo=embedding(0, 0), explain=explain)

    async def items(*_: object) -> Mapping[str, CatalogueItem]:
        await fault.strike()
        return {}

    world.indexer.items = items  # type: ignore[assignment, method-assign]
    answer = await world.recommender.recommend(Ask("shop", photo=embedding(0, 0), explain=explain), 0.1)
    assert dropped(answer)["items"] == why
    assert [(each.item_id, each.score, each.parts) for each in answer.recommended] == [
        (each.item_id, each.score, each.parts) for each in whole.recommended
    ]
    assert {each.item for each in answer.recommended} == {None}


async def test_rules_filter_raise_and_bound(world: World) -> None:
    world.indexer.traits = {
        item_id: FakeTraits(
            category=item_id[1],
            group_id=item_id,
            fields={"availability": ["available"] if item_id != "a2" else ["out_of_stock"], "tags": [item_id]},
        )
        for item_id in ROWS
    }
    photo = embedding(2, 0)
    assert ids(await world.ask(photo=photo))[0] == "a2"
    assert ids(await world.ask(photo=photo, rules=Rules(only_available=True)))[0] == "b2"
    bounded = ids(await world.ask(photo=photo, rules=Rules(max_per_category=1)))
    assert sorted(item_id[1] for item_id in bounded) == ["0", "1", "2", "3"]
    raised = await world.ask(photo=photo, rules=Rules(boosts=(Boost("ours", "tags", ("a0",), 1.0),)))
    assert ids(raised)[0] == "a0"
    assert raised.recommended[0].parts[-1].signal == "rule:ours"
    assert raised.recommended[0].reasons[0].text == "Because of your rule tags = a0"


async def test_diversity_and_near_duplicates_go_by_vectors_that_came_along(world: World) -> None:
    world.indexer.rows["a2-again"] = ROWS["a2"]
    photo = embedding(2, 0)
    assert ids(await world.ask(photo=photo))[:2] == ["a2", "a2-again"]
    assert "a2-again" not in ids(await world.ask(photo=photo, rules=Rules(near_duplicate_cosine=0.99)))
    assert ids(await world.ask(photo=photo, diversity=0.6))[1] not in {"a2-again", "b2"}
    assert world.indexer.plans[-2].vectors
    whole = ids(await world.ask(photo=photo, diversity=0.6, n=9))
    for n in range(1, 9):
        assert ids(await world.ask(photo=photo, diversity=0.6, n=n)) == whole[:n]


async def test_ranks_can_be_fused_instead_of_values(world: World) -> None:
    world.profile.tastes = {"ann": taste((0, 1), (3, 0))}
    answer = await world.ask(photo=embedding(2, 0), user_id="ann", fusion=RECIPROCAL_RANK)
    first = answer.recommended[0]
    assert [part.signal for part in first.parts] == ["photo", "taste"]
    assert first.score == first.parts[0].contribution + first.parts[1].contribution
    assert all(1 / 69 <= part.value <= 1 / 61 for part in first.parts)


async def test_scenes_bring_rules_and_diversity_and_curves_their_version(world: World) -> None:
    own = replace(SCENES["shop"], name="own", rules=Rules(max_per_category=1), diversity=0.1)
    calibration = read(
        '{"version": "c1", "catalogues": {"shop": {"curves": {"photo": {"content": {"at": [0, 1], "to": [0, 3]}}}}}}'
    )
    recommender = Recommender(
        world.embedder,
        world.indexer,
        world.profile,
        time.monotonic,
        Limits(),
        book=lambda: SceneBook({**SCENES, "own": own}, "b1"),
        calibration=calibration,
    )
    world.indexer.traits = {item_id: FakeTraits(category=item_id[1]) for item_id in ROWS}
    answer = await recommender.recommend(Ask("shop", photo=embedding(2, 0), scene="own", explain=True), 30.0)
    assert sorted(item_id[1] for item_id in ids(answer)) == ["0", "1", "2", "3"]
    assert (answer.weights_version, answer.calibration_version) == ("b1", "c1")
    content = next(part for part in answer.recommended[0].parts if part.block == "content")
    assert content.value == pytest.approx(3 / 1.3, rel=1e-3)


async def test_without_the_index_there_is_what_was_shown_lately(world: World) -> None:
    world.profile.counts = {"a1": 5.0}
    await world.ask(photo=embedding(1, 0), n=4)
    world.indexer.fault = Fault(NotReady("gone"))
    answer = await world.ask(photo=embedding(2, 0), exclude=["a0"])
    assert ids(answer)[0] == "a1"
    assert "a0" not in ids(answer)
    assert answer.used == {"popularity": 1.0}
    assert dropped(answer)["photo"] == "INDEXER_UNAVAILABLE"
    assert dropped(answer)["search"] == "INDEXER_UNAVAILABLE"
    with pytest.raises(NotReady):
        await world.ask(photo=embedding(2, 0), min_version="v2")


async def test_what_was_shown_lately_is_named_so_for_nobody_too(world: World) -> None:
    world.profile.counts = {"a1": 5.0}
    await world.ask(n=4)
    world.indexer.fault = Fault(NotReady("gone"))
    answer = await world.ask(n=2)
    assert ids(answer)[0] == "a1"
    assert answer.index_version == ""
    assert dropped(answer) == {"search": "INDEXER_UNAVAILABLE"}


async def test_several_queries_that_bring_the_same_bring_more() -> None:
    world = World(Limits(candidates=8, all_candidates=4, least_candidates=2))
    world.profile.tastes = {"ann": taste((0, 0), (0, 0))}
    assert len(ids(await world.ask(user_id="ann"))) == 8
    assert [plan.limit for plan in world.indexer.plans if plan.queries[0].positive] == [2, 8]


async def test_the_order_of_seeds_does_not_matter(world: World) -> None:
    seeds = [Seed("a1", 0.3), Seed("b3", 0.7), Seed("a0", -0.1)]
    one, other = await world.ask(seeds=seeds), await world.ask(seeds=seeds[::-1])
    assert [(item.item, item.score) for item in one.recommended] == [(i.item, i.score) for i in other.recommended]


async def test_in_another_colour_does_not_push_away_the_colours_that_somebody_likes(world: World) -> None:
    """They like the second colour and ask for a thing of the first one in another."""
    world.profile.tastes = {"ann": taste((1, 1))}
    blocks = {"content": 1.0, "colour": -0.5}
    answer = await world.ask(photo=embedding(2, 0), user_id="ann", block_weights=blocks)
    assert ids(answer)[0] == "b2"
    colours = {item_id: said for item_id, said in values(answer, "taste") if item_id in ("a1", "b1")}
    assert colours["b1"] > colours["a1"] > 0


async def test_where_nothing_passes_the_answer_is_empty(world: World) -> None:
    world.indexer.rows = {}
    assert ids(await world.ask()) == []
    assert ids(await world.ask(photo=embedding(0, 0), domains=["z"], diversity=0.5)) == []


async def test_a_session_of_nothing_that_is_known_is_told_and_the_rest_is_answered(world: World) -> None:
    world.profile.counts = {"a1": 5.0}
    answer = await world.ask(session=[SessionEvent("like", "nowhere")])
    assert ids(answer)[0] == "a1"
    assert answer.used == {"popularity": 1.0}
    assert dropped(answer)["session"] == "ITEM_NOT_FOUND"


async def test_where_only_the_collaborative_space_has_something_to_search_with_it_does(world: World) -> None:
    known_together(world)
    world.profile.tastes["ann"] = replace(world.profile.tastes["ann"], interests=())
    answer = await world.ask(user_id="ann", diversity=0.1, rules=Rules(max_per_group=3))
    assert answer.used == {"collaborative": 1.0}
    assert set(ids(answer)[:2]) == {"a3", "b3"}


async def test_more_candidates_than_one_search_scores_are_scored_in_several(world: World) -> None:
    world = World(Limits(candidates=600, all_candidates=1200))
    world.indexer.rows = {f"item-{at:04d}": vector(at % 4, at // 4 % 2) for at in range(2400)}
    world.indexer.factors = {item_id: row[:4] for item_id, row in world.indexer.rows.items()}
    known = taste((0, 0), (1, 1))
    world.profile.tastes = {"ann": replace(known, collaborative=together(0.0, 0.0, 1.0, 1.0))}
    answer = await world.ask(user_id="ann", n=100)
    assert len(ids(answer)) == 100
    assert {len(plan.also_score) for plan in world.indexer.plans} >= {600, 1000, 200}


async def test_only_what_was_shown_is_remembered_not_what_reasons_refer_to(world: World) -> None:
    world.profile.tastes = {"ann": replace(taste((1, 0)), seen=["b1"])}
    interest = replace(world.profile.tastes["ann"].interests[0], sources=[Source("b1", "save")])
    world.profile.tastes["ann"] = replace(world.profile.tastes["ann"], interests=[interest])
    answer = await world.ask(user_id="ann", domains=["a"], n=2)
    assert any(reason.item_id == "b1" for item in answer.recommended for reason in item.reasons)
    assert set(world.indexer.shown) == set(ids(answer))


async def test_somebody_who_is_erased_between_two_questions_is_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def vanishing(_user: str, _catalogue: str, space: str, **_: bool) -> Taste:
        if space:
            raise SpaceMismatch("other@1", space)
        raise NotFound("user", "ann")

    monkeypatch.setattr(world.profile, "taste", vanishing)
    answer = await world.ask(user_id="ann", photo=embedding(1, 0))
    assert ids(answer)[0] == "a1"
    assert dropped(answer)["taste"] == "USER_NOT_FOUND"
