"""From what `make bench-ranker` measured to ratios and bars, and who likes what."""

from __future__ import annotations

import numpy as np
import pytest
from rich.console import Console

from bench.embedder.answers import Latency
from bench.failure import BenchFailed
from bench.indexer.load import Load
from bench.ranker import __main__ as page
from bench.ranker.city import EVENTS, TASTES, likes
from bench.ranker.measure import Measured, Round
from bench.ranker.wares import Wares
from visrec.v1 import common_pb2


def load(cpu_ms: float, per_s: float = 700.0) -> Load:
    return Load(per_s, Latency(cpu_ms, 2 * cpu_ms), cpu_ms, own_cores=0.1)


def measured(*rounds: tuple[float, float], photo_ms: float = 8.0, p99_ms: float = 20.0) -> Measured:
    made = [
        Round(load(empty), 0.5, load(person), {"ranker": person / 2, "redis": person / 2}) for empty, person in rounds
    ]
    parts = {"ranker": photo_ms / 2, "redis": photo_ms / 2}
    return Measured(made, 4.0, 0.97, Latency(5.0, p99_ms), 350.0, load(6.0), load(photo_ms), parts)


class TestMeasured:
    def test_bare_searches_are_taken_off_before_empty_calls_are_counted(self) -> None:
        assert measured((0.1, 1.3), (0.1, 1.5), (0.2, 9.0)).calls == pytest.approx(10.0)

    def test_a_photo_costs_as_much_as_embedding_it_and_the_answer(self) -> None:
        assert measured((0.1, 2.0), photo_ms=8.0).of_photo == pytest.approx(1.0)

    @pytest.mark.parametrize(
        ("found", "held"),
        [
            (measured((0.1, 1.3)), [True, True, True, True]),
            (measured((0.1, 1.4)), [False, True, True, True]),
            (measured((0.1, 1.3), p99_ms=26.0), [True, True, False, True]),
            (measured((0.1, 1.3), photo_ms=8.5), [True, True, True, False]),
        ],
    )
    def test_bars(self, found: Measured, held: list[bool]) -> None:
        assert [bar.held for bar in found.bars()] == held

    def test_tables_have_every_row(self) -> None:
        console = Console(width=80)
        with console.capture() as told:
            for table in (page.loads(measured((0.1, 1.3))), page.processes(measured((0.1, 1.3)))):
                console.print(table)
        assert "…" not in told.get()
        assert all(word in told.get() for word in ("empty call", "a photo and a person", "bare searches", "redis"))


class TestCity:
    def test_people_like_a_few_kinds_the_same_each_time(self) -> None:
        kinds = [np.arange(number * 10, number * 10 + 10) for number in range(20)]
        events = likes("ann", kinds, 200)
        items = [event.item_id for event in events]
        assert len(items) == EVENTS
        assert items == [event.item_id for event in likes("ann", kinds, 200)]
        assert items != [event.item_id for event in likes("bob", kinds, 200)]
        assert len({int(item[1:]) // 10 for item in items}) <= TASTES + EVENTS // 2

    def test_wares_are_told_to_be_of_the_embedders_space(self) -> None:
        blocks = [
            common_pb2.Block(name=name, dimension=dimension, default_weight=1.0)
            for name, dimension in (("content", 256), ("colour", 64), ("style", 64))
        ]
        assert Wares(common_pb2.Space(name="lite0@12345678", blocks=blocks)).space.name == "lite0@12345678"
        with pytest.raises(BenchFailed, match="other blocks"):
            Wares(common_pb2.Space(name="lite0@12345678", blocks=blocks[:2]))
