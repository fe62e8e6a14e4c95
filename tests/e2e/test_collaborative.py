"""What people do together, from end to end: factors are learned, put and searched; new items and newcomers have their
place; a run that is stopped changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from typer.testing import CliRunner

from jobs.__main__ import app
from jobs.collaborative.factors import Recipe
from jobs.learn_collaborative import CollaborativeJob
from jobs.pages import Patience
from jobs.terminal import EXIT_NOTHING
from tests.e2e.conftest import CALL_S, Stubs
from tests.redis_servers import until
from visrec.connection import Connection, Targets
from visrec.v1 import common_pb2, embedder_pb2, indexer_pb2, profile_pb2, ranker_pb2

CATALOGUE = "together"
KINDS = ("lamp", "chair", "vase")
ITEMS, NEW = 180, 30
"""The first ones are touched by somebody, the last ones by nobody."""
PEOPLE, LIKES = 60, 15
GIVEN = profile_pb2.Consent(personalisation=profile_pb2.CONSENT_STATE_GIVEN)


def kind_of(item_id: str) -> int:
    return int(item_id.removeprefix("item-")) % len(KINDS)


@pytest.fixture(scope="module")
def shop(visrec: Stubs) -> Iterator[Stubs]:
    """Items of three kinds that look like their kind, and people who like one kind each."""
    visrec.indexer.CreateCatalogue(indexer_pb2.CreateCatalogueRequest(catalogue=CATALOGUE), timeout=CALL_S)
    space = visrec.embedder.GetModel(embedder_pb2.GetModelRequest(), timeout=CALL_S).model.spaces[0]
    chance = np.random.default_rng(1)
    dimension = sum(block.dimension for block in space.blocks)
    of_kind = chance.normal(size=(len(KINDS), dimension))
    items = []
    for at in range(ITEMS + NEW):
        looks = (of_kind[at % len(KINDS)] + 0.5 * chance.normal(size=dimension)).astype("<f4")
        vector = common_pb2.Vector(space=space.name, data=looks.tobytes())
        item = indexer_pb2.Item(id=f"item-{at}", category=KINDS[at % len(KINDS)])
        items.append(indexer_pb2.IngestItem(item=item, vectors=[vector]))
    request = indexer_pb2.IngestItemsRequest(catalogue=CATALOGUE, items=items)
    answer = visrec.indexer.IngestItems(request, timeout=CALL_S)
    assert [result.status.code for result in answer.results] == [0] * len(items)
    yield visrec
    visrec.indexer.DeleteCatalogue(indexer_pb2.DeleteCatalogueRequest(catalogue=CATALOGUE), timeout=CALL_S)


def join(shop: Stubs, person: str, kind: int, likes: int = LIKES, seed: int = 0) -> None:
    user = profile_pb2.User(user_id=person, consent=GIVEN)
    shop.profile.PutUser(profile_pb2.PutUserRequest(user=user), timeout=CALL_S)
    liked = np.random.default_rng(seed).choice(np.arange(kind, ITEMS, len(KINDS)), likes, replace=False)
    events = [
        profile_pb2.Event(
            event_id=f"like-{at}",
            user_id=person,
            type=profile_pb2.EVENT_TYPE_LIKE,
            catalogue=CATALOGUE,
            item_id=f"item-{at}",
        )
        for at in liked
    ]
    answer = shop.profile.RecordEvents(profile_pb2.RecordEventsRequest(events=events), timeout=CALL_S)
    assert [result.status.code for result in answer.results] == [0] * likes


def run(shop: Stubs) -> tuple[int, str]:
    """The command as it is typed; its exit code and what it says."""
    targets = {f"VISREC_{name.upper()}_TARGET": shop.fleet.target(name) for name in ("indexer", "profile")}
    result = CliRunner().invoke(app, ["collaborative", "-c", CATALOGUE, "--factors", "4"], env=targets)
    return result.exit_code, result.output


def spaces(shop: Stubs) -> dict[str, list[str]]:
    """Aliases by the names of the spaces of factors."""
    listed = shop.indexer.ListSpaces(indexer_pb2.ListSpacesRequest(catalogue=CATALOGUE), timeout=CALL_S).spaces
    return {state.space.name: list(state.aliases) for state in listed if state.space.name.startswith("factors@")}


def searched(shop: Stubs) -> str:
    return next(name for name, aliases in spaces(shop).items() if "collaborative" in aliases)


def liked_together(shop: Stubs, person: str) -> list[str]:
    """Recommended by that signal alone, once the ranker has heard of the space."""
    request = ranker_pb2.RecommendRequest(
        catalogue=CATALOGUE, user_id=person, n=10, signal_weights={"collaborative": 1.0}
    )

    def asked() -> ranker_pb2.RecommendResponse:
        return shop.ranker.Recommend(request, timeout=CALL_S)

    until(lambda: "collaborative" not in {each.signal for each in asked().dropped})
    answer = asked()
    return [each.item.id for each in answer.recommendations]


def test_a_few_people_are_not_learned_from(shop: Stubs) -> None:
    for number in range(5):
        join(shop, f"together-{number}", number % len(KINDS), seed=number)

    code, told = run(shop)

    assert code == EXIT_NOTHING
    assert "take at least 20" in told
    assert not spaces(shop)


@pytest.fixture(scope="module")
def learned(shop: Stubs) -> Stubs:
    """After the job has run."""
    for number in range(PEOPLE):
        join(shop, f"together-{number}", number % len(KINDS), seed=number)
    code, told = run(shop)
    assert code == 0, told
    return shop


def test_people_are_recommended_what_those_like_who_like_the_same(learned: Stubs) -> None:
    for number in range(9):
        found = liked_together(learned, f"together-{number}")
        assert len(found) == 10
        assert np.mean([kind_of(item) == number % len(KINDS) for item in found]) > 0.9


def test_items_that_nobody_has_touched_stand_where_their_looks_say(learned: Stubs) -> None:
    for at in range(ITEMS, ITEMS + 6):
        query = indexer_pb2.Query(name="new", item_id=f"item-{at}")
        search = indexer_pb2.SearchRequest(catalogue=CATALOGUE, queries=[query], limit=10, space=searched(learned))
        hits = learned.indexer.Search(search, timeout=CALL_S).hits
        assert np.mean([kind_of(hit.item_id) == kind_of(f"item-{at}") for hit in hits]) > 0.8
        stored = learned.indexer.GetItem(
            indexer_pb2.GetItemRequest(
                catalogue=CATALOGUE, item_id=f"item-{at}", include_vectors=True, space=searched(learned)
            ),
            timeout=CALL_S,
        ).stored
        row = np.frombuffer(stored.vectors[0].data, "<f4")
        assert abs(np.linalg.norm(row) - 1) < 1e-2
        assert np.linalg.norm(row[:-1]) > 0.1


def test_a_newcomer_is_folded_in(learned: Stubs) -> None:
    join(learned, "together-newcomer", 1, likes=6, seed=99)

    taste = learned.profile.GetTaste(
        profile_pb2.GetTasteRequest(user_id="together-newcomer", catalogue=CATALOGUE), timeout=CALL_S
    ).taste
    assert taste.collaborative.space == searched(learned)
    assert np.frombuffer(taste.collaborative.data, "<f4")[-1] == 0
    assert np.mean([kind_of(item) == 1 for item in liked_together(learned, "together-newcomer")]) > 0.9


def job(shop: Stubs, connection: Connection) -> CollaborativeJob:
    return CollaborativeJob(
        connection, CATALOGUE, Patience(0, lambda _: None, lambda: 0.0), Recipe(factors=4), most_people=1000
    )


@pytest.fixture
def connection(learned: Stubs) -> Iterator[Connection]:
    targets = {f"VISREC_{name.upper()}_TARGET": learned.fleet.target(name) for name in ("indexer", "profile")}
    with Connection(Targets.from_environment(targets), CALL_S) as connected:
        yield connected


def at_phase(
    wanted: str, begun: Callable[[], None] | None = None, told: Callable[[], None] | None = None
) -> Callable[[str, float | None], Callable[[float], None]]:
    """Does something when a phase begins, or when something of it is done."""

    def begin(what: str, total: float | None) -> Callable[[float], None]:
        if what == wanted and begun:
            begun()
        return lambda _: told() if what == wanted and told else None

    return begin


def stop() -> None:
    raise KeyboardInterrupt


def test_a_run_that_is_stopped_moves_nothing_and_the_next_one_ends_it(learned: Stubs, connection: Connection) -> None:
    before = searched(learned)
    join(learned, "together-other", 2, seed=7)
    for begun, told in ((stop, None), (None, stop)):
        for phase in ("items placed", "people placed"):
            with pytest.raises(KeyboardInterrupt):
                job(learned, connection).run(at_phase(phase, begun, told))
            assert searched(learned) == before
            assert len(liked_together(learned, "together-0")) == 10, "whoever was put already is searched for there"
    left = set(spaces(learned)) - {before}

    outcome = job(learned, connection).run(at_phase(""))

    assert {outcome.space} == left
    assert outcome.previous == before
    assert spaces(learned) == {before: [], outcome.space: ["collaborative"]}


def test_who_is_erased_while_it_runs_is_put_nowhere(learned: Stubs, connection: Connection) -> None:
    join(learned, "together-gone", 0, seed=5)

    def erase() -> None:
        learned.profile.DeleteUser(profile_pb2.DeleteUserRequest(user_id="together-gone"), timeout=CALL_S)

    outcome = job(learned, connection).run(at_phase("people placed", erase))

    assert outcome.people.gone == 1
    assert outcome.people.put >= PEOPLE
    assert len(spaces(learned)) == 2
