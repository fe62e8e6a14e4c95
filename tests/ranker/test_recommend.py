"""The use case over fakes: what is used, what is dropped and why, and that each signal moves the answer."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from services.errors import (
    Internal,
    InvalidInput,
    InvalidPicture,
    NotFound,
    NotReady,
    Overloaded,
    SpaceMismatch,
    TooLate,
)
from services.ranker.answer import Answer, Ask, Seed
from services.ranker.limits import Limits
from services.ranker.others.ports import SEGMENT, STATED, Embedding, Source, Taste
from services.ranker.recommend import Recommender
from services.ranker.scenes.scene import SIGNALS
from tests.ranker.fakes import SPACE, FakeEmbedder, FakeIndexer, FakeProfile, Fault, embedding, taste, vector

ROWS = {f"{'ab'[colour]}{content}": vector(content, colour) for content in range(4) for colour in range(2)}
"""Eight items: the digit is the content, `a` and `b` are the two colours (and the two domains)."""


class World:
    """A recommender and the three fakes behind it."""

    def __init__(self) -> None:
        self.embedder, self.indexer, self.profile = FakeEmbedder(), FakeIndexer(ROWS), FakeProfile()
        self.recommender = Recommender(self.embedder, self.indexer, self.profile, time.monotonic, Limits())

    async def ask(self, budget_s: float = 30.0, **fields: object) -> Answer:
        return await self.recommender.recommend(Ask(**{"catalogue": "shop", "explain": True, **fields}), budget_s)  # type: ignore[arg-type]  # the fields are those of Ask


@pytest.fixture
def world() -> World:
    return World()


def ids(answer: Answer) -> list[str]:
    return [item.item["id"] for item in answer.recommended]  # type: ignore[index]  # the fake's payload


def dropped(answer: Answer) -> dict[str, str]:
    return {each.signal: each.reason for each in answer.dropped}


async def test_a_photo_finds_what_it_shows(world: World) -> None:
    answer = await world.ask(photo=embedding(2, 0), n=2)
    assert ids(answer) == ["a2", "b2"]
    assert answer.used == {"photo": 1.0}
    assert answer.model_digest == "model"
    assert dropped(answer) == {"popularity": "NO_EVENTS"}


async def test_two_people_get_different_answers_to_the_same_photo(world: World) -> None:
    world.profile.tastes = {"ann": taste((0, 1)), "bob": taste((3, 1))}
    anns = await world.ask(photo=embedding(2, 0), user_id="ann")
    bobs = await world.ask(photo=embedding(2, 0), user_id="bob")
    assert ids(anns)[0] == ids(bobs)[0] == "a2", "both stay close to the photo"
    assert ids(anns)[2] != ids(bobs)[2]
    assert anns.used == {"photo": pytest.approx(1 / 1.6), "taste": pytest.approx(0.6 / 1.6)}


async def test_what_was_seen_is_left_out(world: World) -> None:
    world.profile.tastes = {"ann": taste((2, 0), seen=["a2", "b2"])}
    assert not {"a2", "b2"} & set(ids(await world.ask(user_id="ann")))
    assert "a2" in ids(await world.ask(user_id="ann", include_seen=True))


async def test_nobody_and_nothing_get_what_is_popular(world: World) -> None:
    world.profile.counts = {"b3": 9.0, "a1": 30.0}
    answer = await world.ask()
    assert ids(answer)[:2] == ["a1", "b3"]
    assert len(ids(answer)) == len(ROWS), "other items fill the rest"
    assert answer.used == {"popularity": 1.0}
    assert [part.signal for part in answer.recommended[0].parts] == ["popularity"]


async def test_somebody_without_history_gets_what_is_popular_and_is_told(world: World) -> None:
    world.profile.tastes = {"new": Taste(personalised=True)}
    world.profile.counts = {"b3": 9.0}
    answer = await world.ask(user_id="new")
    assert ids(answer)[0] == "b3"
    assert dropped(answer) == {"taste": "NO_HISTORY"}


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (None, "USER_NOT_FOUND"),
        (Taste(personalised=False), "NO_CONSENT"),
        (
            replace(taste((0, 0)), interests=[replace(taste((0, 0)).interests[0], embedding=Embedding("x@0", b""))]),
            "SPACE_MISMATCH",
        ),
    ],
)
async def test_a_taste_that_cannot_be_used_is_named(world: World, known: Taste | None, reason: str) -> None:
    if known:
        world.profile.tastes = {"ann": known}
    assert dropped(await world.ask(user_id="ann", photo=embedding(0, 0)))["taste"] == reason


async def test_popularity_counts_for_items_that_a_photo_found(world: World) -> None:
    """An item's true popularity is in its score, however the item was found."""
    world.profile.counts = {"b2": 1000.0}
    answer = await world.ask(photo=embedding(2, 0), signal_weights={"popularity": 1.0})
    parts = {item.item["id"]: {part.signal: part.value for part in item.parts} for item in answer.recommended}  # type: ignore[index]
    assert parts["b2"]["popularity"] == pytest.approx(1000 / 1010)
    assert parts["a2"]["popularity"] == 0.0


