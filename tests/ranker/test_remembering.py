"""What the ranker remembers of others for some seconds: lists, counts, items."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import NotFound, NotReady
from services.ranker.others.counts import AT_ONCE, Counts
from services.ranker.others.items import CATALOGUES, ItemCache
from services.ranker.others.latest import Latest
from services.ranker.others.popularity import TABLES, Among, Popularity, Top
from services.ranker.others.ports import CatalogueItem
from services.ranker.others.refreshed import Refreshed
from services.ranker.others.remembered import MAX_FILTER_BYTES, Shown
from services.ranker.others.tuning import Tuning


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


MB = 2**20


class TestLatest:
    def test_what_was_used_last_stays(self) -> None:
        latest: Latest[str, str] = Latest(2, MB)
        latest.put("a", "A", 1)
        latest.put("b", "B", 1)
        assert latest.get("a") == "A"
        latest.put("c", "C", 1)
        assert [latest.get(key) for key in "abc"] == ["A", None, "C"]

    @given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 40)), max_size=60))
    def test_its_size_is_that_of_what_it_keeps_and_bounded(self, puts: list[tuple[int, int]]) -> None:
        latest: Latest[int, int] = Latest(5, 100)
        for key, size in puts:
            if size == 0:
                latest.remove(key)
                continue
            latest.put(key, size, size)
            assert latest.get(key) == size
            assert latest.size <= 100
        kept = [each for key in range(10) if (each := latest.get(key))]
        assert latest.size == sum(kept)
        assert len(kept) <= 5

    def test_the_last_one_stays_however_large(self) -> None:
        latest: Latest[str, str] = Latest(2, 10)
        latest.put("a", "A", 1)
        latest.put("b", "B", 11)
        assert (latest.get("a"), latest.get("b")) == (None, "B")


class TestRefreshed:
    @staticmethod
    def made() -> tuple[Refreshed[str, list[float]], Source, Clock]:
        source, clock = Source(), Clock()
        source.values = {"a": 1.0}
        return Refreshed(source.one, clock, fresh_s=5.0, stale_s=60.0), source, clock

    async def test_a_bug_while_nobody_waits_is_told(self) -> None:
        known, source, clock = self.made()
        source.values["a"] = 1.0
        assert await known.get("a") == [1.0]
        told: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))
        source.values = None  # type: ignore[assignment]  # what no source is
        clock.now = 6.0
        assert await known.get("a") == [1.0]
        await turns()
        assert [type(each) for each in told] == [TypeError]

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

    async def test_what_is_asked_for_anew_began_to_load_afterwards(self) -> None:
        known, source, clock = self.made()
        await known.get("a")
        clock.now = 5.0
        await known.get("a")  # begins to load it beside
        source.values["a"] = 2.0
        assert await asyncio.gather(*(known.anew("a") for _ in range(10))) == [[2.0]] * 10
        assert len(source.asked) == 3
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

    async def test_those_that_are_asked_for_stay_within_the_bounds(self) -> None:
        source, clock = Source(), Clock()
        source.values = dict.fromkeys("abcdef", 1.0)
        for bound in ({"keys": 2, "most_bytes": MB}, {"keys": 9, "most_bytes": 20}):
            known = Refreshed(source.one, clock, 5.0, 60.0, lambda *_: 10, **bound)
            for key in "abacad":
                await known.get(key)
            source.asked.clear()
            await known.get("a")
            await known.get("b")
            assert source.asked == [["b"]], "asked for again and again, or long ago"


class TestPopularity:
    @staticmethod
    def made(remembered_bytes: int) -> tuple[Popularity, list[Among]]:
        loaded: list[Among] = []

        async def counts(among: Among, item_ids: Sequence[str]) -> list[float]:
            loaded.append(among)
            return [1.0] * len(item_ids)

        async def top(_: Top) -> list[str]:
            return []

        return Popularity(top, counts, Clock(), Tuning(remembered_bytes=remembered_bytes)), loaded

    async def test_what_is_asked_for_again_and_again_stays(self) -> None:
        popularity, loaded = self.made(256 * MB)
        everybody = Among("shop", "")
        for number in range(2 * TABLES):
            await popularity.counts(everybody, ["a"])
            await popularity.counts(Among("shop", f"segment-{number}"), ["a"])
        assert loaded.count(everybody) == 1

    async def test_all_counts_together_are_bounded(self) -> None:
        popularity, _ = self.made(8 * MB)
        for number in range(10):
            for start in range(0, 5000, AT_ONCE):
                ids = [f"{at}" * 20 for at in range(start, start + AT_ONCE)]
                await popularity.counts(Among("shop", f"segment-{number}"), ids)
        assert MB < popularity._tables.size <= 2 * MB
        assert popularity._tables.get(Among("shop", "segment-0")) is None


class TestCounts:
    @staticmethod
    def made(most_bytes: int = MB) -> tuple[Counts, Source, Clock]:
        source, clock = Source(), Clock()
        source.values = {"a": 1.0, "b": 2.0}
        return Counts(source.many, clock, fresh_s=10.0, stale_s=60.0, most_bytes=most_bytes), source, clock

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
        counts, _, _ = self.made(most_bytes=4000)
        for number in range(100):
            await counts.get([f"x{number}"])
            assert counts.size <= 4500
        assert 10 <= len(counts._new) + len(counts._old) <= 26

    async def test_they_are_bounded_while_others_cannot_be_made_anew(self) -> None:
        clock, old = Clock(), False

        async def load(ids: Sequence[str]) -> list[float]:
            if old and "a" in ids:
                raise NotReady("gone")
            return [1.0] * len(ids)

        counts = Counts(load, clock, fresh_s=10.0, stale_s=60.0, most_bytes=4000)
        await counts.get(["a"])
        clock.now, old = 10.0, True
        assert await counts.get(["a"]) == [1.0]
        await turns()
        for number in range(100):
            await counts.get([f"x{number}"])
            assert counts.size <= 4500


class TestItemCache:
    @staticmethod
    def item(item_id: str, size: int = 1000) -> CatalogueItem:
        return CatalogueItem(item_id, item_id.upper(), None, size=size)

    def test_only_what_is_of_the_very_version_is_known(self) -> None:
        cache = ItemCache(100, MB)
        cache.add("shop", "v1", [self.item("a"), self.item("b")])
        assert cache.known("shop", "v1", ["a", "c"]) == ({"a": self.item("a")}, ["c"])
        assert cache.known("shop", "v2", ["a"]) == ({}, ["a"])
        assert cache.known("other", "v1", ["a"]) == ({}, ["a"])
        cache.add("shop", "v2", [self.item("c")])
        assert cache.known("shop", "v2", ["a", "c"]) == ({"c": self.item("c")}, ["a"])

    def test_it_is_bounded(self) -> None:
        cache = ItemCache(10, MB)
        for number in range(100):
            cache.add("shop", "v1", [self.item(f"x{number}")])
        found, missing = cache.known("shop", "v1", [f"x{number}" for number in range(100)])
        assert len(found) <= 10
        assert len(missing) >= 90
        assert "x99" in found
        for number in range(2 * CATALOGUES):
            cache.add(f"c{number}", "v1", [self.item("a")])
        assert cache.known("c0", "v1", ["a"])[0] == {}

    def test_catalogues_that_are_asked_for_stay(self) -> None:
        cache = ItemCache(10, MB)
        for number in range(2 * CATALOGUES):
            if not cache.known("shop", "v1", ["a"])[0]:
                assert number == 0
                cache.add("shop", "v1", [self.item("a")])
            cache.add(f"c{number}", "v1", [self.item("a")])

    def test_large_items_are_fewer(self) -> None:
        cache = ItemCache(1000, 100_000)
        for catalogue in ("shop", "art"):
            for number in range(100):
                cache.add(catalogue, "v1", [self.item(f"x{number}", 10_000)])
                assert cache.size <= 110_000
            assert cache.known(catalogue, "v1", ["x99"])[0]
        for _ in range(100):
            cache.add("art", "v2", [self.item("a", 10_000)])
        assert cache.size == 10_000, "one that comes again counts once"


class TestShown:
    def test_what_was_shown_long_ago_may_be_gone(self) -> None:
        now = [0.0]
        shown = Shown(lambda: now[0], 600.0, MB)
        shown.add("shop", b"any", [CatalogueItem("old", "Old", None)])
        now[0] = 400.0
        shown.add("shop", b"any", [CatalogueItem("new", "New", None)])
        now[0] = 700.0
        assert list(shown.under("shop", b"any")) == ["new"]

    def test_items_are_remembered_by_what_they_had_to_pass(self) -> None:
        shown = Shown(lambda: 0.0, 600.0, MB)
        shown.add("shop", b"red", [TestItemCache.item("a")])
        shown.add("shop", b"blue", [TestItemCache.item("b")])
        assert dict(shown.under("shop", b"red")) == {"a": TestItemCache.item("a")}
        assert shown.under("shop", b"green") == {}

    def test_those_shown_last_stay(self) -> None:
        shown = Shown(lambda: 0.0, 600.0, MB, filters=2, items=3)
        for name in ("a", "b", "c", "a", "d"):
            shown.add("shop", b"red", [TestItemCache.item(name)])
        assert list(shown.under("shop", b"red")) == ["c", "a", "d"]
        for name in ("f", "g", "h"):
            shown.add("shop", name.encode(), [TestItemCache.item(name)])
        assert shown.under("shop", b"red") == {}

    def test_answers_without_items_push_nothing_out(self) -> None:
        shown = Shown(lambda: 0.0, 600.0, MB, filters=2)
        shown.add("shop", b"red", [TestItemCache.item("a")])
        for colour in (b"blue", b"green", b"black"):
            shown.add("shop", colour, [])
        assert list(shown.under("shop", b"red")) == ["a"]

    def test_items_of_one_filter_are_at_most_a_quarter(self) -> None:
        shown = Shown(lambda: 0.0, 600.0, 400_000)
        shown.add("shop", b"red", [TestItemCache.item("a")])
        for number in range(100):
            shown.add("shop", b"blue", [TestItemCache.item(f"x{number % 50}", 10_000)])
        assert list(shown.under("shop", b"blue")) == [f"x{number}" for number in range(41, 50)]
        assert list(shown.under("shop", b"red")) == ["a"]
        assert shown.size <= 110_000

    def test_all_of_them_are_bounded(self) -> None:
        shown = Shown(lambda: 0.0, 600.0, 400_000)
        for number in range(100):
            shown.add("shop", b"%d" % number, [TestItemCache.item("a", 10_000)])
            assert shown.size <= 400_000
        assert list(shown.under("shop", b"99")) == ["a"]
        assert shown.under("shop", b"0") == {}

    def test_under_a_huge_filter_nothing_is_remembered(self) -> None:
        shown = Shown(lambda: 0.0, 600.0, MB)
        shown.add("shop", b"x" * (MAX_FILTER_BYTES + 1), [TestItemCache.item("a")])
        assert shown.size == 0
