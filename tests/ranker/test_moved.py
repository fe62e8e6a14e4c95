"""Aliases that have moved since the ranker asked for a catalogue's spaces."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from services.errors import NotFound, NotReady, SpaceMismatch
from services.ranker.answer import Answer, Ask
from services.ranker.finding.session import SessionEvent
from services.ranker.limits import Limits
from services.ranker.others.ports import Embedding, Found, Opaque, SearchPlan, Spaces, Taste
from services.ranker.recommend import Recommender
from services.spaces import Space
from tests.ranker.fakes import (
    SPACE,
    TOGETHER,
    FakeEmbedder,
    FakeIndexer,
    FakeProfile,
    embedding,
    taste,
    together,
    vector,
)

NEW = Space("toy@00000002", SPACE.blocks)
ROWS = {f"item-{content}": vector(content, 0) for content in range(4)}


def moved(given: Embedding) -> Embedding:
    return replace(given, space=NEW.name)


class MovingIndexer(FakeIndexer):
    """Remembers `before`, and is in `now`. `gone`: spaces that are not searched any more."""

    def __init__(self) -> None:
        super().__init__(ROWS)
        self.factors = {item_id: vector(0, 0)[:4] for item_id in ROWS}
        self.before = Spaces(SPACE)
        self.now = Spaces(NEW, TOGETHER, [SPACE])
        self.gone: set[str] = set()
        self.away = self.hangs = False
        self.asked = 0

    async def spaces(self, catalogue: str, *, anew: bool = False) -> Spaces:
        if not anew:
            return self.before
        self.asked += 1
        if self.hangs:
            await asyncio.get_running_loop().create_future()
        if self.away:
            raise NotReady("the record is away")
        return self.now

    async def search(self, plan: SearchPlan) -> Found:
        if plan.space in self.gone:
            raise SpaceMismatch(NEW.name, plan.space)
        return await super().search(replace(plan, space=SPACE.name) if plan.space == NEW.name else plan)


class Town:
    def __init__(self) -> None:
        self.indexer, self.profile = MovingIndexer(), FakeProfile()
        self.recommender = Recommender(FakeEmbedder(), self.indexer, self.profile, time.monotonic, Limits())

    async def ask(self, **fields: object) -> Answer:
        return await self.recommender.recommend(Ask(catalogue="shop", **fields), 30.0)  # type: ignore[arg-type]


@pytest.fixture
def town() -> Town:
    return Town()


async def test_a_vector_of_the_new_space_is_answered_in_it(town: Town) -> None:
    for fields in (
        {"photo_embedding": moved(embedding(2, 0))},
        {"session": [SessionEvent("upload", embedding=moved(embedding(2, 0)))]},
    ):
        answer = await town.ask(**fields)
        assert answer.space == NEW.name
        assert answer.ranking.ids[0] == "item-2"


async def test_a_vector_of_no_space_is_the_callers_mistake(town: Town) -> None:
    for town.indexer.now in (Spaces(NEW), Spaces(SPACE)):
        with pytest.raises(SpaceMismatch):
            await town.ask(photo_embedding=Embedding("toy@00000003", b""))


async def test_what_is_remembered_is_asked_anew_when_it_is_gone(town: Town) -> None:
    town.indexer.gone = {SPACE.name}
    assert (await town.ask(photo=moved(embedding(2, 0)))).space == NEW.name


async def test_a_head_that_is_gone_is_asked_for_once(town: Town) -> None:
    class Headless(FakeEmbedder):
        async def embed(self, photo: Opaque, space: str, raw: bool = False) -> Embedding:
            if space != NEW.name:
                raise NotFound("space", space)
            return await super().embed(photo, space, raw)

    town.recommender = Recommender(Headless(), town.indexer, town.profile, time.monotonic, Limits())
    assert (await town.ask(photo=moved(embedding(2, 0)))).space == NEW.name
    town.indexer.before = town.indexer.now = Spaces(SPACE)
    with pytest.raises(NotFound, match="space"):
        await town.ask(photo=embedding(2, 0))


async def test_a_space_that_one_replica_does_not_know_yet_is_not_the_callers_mistake(town: Town) -> None:
    town.indexer.gone = {SPACE.name, NEW.name}
    with pytest.raises(NotReady):
        await town.ask(photo=embedding(2, 0))


@pytest.mark.parametrize(
    "known",
    [
        lambda: replace(
            taste(), interests=[replace(each, embedding=moved(each.embedding)) for each in taste((2, 0)).interests]
        ),
        lambda: replace(taste(), collaborative=together(1, 0, 0, 0)),
    ],
)
async def test_somebody_who_is_in_a_new_space_already_lacks_nothing(town: Town, known: Callable[[], Taste]) -> None:
    town.profile.tastes["ann"] = known()
    answer = await town.ask(user_id="ann")
    assert answer.space == NEW.name
    assert "SPACE_MISMATCH" not in {each.reason for each in answer.dropped}


async def test_who_is_where_nothing_is_known_costs_one_question(town: Town) -> None:
    town.profile.tastes["ann"] = replace(taste(), collaborative=Embedding("factors@00000009", b""))
    town.indexer.before = town.indexer.now = Spaces(SPACE, TOGETHER)
    answer = await town.ask(user_id="ann")
    assert "SPACE_MISMATCH" in {each.reason for each in answer.dropped}
    assert town.indexer.asked == 1
    await town.ask(user_id="ann")
    assert town.indexer.asked == 1, "and none with every answer"


async def test_a_record_that_hangs_costs_a_share_of_the_time_and_not_the_answer(town: Town) -> None:
    town.profile.tastes["ann"] = replace(taste(), collaborative=Embedding("factors@00000009", b""))
    town.indexer.before = town.indexer.now = Spaces(SPACE, TOGETHER)
    town.indexer.hangs = True
    answer = await town.recommender.recommend(Ask(catalogue="shop", user_id="ann"), 0.5)
    assert answer.ranking.ids
    assert "SPACE_MISMATCH" in {each.reason for each in answer.dropped}


async def test_while_nobody_can_be_asked_what_is_remembered_holds(town: Town) -> None:
    town.indexer.away = True
    town.profile.tastes["ann"] = replace(taste(), collaborative=together(1, 0, 0, 0))
    assert (await town.ask(user_id="ann")).space == SPACE.name