async def test_seeds_attract_and_repel_and_are_not_in_the_answer(world: World) -> None:
    answer = await world.ask(seeds=[Seed("a1"), Seed("a2", -1.0)])
    assert ids(answer)[0] == "b1"
    assert ids(answer)[-1] == "b2"
    assert not {"a1", "a2"} & set(ids(answer))
    assert answer.recommended[0].reasons[0].text == "Close to “Title of a1”"
    told = {reason.text for item in answer.recommended for reason in item.reasons}
    assert "Close to “Title of a2”" not in told, "the seed that repels is no company"


async def test_what_a_negative_seed_does_for_an_item_is_told_as_unlikeness(world: World) -> None:
    world.indexer.rows |= {"far": -vector(2, 0)}
    answer = await world.ask(seeds=[Seed("a1"), Seed("a2", -1.0)])
    told = {item.item["id"]: [reason.text for reason in item.reasons] for item in answer.recommended}  # type: ignore[index]
    assert told["far"] == ["Unlike “Title of a2”"]


async def test_who_wants_it_in_another_colour_is_not_told_that_it_has_the_colours(world: World) -> None:
    world.indexer.rows |= {"far": -vector(2, 0)}
    answer = await world.ask(photo=embedding(2, 0), block_weights={"colour": -1.0})
    told = {item.item["id"]: [reason.text for reason in item.reasons] for item in answer.recommended}  # type: ignore[index]
    assert told["far"] == ["It has other colours than the photo"]
    assert not any("the colours of the photo" in text for texts in told.values() for text in texts)


async def test_the_weights_of_seeds_may_be_as_large_as_floats_are(world: World) -> None:
    answer = await world.ask(seeds=[Seed("a1", 1.7e308), Seed("b1", 1.7e308)])
    assert sum(part.weight for part in answer.recommended[0].parts if part.block == "content") == pytest.approx(1.0)


async def test_seeds_of_no_weight_are_named_as_dropped(world: World) -> None:
    answer = await world.ask(seeds=[Seed("a1")], photo=embedding(2, 0), signal_weights={"seeds": 0.0})
    assert dropped(answer)["seeds"] == "ZERO_WEIGHT"


async def test_reasons_name_what_was_liked(world: World) -> None:
    world.profile.tastes = {"ann": taste((1, 0))}
    world.indexer.rows["liked-0"] = vector(1, 0)
    answer = await world.ask(user_id="ann", exclude=["liked-0"])
    reason = answer.recommended[0].reasons[0]
    assert (reason.kind, reason.item_id) == ("CLOSE_TO_LIKED", "liked-0")
    assert reason.text == "Close to “Title of liked-0”, which you liked"


