"""What the ranker remembers of others for some seconds: lists, counts, items."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from services.errors import NotFound, NotReady
from services.ranker.others.counts import Counts
from services.ranker.others.items import CATALOGUES, ItemCache
from services.ranker.others.ports import CatalogueItem
from services.ranker.others.refreshed import Refreshed
from services.ranker.others.remembered import Shown


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Source:
    """Values that a test can change and take away. `asked`: what was loaded, call by call."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}
        self.away = False
        self.lost = False
        self.asked: list[list[str]] = []

    async def one(self, key: str) -> list[float]:
        self.asked.append([key])
        await asyncio.sleep(0)
        if self.away:
            raise NotReady("gone")
        if self.lost:
            raise NotFound("key", key)
        return [self.values[key]] if key in self.values else []

    async def many(self, keys: Sequence[str]) -> list[float]:
        self.asked.append(list(keys))
        await asyncio.sleep(0)
        if self.away:
            raise NotReady("gone")
        return [self.values.get(key, 0.0) for key in keys]


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


class TestRefreshed:
    @staticmethod
    def made() -> tuple[Refreshed[str, list[float]], Source, Clock]:
        source, clock = Source(), Clock()
        source.values = {"a": 1.0}
        return Refreshed(source.one, clock, fresh_s=5.0, stale_s=60.0), source, clock

    async def test_many_who_ask_at_once_load_it_once(self) -> None:
        known, source, _ = self.made()
        assert await asyncio.gather(*(known.get("a") for _ in range(10))) == [[1.0]] * 10
        assert len(source.asked) == 1

    async def test_nobody_waits_for_a_value_that_is_made_anew(self) -> None:
        known, source, clock = self.made()
        await known.get("a")
        source.values["a"], clock.now = 2.0, 5.0
        assert await known.get("a") == [1.0]
        await turns()
        assert await known.get("a") == [2.0]

    async def test_what_is_too_old_is_waited_for(self) -> None:
        known, source, clock = self.made()
        await known.get("a")
        source.values["a"], clock.now = 2.0, 60.0
        assert await known.get("a") == [2.0]

    async def test_while_the_source_is_away_the_old_value_stands_for_a_time(self) -> None:
        known, source, clock = self.made()
        await known.get("a")
        source.away, clock.now = True, 59.0
        assert await known.get("a") == [1.0]
        await turns()
        clock.now = 60.0
        with pytest.raises(NotReady):
            await known.get("a")

    async def test_emptiness_is_not_kept(self) -> None:
        known, source, _ = self.made()
        assert await known.get("b") == []
        source.values["b"] = 3.0
        assert await known.get("b") == [3.0]

    async def test_what_does_not_exist_any_more_is_forgotten(self) -> None:
        known, source, clock = self.made()
        await known.get("a")
        source.lost, clock.now = True, 5.0
        await known.get("a")
        await turns()
        with pytest.raises(NotFound):
            await known.get("a")

    async def test_who_gives_up_does_not_stop_the_others(self) -> None:
        known, _, _ = self.made()
        first, second = (asyncio.create_task(known.get("a")) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        assert await second == [1.0]


class TestCounts:
    @staticmethod
    def made(most: int = 1000) -> tuple[Counts, Source, Clock]:
        source, clock = Source(), Clock()
        source.values = {"a": 1.0, "b": 2.0}
        return Counts(source.many, clock, fresh_s=10.0, stale_s=60.0, most=most), source, clock

    async def test_counts_come_in_the_order_asked_for_and_are_loaded_once(self) -> None:
        counts, source, _ = self.made()
        assert await counts.get(["b", "c", "a"]) == [2.0, 0.0, 1.0]
        assert await counts.get(["a", "b", "d"]) == [1.0, 2.0, 0.0]
        assert source.asked == [["b", "c", "a"], ["d"]]
        assert await counts.get([]) == []

    async def test_old_ones_are_made_anew_beside(self) -> None:
        counts, source, clock = self.made()
        await counts.get(["a", "b"])
        source.values["a"], clock.now = 5.0, 10.0
        assert await counts.get(["a", "b"]) == [1.0, 2.0]
        await turns()
        assert await counts.get(["a", "b"]) == [5.0, 2.0]

    async def test_while_the_source_is_away_old_ones_stand_for_a_time(self) -> None:
        counts, source, clock = self.made()
        await counts.get(["a", "b"])
        source.away = True
        for now in (10.0, 25.0, 69.0):
            clock.now = now
            assert await counts.get(["a", "b"]) == [1.0, 2.0]
            await turns()
        clock.now = 200.0
        with pytest.raises(NotReady):
            await counts.get(["a", "b"])

    async def test_a_source_that_is_back_is_asked_again(self) -> None:
        counts, source, clock = self.made()
        await counts.get(["a"])
        source.away, clock.now = True, 10.0
        await counts.get(["a"])
        await turns()
        source.away, source.values["a"] = False, 9.0
        await counts.get(["a"])
        await turns()
        assert await counts.get(["a"]) == [9.0]

    async def test_they_are_bounded(self) -> None:
        counts, _, _ = self.made(most=10)
        for number in range(100):
            await counts.get([f"x{number}"])
        assert len(counts._new) + len(counts._old) <= 24


class TestItemCache:
    @staticmethod
    def item(item_id: str) -> CatalogueItem:
        return CatalogueItem(item_id, item_id.upper(), None)

    def test_only_what_is_of_the_very_version_is_known(self) -> None:
        cache = ItemCache(100)
        cache.add("shop", "v1", [self.item("a"), self.item("b")])
        assert cache.known("shop", "v1", ["a", "c"]) == ({"a": self.item("a")}, ["c"])
        assert cache.known("shop", "v2", ["a"]) == ({}, ["a"])
        assert cache.known("other", "v1", ["a"]) == ({}, ["a"])
        cache.add("shop", "v2", [self.item("c")])
        assert cache.known("shop", "v2", ["a", "c"]) == ({"c": self.item("c")}, ["a"])

    def test_it_is_bounded(self) -> None:
        cache = ItemCache(10)
        for number in range(100):
            cache.add("shop", "v1", [self.item(f"x{number}")])
        found, missing = cache.known("shop", "v1", [f"x{number}" for number in range(100)])
        assert len(found) <= 10
        assert len(missing) >= 90
        assert "x99" in found
        for number in range(2 * CATALOGUES):
            cache.add(f"c{number}", "v1", [self.item("a")])
        assert cache.known("c0", "v1", ["a"])[0] == {}


class TestShown:
    def test_what_was_shown_long_ago_may_be_gone(self) -> None:
        now = [0.0]
        shown: Shown[str] = Shown(lambda: now[0], 600.0)
        shown.add("any", [CatalogueItem("old", "Old", None)])
        now[0] = 400.0
        shown.add("any", [CatalogueItem("new", "New", None)])
        now[0] = 700.0
        assert list(shown.under("any")) == ["new"]

    def test_items_are_remembered_by_what_they_had_to_pass(self) -> None:
        shown: Shown[str] = Shown(lambda: 0.0, 600.0)
        shown.add("red", [TestItemCache.item("a")])
        shown.add("blue", [TestItemCache.item("b")])
        assert dict(shown.under("red")) == {"a": TestItemCache.item("a")}
        assert shown.under("green") == {}

    def test_those_shown_last_stay(self) -> None:
        shown: Shown[str] = Shown(lambda: 0.0, 600.0, keys=2, items=3)
        for name in ("a", "b", "c", "a", "d"):
            shown.add("red", [TestItemCache.item(name)])
        assert list(shown.under("red")) == ["c", "a", "d"]
        shown.add("blue", [])
        shown.add("red", [])
        shown.add("green", [])
        assert (len(shown.under("red")), len(shown.under("blue"))) == (3, 0)
