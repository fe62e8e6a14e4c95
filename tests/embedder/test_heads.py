"""Heads that are given: kept in a store, ready on every replica, refused when they do not suit the model."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from services.embedder.given_head import GivenBlock, GivenHead, unpack
from services.embedder.head_store import MAX_HEADS, Entry, HeadStore, MemoryHeadStore, Receipt
from services.embedder.head_store_redis import RedisHeadStore
from services.embedder.heads import MAX_ASKING, Heads
from services.errors import Conflict, InvalidInput, NotFound, NotReady, Overloaded, Refused
from services.runtime.redis import open_redis
from services.runtime.settings import RuntimeSettings
from services.spaces import Block
from tests.embedder.pictures import waves
from tests.embedder.whole import toy

TOY = toy()
RAW = TOY.card.raw_dimension


def a_head(seed: int = 0, description: str = "learned from waves", **block: Any) -> GivenHead:
    random = np.random.default_rng(seed)
    matrix, mean = random.normal(size=(5, RAW)).astype("f4"), random.normal(size=5).astype("f4")
    linear = GivenBlock(replace(Block("content", 5), **block), matrix, mean)
    return GivenHead("visual", description, (linear, GivenBlock(Block("colour", 6, 0.5))))


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest, runtime: RuntimeSettings) -> Iterator[HeadStore]:
    made: HeadStore = MemoryHeadStore()
    if request.param == "redis":
        url = request.getfixturevalue("redis_url")
        made = RedisHeadStore(lambda: open_redis(runtime.model_copy(update={"redis_url": url})), TOY.card.digest)
    yield made
    made.close()


def heads(store: HeadStore | None, loaded_bytes: int = 1 << 20) -> Heads:
    clock = iter(range(1, 10_000))
    return Heads(TOY.model, store, lambda: next(clock), loaded_bytes)


class TestStore:
    ENTRY = Entry("visual@00000001", b"about", b"\x00\xffnumbers")

    def test_what_is_put_is_got_and_listed(self, store: HeadStore) -> None:
        store.put(self.ENTRY, None)
        assert store.get(self.ENTRY.space) == self.ENTRY
        assert store.abouts() == {self.ENTRY.space: b"about"}
        assert store.get("visual@00000002") is None

    def test_the_first_of_a_space_stays(self, store: HeadStore) -> None:
        store.put(self.ENTRY, None)
        store.put(replace(self.ENTRY, about=b"later"), None)
        assert store.abouts() == {self.ENTRY.space: b"about"}

    def test_a_request_id_acts_once_and_for_one_payload(self, store: HeadStore) -> None:
        store.put(self.ENTRY, Receipt("id", "one"))
        store.put(self.ENTRY, Receipt("id", "one"))
        with pytest.raises(Conflict):
            store.put(replace(self.ENTRY, space="visual@00000002"), Receipt("id", "other"))
        assert len(store.abouts()) == 1

    def test_the_same_request_again_does_nothing(self, store: HeadStore) -> None:
        store.put(self.ENTRY, Receipt("id", "one"))
        store.delete(self.ENTRY.space)
        store.put(self.ENTRY, Receipt("id", "one"))
        assert store.get(self.ENTRY.space) is None, "a retry that comes late does not bring it back"

    def test_there_is_a_most_and_a_known_one_may_always_come_again(self, store: HeadStore) -> None:
        for number in range(MAX_HEADS):
            store.put(replace(self.ENTRY, space=f"visual@{number:08x}"), None)
        store.put(self.ENTRY, None)
        with pytest.raises(Overloaded, match="DeleteHead"):
            store.put(replace(self.ENTRY, space="visual@ffffffff"), None)

    def test_what_is_deleted_is_gone(self, store: HeadStore) -> None:
        store.put(self.ENTRY, None)
        assert store.delete(self.ENTRY.space)
        assert not store.delete(self.ENTRY.space)
        assert store.get(self.ENTRY.space) is None


async def test_a_head_makes_a_space_that_another_replica_and_a_restart_know(store: HeadStore) -> None:
    space = await heads(store).put(a_head())
    assert space.name.startswith("visual@")
    assert [(block.name, block.dimension, block.default_weight) for block in space.blocks] == [
        ("content", 5, 1.0),
        ("colour", 6, 0.5),
    ]
    head = await heads(store).require(space.name)
    seen = TOY.look(np.stack([waves(32, 32, seed) for seed in range(3)]))
    given_block = a_head().blocks[0]
    assert given_block.matrix is not None
    assert given_block.mean is not None
    content = seen.features @ given_block.matrix.T - given_block.mean
    content /= np.linalg.norm(content, axis=1, keepdims=True)
    np.testing.assert_allclose(head.vectors(seen)[:, :5], content, atol=1e-6)
    np.testing.assert_allclose(head.vectors(seen)[:, 5:], TOY.head.vectors(seen)[:, 16:], atol=1e-6)


async def test_the_same_head_is_the_same_space_and_any_other_is_another() -> None:
    known = heads(MemoryHeadStore())
    spaces = [await known.put(head) for head in (a_head(), a_head(), a_head(1), a_head(default_weight=0.7))]
    assert spaces[0] == spaces[1]
    assert len({space.name for space in spaces}) == 3
    moved = a_head().blocks[0]
    assert moved.mean is not None
    other_mean = GivenHead("visual", "", (replace(moved, mean=moved.mean + 1), a_head().blocks[1]))
    other_family = GivenHead("picture", "", a_head().blocks)
    assert len({(await known.put(head)).name for head in (a_head(), other_mean, other_family)}) == 3


async def test_the_models_own_space_is_the_default_and_needs_no_store() -> None:
    assert await heads(None).require("") is TOY.head
    assert await heads(None).require(TOY.space.name) is TOY.head
    with pytest.raises(NotFound, match=TOY.space.name):
        await heads(None).require("visual@00000000")
    with pytest.raises(Refused, match="VISREC_REDIS_URL"):
        await heads(None).put(a_head())


async def test_a_request_id_with_another_head_is_a_conflict(store: HeadStore) -> None:
    known = heads(store)
    space = await known.put(a_head(), "once")
    assert await known.put(a_head(), "once") == space
    with pytest.raises(Conflict):
        await known.put(a_head(1), "once")
    with pytest.raises(Conflict):
        await known.put(a_head(description="other words"), "once")
    with pytest.raises(InvalidInput):
        await known.put(a_head(), "x" * 129)


async def test_pages_are_oldest_first_and_end(store: HeadStore) -> None:
    known = heads(store)
    names = [(await known.put(a_head(seed))).name for seed in range(5)]
    found, token = [], ""
    while True:
        page, token = await known.page(2, token)
        found += [summary.space.name for summary in page]
        if not token:
            break
    assert found == names
    with pytest.raises(InvalidInput):
        await known.page(-1, "")
    with pytest.raises(InvalidInput, match="page_token"):
        await known.page(2, "made up")


async def test_a_deleted_head_cannot_be_asked_for(store: HeadStore) -> None:
    known = heads(store)
    space = await known.put(a_head())
    other = heads(store)
    await other.require(space.name)
    await known.delete(space.name)
    for replica in (known, other):
        with pytest.raises(NotFound):
            await replica.delete(space.name)
        with pytest.raises(NotFound):
            await replica.require(space.name)


async def test_heads_that_are_asked_for_at_once_are_read_once(store: HeadStore) -> None:
    space = await heads(store).put(a_head())
    known = heads(store)
    found = await asyncio.gather(*(known.require(space.name) for _ in range(10)))
    assert len({id(head) for head in found}) == 1


async def test_too_many_who_wait_for_the_store_are_refused(store: HeadStore) -> None:
    known = heads(store)
    outcomes = await asyncio.gather(
        *(known.put(a_head(seed)) for seed in range(MAX_ASKING + 20)), return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, Overloaded)]
    assert len(refused) >= 20


def broken(**changes: Any) -> GivenHead:
    block = a_head().blocks[0]
    return GivenHead("visual", "", (replace(block, **changes),))


@pytest.mark.parametrize(
    ("head", "field"),
    [
        (GivenHead("Visual", "", a_head().blocks), "head.family"),
        (GivenHead("visual", "x" * 1025, a_head().blocks), "head.description"),
        (GivenHead("visual", "", ()), "head.blocks"),
        (GivenHead("visual", "", (GivenBlock(Block("style", 6)),)), "head.blocks[0].block.name"),
        (GivenHead("visual", "", (GivenBlock(Block("colour", 7)),)), "head.blocks[0].block.dimension"),
        (broken(matrix=np.full((5, RAW), np.nan, "f4")), "head.blocks[0].matrix"),
        (broken(mean=np.full(5, np.inf, "f4")), "head.blocks[0].mean"),
        (broken(matrix=np.zeros((5, RAW), "f4")), "head.blocks[0].matrix"),
        (broken(block=Block("Content", 5)), "head.blocks[0].block.name"),
        (GivenHead("visual", "", a_head().blocks[:1] * 2), "head.blocks[1].block.name"),
        (broken(matrix=np.full((5, RAW), 2e6, "f4")), "head.blocks[0].matrix"),
        (broken(block=Block("content", 5, 0.0)), "head.blocks"),
    ],
)
async def test_a_head_that_does_not_suit_is_refused_by_its_field(head: GivenHead, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await heads(MemoryHeadStore()).put(head)
    assert caught.value.field == field


async def test_used_heads_stay_ready_and_seldom_ones_are_read_again(store: HeadStore) -> None:
    """What is loaded is bounded by bytes, and what makes room is not lost."""
    one = 4 * 5 * (RAW + 1)
    known = heads(store, loaded_bytes=2 * one)
    names = [(await known.put(a_head(seed))).name for seed in range(3)]
    ready = await known.require(names[2])
    assert await known.require(names[2]) is ready
    for name in names * 2:
        assert (await known.require(name)).space.name == name
    assert await known.require(names[0]) is await known.require(names[0])
    assert await known.require(names[2]) is not ready, "it made room, and was read again"


@given(
    dimensions=st.lists(st.integers(1, 7), min_size=1, max_size=4),
    seed=st.integers(0, 99),
    own=st.booleans(),
    description=st.text(max_size=20),
)
def test_heads_survive_being_packed(dimensions: list[int], seed: int, own: bool, description: str) -> None:
    random = np.random.default_rng(seed)
    blocks = [
        GivenBlock(
            Block(f"b{number}", size, float(random.random())),
            random.normal(size=(size, RAW)).astype("f4"),
            random.normal(size=size).astype("f4"),
        )
        for number, size in enumerate(dimensions)
    ]
    if own:
        blocks.insert(seed % len(blocks), GivenBlock(Block("colour", 6)))
    head = GivenHead("visual", description, tuple(blocks))
    again = unpack(head.about(7), head.numbers(), RAW)
    assert again.space("digest") == head.space("digest")
    assert (again.family, again.description) == (head.family, head.description)


async def test_heads_of_another_model_are_not_seen(redis_runtime: RuntimeSettings) -> None:
    ours, theirs = (RedisHeadStore(lambda: open_redis(redis_runtime), digest) for digest in (TOY.card.digest, "f" * 64))
    space = await heads(ours).put(a_head())
    assert theirs.get(space.name) is None
    ours.close()
    theirs.close()


async def test_without_redis_known_heads_serve_and_others_are_not_ready(runtime: RuntimeSettings) -> None:
    nowhere = runtime.model_copy(update={"redis_url": "redis://127.0.0.1:1", "redis_timeout_s": 0.2})
    away = RedisHeadStore(lambda: open_redis(nowhere), TOY.card.digest)
    known = heads(away)
    assert await known.require("") is TOY.head
    with pytest.raises(NotReady):
        await known.require("visual@00000000")
    with pytest.raises(NotReady):
        await known.put(a_head())
    away.close()


def test_a_head_is_on_disk_when_it_is_acknowledged(redis_runtime: RuntimeSettings) -> None:
    """It is written by one script, so a crash leaves all of it or nothing."""
    store = RedisHeadStore(lambda: open_redis(redis_runtime), TOY.card.digest)
    store.put(Entry("visual@00000001", b"about", b"numbers"), Receipt("id", "print"))
    with redis.Redis.from_url(redis_runtime.redis_url) as client:
        assert client.config_get("append*")["appendfsync"] == "always"
        assert len(client.keys("visrec:{heads:*")) == 3
        assert client.ttl(client.keys("*:request:*")[0]) > 86_000
    store.close()