@pytest.mark.parametrize(
    ("source", "kind", "text"),
    [
        (Source("", STATED, "minimalism"), "STATED_INTEREST", "Because of your interest in minimalism"),
        (Source("", SEGMENT), "LIKED_BY_ALIKE", "People who are like you like such things"),
        (Source("", "upload"), "CLOSE_TO_LIKED", "Close to a photo you sent"),
    ],
)
async def test_interests_that_are_supposed_are_searched_with_and_told_as_such(
    world: World, source: Source, kind: str, text: str
) -> None:
    corner = taste((1, 0))
    world.profile.tastes = {"ann": replace(corner, interests=[replace(corner.interests[0], sources=[source])])}
    answer = await world.ask(user_id="ann")
    assert ids(answer)[0] == "a1"
    reason = answer.recommended[0].reasons[0]
    assert (reason.kind, reason.item_id, reason.text) == (kind, "", text)


async def test_the_reason_is_the_source_that_is_nearest_to_the_item(world: World) -> None:
    """Not the strongest of the interest, when another one is what the item looks like."""
    liked = [Source("a1", "purchase"), Source("b3", "like"), Source("deleted", "view")]
    corner = taste((1, 0), seen=["a1", "b3"])
    world.profile.tastes = {"ann": replace(corner, interests=[replace(corner.interests[0], sources=liked[:2])])}
    answer = await world.ask(user_id="ann")
    because = {item.item["id"]: item.reasons[0].item_id for item in answer.recommended if item.reasons}  # type: ignore[index]
    assert because["b1"] == "a1", "the same content"
    assert because["a3"] == "b3", "the same content, though the purchase of a1 made the interest"
    world.profile.tastes = {"ann": replace(corner, interests=[replace(corner.interests[0], sources=liked)])}
    answer = await world.ask(user_id="ann")
    assert answer.recommended[0].reasons[0].item_id == "a1", "a source was deleted: the strongest is named"
    assert dropped(answer) == {"popularity": "NO_EVENTS", "reasons": "ITEM_NOT_FOUND"}


async def test_filter_domains_and_exclusions_hold(world: World) -> None:
    answer = await world.ask(photo=embedding(2, 0), filter={"b1", "b2", "a1"}, domains=["b"], exclude=["b2"])
    assert ids(answer) == ["b1"]


async def test_the_top_n_is_a_prefix_of_the_top_n_plus_one(world: World) -> None:
    world.profile.tastes = {"ann": taste((0, 1), (3, 0))}
    world.profile.counts = {"b3": 9.0}
    whole = ids(await world.ask(photo=embedding(2, 0), user_id="ann", n=8))
    for n in range(1, 8):
        assert ids(await world.ask(photo=embedding(2, 0), user_id="ann", n=n)) == whole[:n]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (NotReady("gone"), "UNAVAILABLE"),
        (Overloaded("full"), "UNAVAILABLE"),
        (Internal("a bug"), "UNAVAILABLE"),
        (TooLate("late"), "DEADLINE_EXCEEDED"),
    ],
)
async def test_without_the_embedder_the_person_is_still_answered(world: World, error: Exception, reason: str) -> None:
    world.profile.tastes = {"ann": taste((0, 1))}
    world.embedder.fault = Fault(error)  # type: ignore[arg-type]
    answer = await world.ask(photo=embedding(2, 0), user_id="ann")
    assert ids(answer)[0] == "b0"
    assert dropped(answer)["photo"].endswith(reason)
    assert answer.used == {"taste": 1.0}


async def test_without_the_profile_the_photo_is_still_answered(world: World) -> None:
    world.profile.fault = Fault(NotReady("gone"))
    answer = await world.ask(photo=embedding(2, 0), user_id="ann")
    assert ids(answer)[0] == "a2"
    assert dropped(answer) == dict.fromkeys(("taste", "seen", "popularity"), "PROFILE_UNAVAILABLE")


