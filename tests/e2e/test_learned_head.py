"""A head from end to end: it is learned from labels or from what people do, judged, filled and searched. What is not
better, or was stopped on the way, changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from typer.testing import CliRunner

from jobs.__main__ import app
from jobs.head.reading import NothingLearned
from jobs.learn_head import HeadJob, Plan
from jobs.pages import Patience
from jobs.terminal import EXIT_NOTHING
from tests.e2e.conftest import CALL_S, Stubs, connected
from tests.e2e.kinds import ITEMS, KINDS, engage, fill, spaces
from tests.e2e.pictures import picture
from tests.fleet import fleet
from visrec.connection import Connection, Targets
from visrec.v1 import common_pb2, embedder_pb2, indexer_pb2, ranker_pb2

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


def run(shop: Stubs, *arguments: str) -> tuple[int, str]:
    """The command as it is typed; its exit code and what it says."""
    names = ("embedder", "indexer", "profile")
    targets = {f"VISREC_{name.upper()}_TARGET": shop.fleet.target(name) for name in names}
    result = CliRunner().invoke(app, ["head", *arguments], env=targets)
    return result.exit_code, result.output


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


@pytest.fixture
def connection(shop: Stubs) -> Iterator[Connection]:
    """As a job has one."""
    at = shop.fleet.target
    with Connection(Targets(at("embedder"), at("indexer"), at("profile"), at("ranker")), CALL_S) as connection:
        yield connection


def job_in(connection: Connection, catalogue: str) -> HeadJob:
    """That is not patient: services are asked again at once."""
    return HeadJob(connection, catalogue, Patience(CALL_S, lambda _: None, lambda: 0.0), Plan(share=0.2))


def heads(shop: Stubs) -> list[embedder_pb2.HeadSummary]:
    """What the embedder was given."""
    return list(shop.embedder.ListHeads(embedder_pb2.ListHeadsRequest(page_size=100), timeout=CALL_S).heads)


def once(phase: str, act: Callable[[], object]) -> Callable[[str, float | None], Callable[[float], None]]:
    """For a job to tell its phases to: does something when that one begins."""

    def begin(what: str, _: float | None) -> Callable[[float], None]:
        if what == phase:
            act()
        return lambda _: None

    return begin


def test_a_run_that_was_stopped_goes_on_where_it_was(shop: Stubs, connection: Connection) -> None:
    fill(shop, "interrupted")

    def stop() -> None:
        raise KeyboardInterrupt

    job = job_in(connection, "interrupted")
    with pytest.raises(KeyboardInterrupt):
        job.run(once("vectors read", stop))
    left, given = spaces(shop, "interrupted"), heads(shop)
    assert len(left) == 2
    assert left[next(iter(left))] == ["visual"], "nothing was moved"
    outcome = job.run(lambda what, of: lambda _: None)
    assert list(spaces(shop, "interrupted")) == [outcome.space, outcome.old_space]
    again = heads(shop)
    assert [head.space.name for head in again] == [head.space.name for head in given]
    assert "category: 360 items of interrupted, 6 groups" in again[-1].description
    assert f"{outcome.verdict.new_precision:.3f} instead of" in again[-1].description
    assert "in other domains" in again[-1].description


def test_items_that_are_erased_meanwhile_are_left_out(shop: Stubs, connection: Connection) -> None:
    """One in twenty-four, of those that are asked and of others."""
    ids = fill(shop, "erased")
    request = indexer_pb2.DeleteItemsRequest(catalogue="erased", item_ids=ids[::24])
    outcome = job_in(connection, "erased").run(
        once("vectors read", lambda: shop.indexer.DeleteItems(request, timeout=CALL_S))
    )
    assert list(spaces(shop, "erased")) == [outcome.space, outcome.old_space]
    assert outcome.verdict.passes


def test_where_too_many_are_erased_nothing_is_left_of_the_run(shop: Stubs, connection: Connection) -> None:
    ids = fill(shop, "emptied")
    before, given = spaces(shop, "emptied"), heads(shop)
    request = indexer_pb2.DeleteItemsRequest(catalogue="emptied", item_ids=ids[::12])
    with pytest.raises(NothingLearned, match="30 of 360 items are gone"):
        job_in(connection, "emptied").run(
            once("vectors read", lambda: shop.indexer.DeleteItems(request, timeout=CALL_S))
        )
    assert spaces(shop, "emptied") == before
    assert heads(shop) == given


def test_who_was_quicker_keeps_the_alias(shop: Stubs, connection: Connection) -> None:
    """It was judged beside another space than is searched by then."""
    fill(shop, "quicker")
    (before,) = spaces(shop, "quicker")
    given = heads(shop)
    block = common_pb2.Block(name="content", dimension=2, default_weight=1)
    theirs = common_pb2.Space(name="theirs@12345678", blocks=[block])
    requests = (
        indexer_pb2.CreateSpaceRequest(catalogue="quicker", space=theirs),
        indexer_pb2.SetAliasRequest(catalogue="quicker", alias="visual", space=theirs.name),
    )

    def be_quicker() -> None:
        shop.indexer.CreateSpace(requests[0], timeout=CALL_S)
        shop.indexer.SetAlias(requests[1], timeout=CALL_S)

    with pytest.raises(NothingLearned, match="somebody was quicker: visual of quicker is theirs@12345678"):
        job_in(connection, "quicker").run(once("vectors read", be_quicker))
    assert spaces(shop, "quicker") == {theirs.name: ["visual"], before: []}
    assert heads(shop) == given


def test_who_made_just_the_same_and_was_quicker_is_no_hindrance(shop: Stubs, connection: Connection) -> None:
    fill(shop, "alike")
    (before,) = spaces(shop, "alike")

    def move() -> None:
        (made,) = spaces(shop, "alike").keys() - {before}
        request = indexer_pb2.SetAliasRequest(catalogue="alike", alias="visual", space=made)
        shop.indexer.SetAlias(request, timeout=CALL_S)

    outcome = job_in(connection, "alike").run(once("pages of tastes made anew", move))
    assert outcome.old_space == before
    assert spaces(shop, "alike") == {outcome.space: ["visual"], before: []}


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
