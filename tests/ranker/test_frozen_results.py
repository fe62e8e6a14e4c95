"""Frozen results through a real server: pages, what was shown, why, and what is recorded of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import grpc
import pytest

from services.errors import NotReady
from services.ranker.frozen.freezer import Freezer, Keeping
from services.ranker.scenes.scene import Exposure
from services.runtime.settings import RuntimeSettings
from tests.ranker.fakes import Fault, embedding
from tests.ranker.worlds import ANN, ROWS, Stub, World, known, refusal, served
from tests.servers import serving_async
from visrec.v1 import common_pb2, profile_pb2, ranker_pb2, ranker_pb2_grpc

Request = ranker_pb2.RecommendRequest
PHOTO = common_pb2.Photo(data=b"any")
AWAY = NotReady("away")


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def stub(world: World, runtime: RuntimeSettings) -> AsyncIterator[Stub]:
    async with served(world, runtime) as stub:
        yield stub


def ids(answer: ranker_pb2.RecommendResponse) -> list[str]:
    return [each.item.id for each in answer.recommendations]


def dropped(answer: ranker_pb2.RecommendResponse) -> dict[str, str]:
    return {each.signal: each.reason for each in answer.dropped}


async def page(stub: Stub, token: str, **options: object) -> ranker_pb2.RecommendResponse:
    request = ranker_pb2.NextPageRequest(page_token=token, **options)  # type: ignore[arg-type]
    return (await stub.NextPage(request)).page


@pytest.mark.parametrize("user", ["ann", ""])
async def test_pages_follow_each_other_in_the_ranking_of_the_first(stub: Stub, user: str) -> None:
    whole = await stub.Recommend(Request(catalogue="shop", user_id=user, photo=PHOTO, n=8, explain=True))
    first = await stub.Recommend(Request(catalogue="shop", user_id=user, photo=PHOTO, n=3))
    second = await page(stub, first.next_page_token, explain=True)
    third = await page(stub, second.next_page_token)
    pages = [first, second, third]
    assert [len(each.recommendations) for each in pages] == [3, 3, 2]
    assert [item for each in pages for item in ids(each)] == ids(whole)
    assert [item.rank for each in pages for item in each.recommendations] == list(range(1, 9))
    assert {each.recommendation_id for each in pages} == {first.recommendation_id}
    assert third.next_page_token == ""
    assert [list(item.parts) for item in second.recommendations] == [
        list(item.parts) for item in whole.recommendations[3:6]
    ]
    assert not third.recommendations[0].parts


async def test_a_page_stays_what_it_was_when_the_world_changes(stub: Stub, world: World) -> None:
    before = await stub.Recommend(Request(catalogue="shop", photo=PHOTO, n=8))
    first = await stub.Recommend(Request(catalogue="shop", photo=PHOTO, n=2))
    world.profile.counts = {"item-31": 1e6}
    for _ in range(2):
        assert ids(await page(stub, first.next_page_token, n=4)) == ids(before)[2:6]


async def test_what_was_deleted_is_missing_on_a_page_and_only_named_in_what_was_shown(stub: Stub, world: World) -> None:
    first = await stub.Recommend(Request(catalogue="shop", photo=PHOTO, n=4))
    whole = await page(stub, first.next_page_token, n=4)
    gone, later = ids(first)[1], ids(whole)[0]
    del world.indexer.rows[gone], world.indexer.rows[later]
    assert ids(await page(stub, first.next_page_token, n=4)) == ids(whole)[1:]
    told = (await stub.GetRecommendation(get(first))).shown
    assert ids(told) == ids(first)
    assert [bool(item.item.title) for item in told.recommendations] == [True, False, True, True]


def get(answer: ranker_pb2.RecommendResponse) -> ranker_pb2.GetRecommendationRequest:
    return ranker_pb2.GetRecommendationRequest(recommendation_id=answer.recommendation_id)


async def test_what_was_shown_is_told_again_with_versions_parts_and_reasons(stub: Stub, world: World) -> None:
    request = Request(catalogue="shop", user_id="ann", photo=PHOTO, n=3, explain=True, scene="art", language="zh")
    answer = await stub.Recommend(request)
    world.now += 60
    told = await stub.GetRecommendation(get(answer))
    assert told.shown.recommendations == answer.recommendations
    assert told.shown.provenance == answer.provenance
    assert told.shown.used == answer.used
    assert told.shown.next_page_token == answer.next_page_token
    assert told.time.ToMilliseconds() == round((world.now - 60) * 1000)
    assert told.expire_time.seconds - told.time.seconds == 3600


async def test_of_what_was_asked_nothing_personal_is_kept(stub: Stub) -> None:
    events = [profile_pb2.Event(type=profile_pb2.EVENT_TYPE_LIKE, item_id="item-00")]
    request = Request(catalogue="shop", user_id="ann", photo=PHOTO, session_events=events, n=3, scene="art")
    told = await stub.GetRecommendation(get(await stub.Recommend(request)))
    assert told.asked == Request(catalogue="shop", n=3, scene="art")


async def test_of_a_session_nothing_is_kept_and_the_reason_says_no_more_than_that(stub: Stub) -> None:
    events = [profile_pb2.Event(type=profile_pb2.EVENT_TYPE_LIKE, item_id="item-00")]
    answer = await stub.Recommend(Request(catalogue="shop", session_events=events, n=3, explain=True))
    told = await stub.GetRecommendation(get(answer))
    then, now = answer.recommendations[0].reasons[0], told.shown.recommendations[0].reasons[0]
    assert (then.kind, then.item_id, then.contribution) == (now.kind, "item-00", now.contribution)
    assert (now.item_id, now.text) == ("", "Close to something you chose just now")


async def test_a_result_is_gone_after_its_time_and_says_so(stub: Stub, world: World) -> None:
    answer = await stub.Recommend(Request(catalogue="shop", n=3))
    world.now += 3600
    calls = [
        stub.GetRecommendation(get(answer)),
        stub.NextPage(ranker_pb2.NextPageRequest(page_token=answer.next_page_token)),
        stub.Explain(ranker_pb2.ExplainRequest(recommendation_id=answer.recommendation_id, item_id="item-00")),
    ]
    for call in calls:
        code, reason, _ = await refusal(call)
        assert (code, reason) == (grpc.StatusCode.NOT_FOUND, "RECOMMENDATION_EXPIRED")


@pytest.mark.parametrize("token", ["", "x", "a" * 88, "é"])
async def test_a_token_that_is_none_is_bad_input(stub: Stub, token: str) -> None:
    code, reason, _ = await refusal(stub.NextPage(ranker_pb2.NextPageRequest(page_token=token)))
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "BAD_PAGE_TOKEN")


@pytest.mark.parametrize("n", [-1, 101])
async def test_a_page_has_bounds(stub: Stub, n: int) -> None:
    answer = await stub.Recommend(Request(catalogue="shop", n=3))
    code, _, _ = await refusal(stub.NextPage(ranker_pb2.NextPageRequest(page_token=answer.next_page_token, n=n)))
    assert code == grpc.StatusCode.INVALID_ARGUMENT


async def test_who_does_not_want_it_frozen_gets_no_name(stub: Stub) -> None:
    answer = await stub.Recommend(Request(catalogue="shop", n=3, skip_freezing=True))
    assert (answer.recommendation_id, answer.next_page_token) == ("", "")
    assert "frozen" not in dropped(answer)


async def test_without_its_store_an_answer_comes_and_says_so(stub: Stub, world: World) -> None:
    kept = await stub.Recommend(Request(catalogue="shop", n=3))
    world.store.fault = Fault(AWAY)
    answer = await stub.Recommend(Request(catalogue="shop", n=3))
    assert ids(answer) == ids(kept)
    assert (answer.recommendation_id, answer.next_page_token) == ("", "")
    assert dropped(answer)["frozen"] == "REDIS_UNAVAILABLE"
    for call in (stub.GetRecommendation(get(kept)), stub.NextPage(_next(kept))):
        code, _, _ = await refusal(call)
        assert code == grpc.StatusCode.UNAVAILABLE
    world.store.fault = None
    assert ids((await stub.GetRecommendation(get(kept))).shown) == ids(kept)


def _next(answer: ranker_pb2.RecommendResponse) -> ranker_pb2.NextPageRequest:
    return ranker_pb2.NextPageRequest(page_token=answer.next_page_token)


async def test_a_store_that_comes_up_late_is_noticed_by_whoever_asks(runtime: RuntimeSettings) -> None:
    world = World()
    app = world.app()

    async def nothing() -> None:
        pass

    async with serving_async(replace(app, canary=nothing), runtime) as serving:
        stub = ranker_pb2_grpc.RankerServiceStub(serving.channel)
        world.store.fault = Fault(AWAY)
        for _ in range(2):
            answer = await stub.Recommend(Request(catalogue="shop"))
            assert dropped(answer)["frozen"] == "REDIS_UNAVAILABLE"
        world.store.fault = None
        while not (await stub.Recommend(Request(catalogue="shop"))).recommendation_id:
            pass  # the first that asks has it looked up; a test that hangs is ended


@pytest.mark.parametrize("call", ["page", "shown", "why"])
async def test_a_language_that_is_not_spoken_is_bad_input(stub: Stub, call: str) -> None:
    answer = await stub.Recommend(Request(catalogue="shop", n=3))
    name = answer.recommendation_id
    calls: dict[str, Callable[[], Any]] = {
        "page": lambda: stub.NextPage(ranker_pb2.NextPageRequest(page_token=answer.next_page_token, language="fr")),
        "shown": lambda: stub.GetRecommendation(
            ranker_pb2.GetRecommendationRequest(recommendation_id=name, language="fr")
        ),
        "why": lambda: stub.Explain(why(answer, ids(answer)[0], language="fr")),
    }
    code, _, _ = await refusal(calls[call]())
    assert code == grpc.StatusCode.INVALID_ARGUMENT


async def test_a_store_that_hangs_is_not_waited_for(runtime: RuntimeSettings) -> None:
    world = World()
    world.freezer = Freezer(world.store, Keeping(wait_s=0.0), bytes)
    async with served(world, runtime) as stub:
        world.store.fault = Fault(None)
        answer = await stub.Recommend(Request(catalogue="shop", n=3))
        assert dropped(answer)["frozen"] == "DEADLINE_EXCEEDED"


async def test_a_full_store_is_left_to_others(stub: Stub, world: World) -> None:
    world.store.taken = 0.9
    await world.freezer.refresh()
    assert dropped(await stub.Recommend(Request(catalogue="shop")))["frozen"] == "STORE_FULL"
    world.store.taken = 0.5
    await world.freezer.refresh()
    assert (await stub.Recommend(Request(catalogue="shop"))).recommendation_id


async def test_where_there_is_no_store_everything_says_so(runtime: RuntimeSettings) -> None:
    world = World()
    world.freezer = Freezer(None, Keeping(), bytes)
    async with served(world, runtime) as stub:
        answer = await stub.Recommend(Request(catalogue="shop", n=3))
        assert dropped(answer)["frozen"] == "NO_STORE"
        code, reason, _ = await refusal(stub.GetRecommendation(get(answer)))
        assert (code, reason) == (grpc.StatusCode.FAILED_PRECONDITION, "NO_STORE")


async def test_nothing_is_frozen_of_somebody_who_was_erased(stub: Stub, world: World) -> None:
    before = await stub.Recommend(Request(catalogue="shop", user_id="ann", n=3))
    nobody = await stub.Recommend(Request(catalogue="shop", n=3))
    world.store.erase(ANN)
    late = await stub.Recommend(Request(catalogue="shop", user_id="ann", n=3))
    assert (late.recommendation_id, dropped(late)["frozen"]) == ("", "ERASED")
    code, reason, _ = await refusal(stub.GetRecommendation(get(before)))
    assert (code, reason) == (grpc.StatusCode.NOT_FOUND, "RECOMMENDATION_EXPIRED")
    assert ids((await stub.GetRecommendation(get(nobody))).shown) == ids(nobody)


async def test_the_indexer_away_pages_are_ids(stub: Stub, world: World) -> None:
    answer = await stub.Recommend(Request(catalogue="shop", n=3))
    whole = await page(stub, answer.next_page_token)
    world.indexer.fault = Fault(AWAY)
    weak = await page(stub, answer.next_page_token)
    assert ids(weak) == ids(whole)
    assert dropped(weak)["items"] == "INDEXER_UNAVAILABLE"


def why(answer: ranker_pb2.RecommendResponse, item_id: str, **options: object) -> ranker_pb2.ExplainRequest:
    return ranker_pb2.ExplainRequest(
        recommendation_id=answer.recommendation_id,
        item_id=item_id,
        **options,  # type: ignore[arg-type]
    )


async def test_any_ranked_item_is_explained_with_what_would_change_its_place(stub: Stub) -> None:
    whole = await stub.Recommend(Request(catalogue="shop", user_id="ann", photo=PHOTO, n=8, explain=True))
    answer = await stub.Recommend(Request(catalogue="shop", user_id="ann", photo=PHOTO, n=3))
    for each in whole.recommendations:
        told = await stub.Explain(why(answer, each.item.id))
        assert told.recommendation.parts == each.parts
        assert told.recommendation.rank == each.rank
        assert {change.leaves for change in told.changes} <= {each.rank <= 3}
        assert bool(told.counterfactual) == bool(told.changes)
    code, reason, _ = await refusal(stub.Explain(why(answer, "nowhere")))
    assert (code, reason) == (grpc.StatusCode.NOT_FOUND, "ITEM_NOT_FOUND")


async def test_a_counterfactual_holds_when_it_is_tried(stub: Stub) -> None:
    asked = {"catalogue": "shop", "user_id": "ann", "photo": PHOTO, "n": 3}
    answer = await stub.Recommend(Request(**asked))  # type: ignore[arg-type]
    used = {each.signal: each.weight for each in answer.used}
    tried = 0
    for item_id in ROWS:
        for change in (await stub.Explain(why(answer, item_id))).changes:
            assert used[change.signal] == pytest.approx(change.weight)
            others = (1 - change.weight_needed) / (1 - change.weight)
            weights = {signal: share * others for signal, share in used.items()} | {change.signal: change.weight_needed}
            # A little further than where the two are equal.
            weights[change.signal] += 1e-6 if change.weight_needed > change.weight else -1e-6
            weights = {signal: max(0.0, weight) for signal, weight in weights.items()}
            after = ids(await stub.Recommend(Request(**asked, signal_weights=weights)))  # type: ignore[arg-type]
            assert (item_id in after) == (not change.leaves)
            tried += 1
    assert tried


async def test_a_counterfactual_of_a_diverse_answer_says_that_it_is_of_scores_alone(stub: Stub) -> None:
    asked = {"catalogue": "shop", "user_id": "ann", "photo": PHOTO, "n": 3}
    for diversity, starts in ((0.0, {False}), (0.9, {True})):
        answer = await stub.Recommend(Request(**asked, diversity=diversity))  # type: ignore[arg-type]
        told = [(await stub.Explain(why(answer, item_id))).counterfactual for item_id in ids(answer)]
        assert {text.startswith("By scores alone") for text in told if text} == starts


async def test_the_map_sums_to_the_part_of_the_photo(stub: Stub) -> None:
    answer = await stub.Recommend(Request(catalogue="shop", user_id="ann", photo=PHOTO, n=8, explain=True))
    best = answer.recommendations[0]
    told = await stub.Explain(why(answer, best.item.id, include_evidence_map=True, photo=PHOTO))
    (part,) = [part for part in best.parts if (part.signal, part.block) == ("photo", "content")]
    assert (told.rows, told.columns, told.evidence_block) == (2, 2, "content")
    assert sum(told.evidence) + told.evidence_offset == pytest.approx(part.contribution, rel=1e-3)
    assert told.evidence[3] == pytest.approx(0.9 * part.contribution, rel=1e-3)


async def test_by_reciprocal_rank_the_map_sums_to_the_cosine(stub: Stub) -> None:
    """Nothing is known of blocks there: the best item shows the same as the photo."""
    fusion = ranker_pb2.FUSION_RECIPROCAL_RANK
    answer = await stub.Recommend(Request(catalogue="shop", photo=PHOTO, n=3, fusion=fusion))
    told = await stub.Explain(why(answer, ids(answer)[0], include_evidence_map=True, photo=PHOTO))
    assert sum(told.evidence) + told.evidence_offset == pytest.approx(1.0, rel=1e-3)


async def test_another_photo_has_no_map(stub: Stub, world: World) -> None:
    answer = await stub.Recommend(Request(catalogue="shop", photo=PHOTO, n=3))
    world.evidence.shows = embedding(0, 1)
    code, reason, _ = await refusal(stub.Explain(why(answer, ids(answer)[0], include_evidence_map=True, photo=PHOTO)))
    assert (code, reason) == (grpc.StatusCode.FAILED_PRECONDITION, "EVIDENCE_MISMATCH")


async def test_a_map_needs_a_photo_here_and_there(stub: Stub) -> None:
    answer = await stub.Recommend(Request(catalogue="shop", n=3))
    item_id = ids(answer)[0]
    code, _, _ = await refusal(stub.Explain(why(answer, item_id, include_evidence_map=True)))
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    code, reason, _ = await refusal(stub.Explain(why(answer, item_id, include_evidence_map=True, photo=PHOTO)))
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "NO_PHOTO")


async def test_impressions_are_recorded_with_the_values_that_were_shown(stub: Stub, world: World) -> None:
    answer = await stub.Recommend(
        Request(catalogue="shop", user_id="ann", photo=PHOTO, n=3, explain=True, record_impressions=True)
    )
    await page(stub, answer.next_page_token, record_impressions=True)
    await page(stub, answer.next_page_token, record_impressions=True)
    deeds = await world.recorded()
    assert [deed.item_id for deed in deeds[:3]] == ids(answer)
    assert [dict(deed.values) for deed in deeds[:3]] == [
        pytest.approx(dict(item.signal_values)) for item in answer.recommendations
    ]
    assert {deed.recommendation_id for deed in deeds} == {answer.recommendation_id}
    assert {(deed.user_id, deed.catalogue) for deed in deeds} == {("ann", "shop")}
    assert len({deed.event_id for deed in deeds}) == 6, "a page that is asked for twice counts once"


async def test_what_somebody_was_exposed_to_is_told_with_all_that_follows(stub: Stub, world: World) -> None:
    variant = ranker_pb2.Variant(name="all-taste", share=1.0, signal_weights={"taste": 1.0})
    mine = ranker_pb2.Scene(
        name="mine",
        signal_weights={"popularity": 1.0},
        experiment=ranker_pb2.Experiment(name="spring", variants=[variant]),
    )
    await stub.PutSignalWeights(ranker_pb2.PutSignalWeightsRequest(scene=mine))
    assert mine in (await stub.GetScenes(ranker_pb2.GetScenesRequest())).scenes
    answer = await stub.Recommend(
        Request(catalogue="shop", user_id="ann", n=3, scene="mine", explain=True, record_impressions=True)
    )
    assert [used.signal for used in answer.used] == ["taste"]
    second = await page(stub, answer.next_page_token, record_impressions=True)
    again = await stub.GetRecommendation(
        ranker_pb2.GetRecommendationRequest(recommendation_id=answer.recommendation_id)
    )
    told = [(each.experiment, each.variant) for each in (answer, second, again.shown)]
    assert told == 3 * [("spring", "all-taste")]
    deeds = await world.recorded()
    assert [deed.rank for deed in deeds] == list(range(1, len(deeds) + 1))
    assert {(deed.scene, deed.exposure) for deed in deeds} == {("mine", Exposure("spring", "all-taste"))}
    for_nobody = await stub.Recommend(Request(catalogue="shop", scene="mine"))
    assert (for_nobody.experiment, for_nobody.variant) == ("", "")
    assert [used.signal for used in for_nobody.used] == ["popularity"]


@pytest.mark.parametrize(("user", "reason"), [("bob", "NO_CONSENT"), ("nobody", "USER_NOT_FOUND")])
async def test_nothing_is_recorded_of_who_did_not_consent(stub: Stub, world: World, user: str, reason: str) -> None:
    answer = await stub.Recommend(
        Request(catalogue="shop", user_id=user, photo=PHOTO, n=3, record_impressions=True, remember_photo=True)
    )
    assert {dropped(answer)[what] for what in ("impressions", "remember_photo")} == {reason}
    assert await world.recorded() == []


async def test_nothing_is_recorded_while_consent_is_unknown(stub: Stub, world: World) -> None:
    world.profile.fault = Fault(AWAY)
    answer = await stub.Recommend(
        Request(catalogue="shop", user_id="ann", photo=PHOTO, record_impressions=True, remember_photo=True)
    )
    assert {dropped(answer)[what] for what in ("impressions", "remember_photo")} == {"PROFILE_UNAVAILABLE"}
    assert await world.recorded() == []


async def test_a_page_for_nobody_in_particular_has_no_impressions(stub: Stub) -> None:
    answer = await stub.Recommend(Request(catalogue="shop", n=3))
    request = ranker_pb2.NextPageRequest(page_token=answer.next_page_token, record_impressions=True)
    code, _, _ = await refusal(stub.NextPage(request))
    assert code == grpc.StatusCode.INVALID_ARGUMENT


async def test_a_photo_is_remembered_as_vector_and_features(stub: Stub, world: World) -> None:
    await stub.Recommend(Request(catalogue="shop", user_id="ann", photo=PHOTO, remember_photo=True))
    (deed,) = await world.recorded()
    assert deed.photo is not None
    assert (deed.user_id, deed.photo.raw_features) == ("ann", b"raw")
    assert deed.photo.data == embedding(2, 0).data


async def test_a_photo_is_not_remembered_without_consent_to_that(stub: Stub, world: World) -> None:
    world.profile.tastes["ann"] = known(world.profile.tastes["ann"], ANN, photo_learning=False)
    answer = await stub.Recommend(Request(catalogue="shop", user_id="ann", photo=PHOTO, remember_photo=True))
    assert dropped(answer)["remember_photo"] == "NO_CONSENT"
    assert await world.recorded() == []


async def test_a_photo_that_could_not_be_embedded_is_not_remembered(stub: Stub, world: World) -> None:
    world.embedder.fault = Fault(AWAY)
    answer = await stub.Recommend(Request(catalogue="shop", user_id="ann", photo=PHOTO, remember_photo=True))
    assert dropped(answer)["remember_photo"] == "EMBEDDER_UNAVAILABLE"
    assert await world.recorded() == []
