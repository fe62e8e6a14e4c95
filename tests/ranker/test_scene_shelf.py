"""Scenes that jobs put: checked, versioned, the same for all replicas."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace

import pytest

from services.errors import Conflict, InvalidInput, Overloaded, Refused
from services.ranker.scenes.book import MOST_SCENES, SceneBook
from services.ranker.scenes.experiment import Experiment, Variant
from services.ranker.scenes.scene import PHOTO, SCENES, TASTE, Scene
from services.ranker.scenes.shelf import SceneShelf
from services.ranker.scenes.store import MemorySceneStore, PutScenes, SceneStore
from services.ranker.scenes.store_redis import RedisSceneStore
from services.runtime.redis_async import AsyncRedis

BOOK = SceneBook(SCENES, "builtin-1")
MINE = Scene("mine", "of our own", {PHOTO: 1.0, TASTE: 0.5}, {"content": 1.0})


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest) -> SceneStore:
    if request.param == "memory":
        return MemorySceneStore()
    redis: AsyncRedis = request.getfixturevalue("async_redis")
    return RedisSceneStore(redis.ask)


@pytest.fixture
def some_redis(redis_runtime: object) -> object:
    return redis_runtime


async def put(shelf: SceneShelf, scene: Scene, *, remove: bool = False, if_version: str = "") -> str:
    return await shelf.put(scene, remove=remove, if_version=if_version)


async def test_a_scene_that_was_put_holds_here_at_once_and_elsewhere_after_a_look(store: SceneStore) -> None:
    here, there = SceneShelf(BOOK, store), SceneShelf(BOOK, store)
    assert await put(here, MINE) == "builtin-1+1"
    assert here.book.named("mine") == MINE
    with pytest.raises(InvalidInput, match="no scene 'mine'"):
        there.book.named("mine")
    await there.refresh()
    assert there.book.named("mine") == MINE
    assert there.book.version == here.book.version == "builtin-1+1"


async def test_a_look_that_began_before_a_put_does_not_undo_it() -> None:
    class Slow(MemorySceneStore):
        """The first look at it takes until it is let go on."""

        def __init__(self) -> None:
            super().__init__()
            self.looks = 0
            self.go_on = asyncio.Event()

        async def read(self) -> PutScenes:
            put = await super().read()
            self.looks += 1
            if self.looks == 1:
                await self.go_on.wait()
            return put

    store = Slow()
    shelf = SceneShelf(BOOK, store)
    look = asyncio.create_task(shelf.refresh())
    await asyncio.sleep(0)
    assert await put(shelf, MINE) == "builtin-1+1"
    store.go_on.set()
    await look
    assert (shelf.book.version, shelf.book.named("mine")) == ("builtin-1+1", MINE)


async def test_what_is_built_in_can_be_changed_and_comes_back(store: SceneStore) -> None:
    shelf = SceneShelf(BOOK, store)
    await put(shelf, Scene("shop", "", {TASTE: 1.0}, {}))
    changed = shelf.book.named("shop")
    assert dict(changed.signals) == {TASTE: 1.0}
    assert changed.description == SCENES["shop"].description
    assert changed.blocks == SCENES["shop"].blocks
    assert await put(shelf, Scene("shop", "", {}, {}), remove=True) == "builtin-1+2"
    assert shelf.book.named("shop") == SCENES["shop"]


async def test_who_comes_too_late_changes_nothing(store: SceneStore) -> None:
    shelf = SceneShelf(BOOK, store)
    assert await put(shelf, MINE, if_version="builtin-1") == "builtin-1+1"
    for stale in ("builtin-1", "builtin-1+7", "builtin-0+1", "builtin-1+x"):
        with pytest.raises(Conflict) as late:
            await put(shelf, Scene("mine", "", {TASTE: 1.0}, {}), if_version=stale)
        assert late.value.reason == "WEIGHTS_CHANGED"
    assert await put(shelf, MINE, if_version="builtin-1+1") == "builtin-1+2"


async def test_there_are_only_so_many(store: SceneStore) -> None:
    shelf = SceneShelf(BOOK, store)
    free = MOST_SCENES - len(SCENES)
    for number in range(free):
        await put(shelf, Scene(f"scene-{number}", "", {TASTE: 1.0}, {}))
    with pytest.raises(Overloaded) as full:
        await put(shelf, MINE)
    assert full.value.reason == "TOO_MANY_SCENES"
    await put(shelf, Scene("scene-0", "again", {TASTE: 1.0}, {}))
    await put(shelf, Scene("scene-0", "", {}, {}), remove=True)
    await put(shelf, MINE)


async def test_nothing_is_put_where_nothing_is_kept() -> None:
    with pytest.raises(Refused) as refused:
        await put(SceneShelf(BOOK, None), MINE)
    assert refused.value.reason == "NO_STORE"


@pytest.mark.parametrize(
    ("scene", "field"),
    [
        (Scene("", "", {TASTE: 1.0}, {}), "scene.name"),
        (Scene("Ä", "", {TASTE: 1.0}, {}), "scene.name"),
        (Scene("mine", "", {}, {}), "scene.signal_weights"),
        (Scene("mine", "", {TASTE: 0.0}, {}), "scene.signal_weights"),
        (Scene("mine", "", {"mood": 1.0}, {}), "scene.signal_weights['mood']"),
        (Scene("mine", "", {TASTE: math.nan}, {}), "scene.signal_weights['taste']"),
        (Scene("mine", "", {TASTE: -1.0}, {}), "scene.signal_weights['taste']"),
        (Scene("mine", "", {TASTE: 1.0}, {"content": math.inf}), "scene.block_weights['content']"),
        (Scene("mine", "", {TASTE: 1.0}, {"content": 0.0}), "scene.block_weights"),
        (Scene("mine", "x" * 2000, {TASTE: 1.0}, {}), "scene.description"),
    ],
)
async def test_a_scene_that_cannot_be_is_refused(scene: Scene, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await put(SceneShelf(BOOK, MemorySceneStore()), scene)
    assert refused.value.field == field


async def test_an_experiment_comes_and_goes_with_its_scene(store: SceneStore) -> None:
    experiment = Experiment("spring", [Variant("new", 0.5, {TASTE: 1.0}, {"content": 1.0})])
    here, there = SceneShelf(BOOK, store), SceneShelf(BOOK, store)
    await put(here, replace(MINE, experiment=experiment))
    await there.refresh()
    assert there.book.named("mine").experiment == experiment
    await put(here, MINE)
    await there.refresh()
    assert there.book.named("mine").experiment is None
