"""An experiment from end to end: put with a scene, drawn, recorded with what was shown, compared by the job; of people
who consent only, and of nobody any more who was erased."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from jobs.__main__ import app
from jobs.terminal import EXIT_NOTHING
from tests.e2e.conftest import CALL_S, Stubs
from tests.e2e.pictures import COLOURS, picture
from visrec.v1 import common_pb2, indexer_pb2, profile_pb2, ranker_pb2

CATALOGUE, SCENE, EXPERIMENT = "tried", "tried", "first-of-spring"
PEOPLE = 100
ANSWERS = 2
WITHOUT_CONSENT = 20
RECORDED_S = 20.0

GIVEN, REFUSED = profile_pb2.CONSENT_STATE_GIVEN, profile_pb2.CONSENT_STATE_REFUSED


def person(number: int) -> str:
    return f"tried-somebody-{number}"


@pytest.fixture(scope="module")
def shop(visrec: Stubs) -> Iterator[Stubs]:
    visrec.indexer.CreateCatalogue(indexer_pb2.CreateCatalogueRequest(catalogue=CATALOGUE), timeout=CALL_S)
    items = [
        indexer_pb2.IngestItem(
            item=indexer_pb2.Item(id=f"{colour}-{number}"),
            photos=[common_pb2.Photo(data=picture("rings", colour, number))],
        )
        for colour in COLOURS
        for number in range(3)
    ]
    answer = visrec.indexer.IngestItems(
        indexer_pb2.IngestItemsRequest(catalogue=CATALOGUE, items=items), timeout=CALL_S
    )
    query = indexer_pb2.Query(name="any", item_id="red-0")
    search = indexer_pb2.SearchRequest(catalogue=CATALOGUE, queries=[query], min_version=answer.version)
    visrec.indexer.Search(search, timeout=CALL_S)
    variant = ranker_pb2.Variant(name="seeds-first", share=0.5, signal_weights={"seeds": 1.0})
    scene = ranker_pb2.Scene(
        name=SCENE,
        signal_weights={"seeds": 1.0, "popularity": 1.0},
        experiment=ranker_pb2.Experiment(name=EXPERIMENT, variants=[variant]),
    )
    visrec.ranker.PutSignalWeights(ranker_pb2.PutSignalWeightsRequest(scene=scene), timeout=CALL_S)
    yield visrec
    visrec.ranker.PutSignalWeights(ranker_pb2.PutSignalWeightsRequest(scene=scene, remove=True), timeout=CALL_S)
    visrec.indexer.DeleteCatalogue(indexer_pb2.DeleteCatalogueRequest(catalogue=CATALOGUE), timeout=CALL_S)


@pytest.fixture(scope="module")
def tried(shop: Stubs) -> dict[str, str]:
    """Variant by person, after each was shown something twice; who has `seeds-first` clicks the first of it."""
    had: dict[str, str] = {}
    for number in range(PEOPLE):
        consent = profile_pb2.Consent(personalisation=REFUSED if number < WITHOUT_CONSENT else GIVEN)
        user = profile_pb2.User(user_id=person(number), consent=consent)
        shop.profile.PutUser(profile_pb2.PutUserRequest(user=user), timeout=CALL_S)
        for turn in range(ANSWERS):
            answer = recommended(shop, person(number))
            assert had.setdefault(person(number), answer.variant) == answer.variant
            if answer.variant == "seeds-first" or number % 5 == turn == 0:
                click(shop, person(number), answer)
    until = time.monotonic() + RECORDED_S
    while (found := impressions(shop)) < (PEOPLE - WITHOUT_CONSENT) * ANSWERS * 3:
        assert time.monotonic() < until, f"{found} impressions are recorded"
    return had


def recommended(shop: Stubs, user: str) -> ranker_pb2.RecommendResponse:
    request = ranker_pb2.RecommendRequest(
        catalogue=CATALOGUE,
        user_id=user,
        scene=SCENE,
        n=3,
        seeds=[ranker_pb2.Seed(item_id="red-0")],
        include_seen=True,
        record_impressions=True,
    )
    answer = shop.ranker.Recommend(request, timeout=CALL_S)
    assert answer.experiment == EXPERIMENT
    return answer


def click(shop: Stubs, user: str, answer: ranker_pb2.RecommendResponse) -> None:
    event = profile_pb2.Event(
        event_id=f"click-{answer.recommendation_id}",
        user_id=user,
        type=profile_pb2.EVENT_TYPE_CLICK,
        catalogue=CATALOGUE,
        item_id=answer.recommendations[0].item.id,
        recommendation_id=answer.recommendation_id,
    )
    shop.profile.RecordEvents(profile_pb2.RecordEventsRequest(events=[event]), timeout=CALL_S)


def impressions(shop: Stubs) -> int:
    found, token, begun = 0, "", False
    while token or not begun:
        page = shop.profile.ExportEvents(
            profile_pb2.ExportEventsRequest(catalogue=CATALOGUE, page_token=token), timeout=CALL_S
        )
        found += sum(event.showing.experiment == EXPERIMENT for event in page.events)
        token, begun = page.next_page_token, True
    return found


def job(shop: Stubs, *arguments: str) -> tuple[int, str]:
    targets = {f"VISREC_{name.upper()}_TARGET": shop.fleet.target(name) for name in ("ranker", "profile")}
    result = CliRunner().invoke(
        app, ["experiment", "-c", CATALOGUE, "-s", SCENE, "--newest", "0", *arguments], env=targets
    )
    return result.exit_code, " ".join(result.output.split())


def test_a_better_variant_is_found_and_nobody_is_named(shop: Stubs, tried: dict[str, str]) -> None:
    code, told = job(shop)
    assert code == 0, told
    assert "Better than control, beyond chance: seeds-first." in told
    assert "The groups are as large as their shares" in told
    assert "tried-somebody" not in told
    counted = [variant for name, variant in tried.items() if int(name.rpartition("-")[2]) >= WITHOUT_CONSENT]
    for variant in set(counted):
        answers = ANSWERS * counted.count(variant)
        assert f"│ {answers} │" in told


def test_of_people_without_consent_it_is_in_what_is_frozen_alone(shop: Stubs, tried: dict[str, str]) -> None:
    assert {tried[person(number)] for number in range(WITHOUT_CONSENT)} == {"control", "seeds-first"}
    exported = shop.profile.ExportUser(profile_pb2.ExportUserRequest(user_id=person(0)), timeout=CALL_S)
    assert not exported.events
    assert {record.kind for record in exported.held} == {"recommendation"}
    exported.ClearField("held")
    assert EXPERIMENT.encode() not in exported.SerializeToString()


def test_who_consents_is_told_what_they_took_part_in_and_takes_it_along(shop: Stubs, tried: dict[str, str]) -> None:
    consenting = [name for name in tried if int(name.rpartition("-")[2]) >= WITHOUT_CONSENT]
    one = consenting[0]
    exported = shop.profile.ExportUser(profile_pb2.ExportUserRequest(user_id=one), timeout=CALL_S)
    shown = [event.showing for event in exported.events if event.type == profile_pb2.EVENT_TYPE_IMPRESSION]
    assert {(each.experiment, each.variant, each.scene) for each in shown} == {(EXPERIMENT, tried[one], SCENE)}
    before = impressions(shop)
    shop.profile.DeleteUser(profile_pb2.DeleteUserRequest(user_id=one), timeout=CALL_S)
    assert impressions(shop) == before - len(shown)
    for other in consenting[1:]:
        refused = profile_pb2.SetConsentRequest(user_id=other, consent=profile_pb2.Consent(personalisation=REFUSED))
        shop.profile.SetConsent(refused, timeout=CALL_S)
    code, told = job(shop)
    assert code == EXIT_NOTHING
    assert "there are: none" in told
