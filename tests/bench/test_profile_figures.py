"""From what `make bench-profile` measured to ratios, bars and projections."""

from __future__ import annotations

import argparse

import pytest
from rich.console import Console

from bench.embedder.answers import Latency
from bench.indexer.load import Load
from bench.profile import __main__ as page
from bench.profile import town
from bench.profile.holding import Held
from bench.profile.reading import Read, Round
from bench.profile.writing import Written


def load(cpu_ms: float, per_s: float = 1000.0) -> Load:
    return Load(per_s, Latency(cpu_ms, 2 * cpu_ms), cpu_ms, own_cores=0.1)


def read(*rounds: tuple[float, float, float]) -> Read:
    made = tuple(Round(*(load(cpu_ms) for cpu_ms in each)) for each in rounds)
    return Read(made, Latency(1.0, 2.0), 500.0, 3.0, 0.05)


def shown(table: object) -> str:
    console = Console(width=200)
    with console.capture() as told:
        console.print(table)
    return told.get()


class TestRead:
    def test_a_ratio_is_the_median_of_those_of_each_round(self) -> None:
        found = read((0.1, 0.2, 0.4), (0.2, 0.3, 0.8), (0.4, 2.0, 4.0))

        assert found.ratio() == pytest.approx(2.0)
        assert found.spread() == pytest.approx((1.5, 5.0))
        assert found.ratio(of_many=True) == pytest.approx(4.0)

    def test_a_row_is_of_all_rounds(self) -> None:
        found = read((0.1, 0.2, 0.4), (0.2, 0.3, 0.8), (0.4, 2.0, 4.0))

        assert found.middle("one") == load(0.3)
        assert "0.300" in shown(page._reading(found))

    @pytest.mark.parametrize(("one", "many", "held"), [(1.7, 5.0, [True, True]), (1.8, 5.1, [False, False])])
    def test_bars(self, one: float, many: float, held: list[bool]) -> None:
        assert [bar.held for bar in read((1.0, one, many)).bars()] == held


class TestWritten:
    @pytest.mark.parametrize(("per_s", "held"), [(5000.0, True), (4999.0, False)])
    def test_calls_of_many_events_have_a_bar(self, per_s: float, held: bool) -> None:
        assert [bar.held for bar in Written(100, 10, per_s, 0.1, 0.1).bars()] == [held]

    def test_calls_of_one_have_none(self) -> None:
        assert Written(1, 1, 10.0, 1.0, 1.0).bars() == []


class TestHeld:
    def test_the_bar_is_on_the_taste_alone(self) -> None:
        assert [bar.held for bar in Held(10, 12, 1000, 90_000, 4096).bars()] == [True]
        assert [bar.held for bar in Held(10, 12, 0, 0, 4097).bars()] == [False]

    def test_it_is_projected(self) -> None:
        told = shown(page._memory(Held(10, 12, 1000, 3000, 2000)))

        assert "6000" in told
        assert "6.0" in told
        assert "600.0" in told


class TestTown:
    def test_the_same_person_likes_the_same_things_of_three_kinds(self) -> None:
        some, again = town.likes("ana", 12), town.likes("ana", 12)

        assert [each.item_id for each in some] == [each.item_id for each in again]
        assert len({each.item_id.split("-")[1] for each in some}) == town.TASTES
        assert len({each.event_id for each in some}) == 12

    def test_some_at_a_time(self) -> None:
        assert list(town.some_of([1, 2, 3, 4, 5], 2)) == [[1, 2], [3, 4], [5]]


class TestSections:
    def test_come_in_their_order(self) -> None:
        assert page._sections("memory,reading") == ("reading", "memory")

    def test_unknown_ones_are_refused(self) -> None:
        with pytest.raises(argparse.ArgumentTypeError, match="speed"):
            page._sections("reading,speed")
