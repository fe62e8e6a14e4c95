"""A head from end to end: it is learned from labels or from what people do, judged, filled and searched. What is not
better, or was stopped on the way, changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from typer.testing import CliRunner

from jobs.__main__ import app
from jobs.learn_head import HeadJob, Plan
from jobs.pages import Patience
from jobs.terminal import EXIT_NOTHING
from tests.e2e.conftest import CALL_S, Stubs, connected
from tests.e2e.pictures import picture
from tests.fleet import fleet
from visrec.connection import Connection, Targets
from visrec.v1 import common_pb2, embedder_pb2, indexer_pb2, profile_pb2, ranker_pb2

KINDS = ("lamp", "chair", "vase", "rug", "bed", "desk")
ITEMS = 360
PEOPLE = 120
GIVEN = profile_pb2.Consent(personalisation=profile_pb2.CONSENT_STATE_GIVEN)
ON = {
    "VISREC_EMBEDDER_MODEL": "toy",
    "VISREC_INDEXER_KEEP_RAW_FEATURES": "true",
    "VISREC_RANKER_SPACE_TTL_S": "0",
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stubs]:
    """Keeps raw features. Its small model sees greys; what tells kinds apart is in the colours of its features."""
    with fleet(tmp_path_factory.mktemp("learned"), ON) as running, connected(running) as stubs:
        yield stubs


def fill(shop: Stubs, catalogue: str) -> list[str]:
    """Items with raw features, in the default space, and their ids. The kind of each is its category."""
    chance = np.random.default_rng(len(catalogue))
    model = shop.embedder.GetModel(embedder_pb2.GetModelRequest(), timeout=CALL_S).model
    shop.indexer.CreateCatalogue(indexer_pb2.CreateCatalogueRequest(catalogue=catalogue), timeout=CALL_S)
    tiles = model.raw_dimension // 3
    grey, tint = chance.normal(0, 0.3, (ITEMS, tiles, 1)), chance.normal(0, 0.06, (ITEMS, tiles, 3))
    of_kind = chance.normal(0, 0.1, (len(KINDS), tiles, 3))
    colours = of_kind[np.arange(ITEMS) % len(KINDS)] + tint
    raw = (grey + colours - colours.mean(axis=2, keepdims=True)).reshape(ITEMS, -1).astype("<f2")
    dimension = sum(block.dimension for block in model.spaces[0].blocks)
    seen = chance.normal(size=(ITEMS, dimension)).astype("<f4")
    kept = [
        embedder_pb2.KeptFeatures(
            raw_features=features.tobytes(), vector=common_pb2.Vector(space=model.spaces[0].name, data=row.tobytes())
        )
        for features, row in zip(raw, seen, strict=True)
    ]
    projected = shop.embedder.ProjectFeatures(embedder_pb2.ProjectFeaturesRequest(photos=kept), timeout=CALL_S)
    items = [
        indexer_pb2.IngestItem(
            item=indexer_pb2.Item(
                id=f"item-{at}", category=KINDS[at % len(KINDS)], domain=("rooms", "shop")[at // len(KINDS) % 2]
            ),
            vectors=[result.vector],
            raw_features=[features.tobytes()],
        )
        for at, (result, features) in enumerate(zip(projected.results, raw, strict=True))
    ]
    request = indexer_pb2.IngestItemsRequest(catalogue=catalogue, items=items)
    answer = shop.indexer.IngestItems(request, timeout=CALL_S)
    assert [result.status.code for result in answer.results] == [0] * ITEMS
    return [each.item.id for each in items]


def engage(shop: Stubs, catalogue: str) -> None:
    """Each person likes six items of two kinds."""
    chance = np.random.default_rng(2)
    for number in range(PEOPLE):
        person = f"{catalogue}-{number}"
        shop.profile.PutUser(
            profile_pb2.PutUserRequest(user=profile_pb2.User(user_id=person, consent=GIVEN)), timeout=CALL_S
        )
        kinds = chance.choice(len(KINDS), 2, replace=False)
        liked = [at for kind in kinds for at in chance.choice(np.arange(kind, ITEMS, len(KINDS)), 6, replace=False)]
        events = [
            profile_pb2.Event(
                event_id=f"like-{at}",
                user_id=person,
                type=profile_pb2.EVENT_TYPE_LIKE,
                catalogue=catalogue,
                item_id=f"item-{at}",
            )
            for at in liked
        ]
        answer = shop.profile.RecordEvents(profile_pb2.RecordEventsRequest(events=events), timeout=CALL_S)
        assert [result.status.code for result in answer.results] == [0] * len(events)


def run(shop: Stubs, *arguments: str) -> tuple[int, str]:
    """The command as it is typed; its exit code and what it says."""
    names = ("embedder", "indexer", "profile")
    targets = {f"VISREC_{name.upper()}_TARGET": shop.fleet.target(name) for name in names}
    result = CliRunner().invoke(app, ["head", *arguments], env=targets)
    return result.exit_code, result.output


def spaces(shop: Stubs, catalogue: str) -> dict[str, list[str]]:
    """Aliases by the names of spaces, the visual one first."""
    listed = shop.indexer.ListSpaces(indexer_pb2.ListSpacesRequest(catalogue=catalogue), timeout=CALL_S)
    return {state.space.name: list(state.aliases) for state in listed.spaces}


def right(shop: Stubs, catalogue: str) -> float:
    """The share of neighbours of an item that are of its kind."""
    found = []
    for at in range(0, ITEMS, 10):
        search = indexer_pb2.SearchRequest(
            catalogue=catalogue, queries=[indexer_pb2.Query(name="item", item_id=f"item-{at}")], limit=10
        )
        hits = shop.indexer.Search(search, timeout=CALL_S).hits
        found += [int(hit.item_id.removeprefix("item-")) % len(KINDS) == at % len(KINDS) for hit in hits]
    return float(np.mean(found))


def across(shop: Stubs, catalogue: str) -> float:
    """The share of what goes with an item of a room in the shop that is of its kind."""
    found = []
    for at in (*range(6), *range(12, 18)):
        request = ranker_pb2.RecommendRequest(
            catalogue=catalogue,
            seeds=[ranker_pb2.Seed(item_id=f"item-{at}")],
            target_domains=["shop"],
            signal_weights={"seeds": 1.0},
        )
        answer = shop.ranker.Recommend(request, timeout=CALL_S).recommendations
        assert {each.item.domain for each in answer} == {"shop"}
        found += [each.item.category == KINDS[at % len(KINDS)] for each in answer]
    return float(np.mean(found))


def test_labels_make_a_space_that_is_searched_from_then_on(shop: Stubs) -> None:
    fill(shop, "labelled")
    (before,) = spaces(shop, "labelled")
    was = right(shop, "labelled")
    code, told = run(shop, "-c", "labelled", "--held-out", "0.2", "--dry-run")
    assert code == 0, told
    assert "nothing was put" in told
    assert "in other domains" in told
    assert list(spaces(shop, "labelled")) == [before]
    code, told = run(shop, "-c", "labelled", "--held-out", "0.2")
    assert code == 0, told
    now = spaces(shop, "labelled")
    after = next(iter(now))
    assert after in told
    assert now == {after: ["visual"], before: []}
    assert right(shop, "labelled") > was + 0.2
    photo = common_pb2.Photo(data=picture("checks", "red", 1))
    answer = shop.ranker.Recommend(
        ranker_pb2.RecommendRequest(catalogue="labelled", photo=photo, n=3, explain=True), timeout=CALL_S
    )
    assert "kind" in {part.block for each in answer.recommendations for part in each.parts}
    code, told = run(shop, "-c", "labelled", "--held-out", "0.2")
    assert code == EXIT_NOTHING, "what is there is as good"
    assert spaces(shop, "labelled") == now


def test_people_make_one_without_a_label(shop: Stubs) -> None:
    fill(shop, "engaged")
    engage(shop, "engaged")
    was, was_across = right(shop, "engaged"), across(shop, "engaged")
    code, told = run(shop, "-c", "engaged", "--from", "people", "--held-out", "0.3")
    assert code == 0, told
    assert right(shop, "engaged") > was + 0.1
    assert across(shop, "engaged") > was_across + 0.1


def test_a_run_that_was_stopped_goes_on_where_it_was(shop: Stubs) -> None:
    fill(shop, "interrupted")
    at = shop.fleet.target
    targets = Targets(at("embedder"), at("indexer"), at("profile"), at("ranker"))

    def until_filled(what: str, _: float | None) -> Callable[[float], None]:
        if what == "vectors read":
            raise KeyboardInterrupt
        return lambda _: None

    with Connection(targets, CALL_S) as connection:
        patience = Patience(CALL_S, _not_at_all, _no_time)
        job = HeadJob(connection, "interrupted", patience, Plan(share=0.2))
        with pytest.raises(KeyboardInterrupt):
            job.run(until_filled)
        left = spaces(shop, "interrupted")
        heads = shop.embedder.ListHeads(embedder_pb2.ListHeadsRequest(page_size=100), timeout=CALL_S).heads
        assert len(left) == 2
        assert left[next(iter(left))] == ["visual"], "nothing was moved"
        outcome = job.run(lambda what, of: lambda _: None)
    assert list(spaces(shop, "interrupted")) == [outcome.space, outcome.old_space]
    again = shop.embedder.ListHeads(embedder_pb2.ListHeadsRequest(page_size=100), timeout=CALL_S).heads
    assert [head.space.name for head in again] == [head.space.name for head in heads]
    assert "category: 360 items of interrupted, 6 groups" in again[-1].description
    assert f"{outcome.verdict.new_precision:.3f} instead of" in again[-1].description
    assert "in other domains" in again[-1].description


def test_where_nothing_belongs_together_there_is_nothing_to_learn(shop: Stubs) -> None:
    fill(shop, "quiet")
    for arguments in (["--from", "people"], ["--label", "attributes.material"]):
        code, told = run(shop, "-c", "quiet", *arguments)
        assert code == EXIT_NOTHING, told
        assert "0 groups" in told


def test_without_raw_features_there_is_nothing_to_learn_from(shop: Stubs) -> None:
    shop.indexer.CreateCatalogue(indexer_pb2.CreateCatalogueRequest(catalogue="bare"), timeout=CALL_S)
    code, told = run(shop, "-c", "bare")
    assert code == EXIT_NOTHING
    assert "no items" in told
    model = shop.embedder.GetModel(embedder_pb2.GetModelRequest(), timeout=CALL_S).model
    row = np.ones(sum(block.dimension for block in model.spaces[0].blocks), dtype="<f4")
    item = indexer_pb2.IngestItem(
        item=indexer_pb2.Item(id="one"), vectors=[common_pb2.Vector(space=model.spaces[0].name, data=row.tobytes())]
    )
    shop.indexer.IngestItems(indexer_pb2.IngestItemsRequest(catalogue="bare", items=[item]), timeout=CALL_S)
    code, told = run(shop, "-c", "bare")
    assert code == EXIT_NOTHING
    assert "VISREC_INDEXER_KEEP_RAW_FEATURES" in told
    code, told = run(shop, "-c", "nowhere")
    assert code == 1
    assert "nowhere" in told


def _not_at_all(_: float) -> None:
    """A test waits for nothing: services are asked again at once."""


def _no_time() -> float:
    return 0.0