async def test_who_does_not_answer_in_time_is_left_out(world: World) -> None:
    world.profile.fault = Fault(None)
    answer = await world.ask(budget_s=0.2, photo=embedding(2, 0), user_id="ann")
    assert ids(answer)[0] == "a2"
    assert dropped(answer)["taste"] == "DEADLINE_EXCEEDED"


async def test_popularity_lost_on_the_way_gives_its_weight_to_the_others(world: World) -> None:
    class Forgetful(FakeProfile):
        async def popularity(self, catalogue: str, ids: object, segment: str = "") -> object:  # type: ignore[override]
            raise NotReady("gone")

    world.profile = Forgetful()
    world.profile.counts = {"b3": 9.0}
    world.recommender = Recommender(world.embedder, world.indexer, world.profile, time.monotonic, Limits())
    answer = await world.ask(photo=embedding(2, 0))
    assert answer.used == {"photo": 1.0}
    assert dropped(answer) == {"popularity": "PROFILE_UNAVAILABLE"}


async def test_nothing_left_to_answer_from_is_an_error(world: World) -> None:
    world.profile.fault = Fault(NotReady("gone"))
    with pytest.raises(NotReady, match="nothing is left"):
        await world.ask(user_id="ann")
    world.profile.fault = None
    world.indexer.fault = Fault(NotReady("gone"))
    with pytest.raises(NotReady):
        await world.ask(photo=embedding(0, 0))


async def test_errors_of_the_request_are_not_swallowed(world: World) -> None:
    world.embedder.fault = Fault(InvalidPicture("photo.data", "not a picture"))
    with pytest.raises(InvalidPicture):
        await world.ask(photo=embedding(0, 0))
    with pytest.raises(NotFound, match="item 'nowhere'"):
        await world.ask(seeds=[Seed("nowhere")])
    with pytest.raises(NotFound, match="catalogue 'other'"):
        await world.ask(catalogue="other")
    with pytest.raises(SpaceMismatch):
        await world.ask(photo_embedding=Embedding("toy@00000002", b""))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"catalogue": ""}, "catalogue"),
        ({"n": 0}, "n"),
        ({"n": -1}, "n"),
        ({"n": 10_000}, "n"),
        ({"scene": "opera"}, "scene"),
        ({"signal_weights": {"mood": 1.0}}, "signal_weights['mood']"),
        ({"signal_weights": {"photo": -1.0}}, "signal_weights['photo']"),
        ({"signal_weights": {"photo": float("nan")}}, "signal_weights['photo']"),
        ({"signal_weights": dict.fromkeys(SIGNALS, 0.0)}, "signal_weights"),
        ({"signal_weights": dict.fromkeys(SIGNALS, 1e308)}, "signal_weights"),
        ({"block_weights": {"content": 0.0}}, "block_weights"),
        ({"block_weights": {"smell": 1.0}}, "block_weights['smell']"),
        ({"seeds": [Seed("")]}, "seeds[0].item_id"),
        ({"seeds": [Seed("a1"), Seed("a1")]}, "seeds[1].item_id"),
        ({"seeds": [Seed("a1", float("inf"))]}, "seeds[0].weight"),
        ({"seeds": [Seed(f"s{number}") for number in range(17)]}, "seeds"),
        ({"diversity": 2.0}, "diversity"),
        ({"catalogue": "c" * 49}, "catalogue"),
        ({"user_id": "u" * 129}, "user_id"),
        ({"domains": ["d"] * 65}, "target_domains"),
        ({"photo": embedding(0, 0), "photo_embedding": embedding(0, 0)}, "photo_vector"),
        ({"photo_embedding": Embedding(SPACE.name, b"123")}, "photo_vector.data"),
        ({"exclude": ["a"] * 1001}, "exclude_item_ids"),
    ],
)
async def test_bad_input_names_its_field(world: World, fields: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await world.ask(10.0, **fields)
    assert refused.value.field == field
