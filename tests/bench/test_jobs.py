"""What `make bench-jobs` is made of, without services: items, people, bars, and a command that is killed."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from bench.indexer.space import Block, Space
from bench.jobs import __main__ as page
from bench.jobs import plan, rounds, standing
from bench.jobs.crowd import ACTS, ANSWERS, EXPERIMENT, SCENE, WEIGHTS, Crowd
from bench.jobs.goods import FEATURES, Goods, name
from bench.jobs.rounds import Killed, Whole
from bench.jobs.task import Ran
from jobs.__main__ import app
from visrec.people import Event

SPACE = Space("visual@1", (Block("content", 256, 1.0), Block("colour", 64, 0.3)))
NOW = datetime(2026, 11, 1, tzinfo=UTC)
RAN = Ran(0, 100.0, 50.0, 900.0, {"profile": 7.0, "redis": 3.0}, 1000.0, 1200.0, "")


@pytest.fixture(scope="module")
def goods() -> Goods:
    return Goods(1200, SPACE)


@pytest.fixture(scope="module")
def crowd(goods: Goods) -> Crowd:
    return Crowd("shop", goods.categories, goods.looks, NOW)


class TestGoods:
    def test_each_block_is_of_unit_norm_and_the_same_each_time(self, goods: Goods) -> None:
        some, again = next(iter(goods)), next(iter(Goods(1200, SPACE)))
        assert some.raw.shape == (len(some.vectors), FEATURES)
        for block in np.split(some.vectors, [256], axis=1):
            assert np.linalg.norm(block, axis=1) == pytest.approx(1, abs=1e-5)
        assert np.array_equal(some.raw, again.raw)
        assert np.array_equal(some.vectors, again.vectors)
        assert np.isfinite(some.raw).all()

    def test_all_items_come_once(self, goods: Goods) -> None:
        assert [some.first for some in goods] == [0, 500, 1000]
        assert sum(len(some.raw) for some in goods) == len(goods.categories) == len(goods.looks) == 1200

    def test_items_of_a_category_are_nearer_than_others(self, goods: Goods) -> None:
        raw = np.concatenate([some.raw for some in goods]).astype(np.float32)
        raw /= np.linalg.norm(raw, axis=1, keepdims=True)
        like = raw @ raw.T
        same = goods.categories[:, None] == goods.categories
        np.fill_diagonal(same, val=False)
        assert like[same].mean() > like[~same].mean() + 0.05


class TestCrowd:
    def test_people_are_the_same_each_time_and_differ(self, crowd: Crowd, goods: Goods) -> None:
        again = Crowd("shop", goods.categories, goods.looks, NOW)
        assert list(crowd.events(3)) == list(again.events(3))
        assert crowd.facts(3) == again.facts(3)
        assert [event.item_id for event in crowd.events(3)] != [event.item_id for event in crowd.events(4)]

    def test_what_they_did_lies_in_the_past_and_each_event_is_one(self, crowd: Crowd) -> None:
        events = list(crowd.events(1))
        assert all(event.time is not None and event.time < NOW for event in events)
        assert len({event.event_id for event in events}) == len(events)
        assert all(event.message().user_id == "citizen-1" for event in events)

    def test_answers_stand_in_order_and_what_is_clicked_was_shown(self, crowd: Crowd) -> None:
        for number in range(20):
            events = list(crowd.events(number))
            assert [event.type for event in events[:ACTS]].count("impression") == 0
            answers = {event.recommendation_id for event in events if event.type == "impression"}
            assert len(answers) == ANSWERS
            for answer in answers:
                shown = [event for event in events if event.recommendation_id == answer]
                items = [event.item_id for event in shown if event.type == "impression"]
                assert {event.item_id for event in shown} == set(items)
                assert len(set(items)) == len(items)
                assert _worths(shown) == sorted(_worths(shown), reverse=True)

    def test_half_of_them_have_the_other_weights(self, crowd: Crowd) -> None:
        variants = [next(_variants(crowd.events(number))) for number in range(10)]
        assert sorted(variants) == ["control"] * 5 + ["other"] * 5

    def test_they_mostly_choose_what_they_like(self, crowd: Crowd) -> None:
        chosen = [event.item_id for event in list(crowd.events(1))[:ACTS]]
        kinds, counts = np.unique(
            crowd.categories[[int(item.removeprefix("item-")) for item in chosen]], return_counts=True
        )
        assert np.sort(counts)[-3:].sum() >= 0.7 * ACTS
        assert len(kinds) < ACTS
        assert all(name(int(item.removeprefix("item-"))) == item for item in chosen)


class TestBars:
    def test_a_run_within_them_holds(self) -> None:
        assert all(bar.held for bar in Whole({"head": RAN}, {}, {}).bars())

    @pytest.mark.parametrize(
        ("ran", "missed"),
        [
            (replace(RAN, wall_s=601.0), "all jobs"),
            (replace(RAN, peak_mb=4100.0), "memory of a job, at most"),
            (replace(RAN, services_mb=5100.0), "services grow by, at most"),
            (replace(RAN, exit_code=1), "jobs that failed"),
        ],
    )
    def test_one_that_is_too_much_is_missed(self, ran: Ran, missed: str) -> None:
        bars = Whole({"head": ran, "segments": replace(RAN, wall_s=0.0)}, {}, {}).bars()
        assert [bar.name for bar in bars if not bar.held] == [missed]

    def test_jobs_take_their_time_one_after_the_other(self) -> None:
        assert not all(bar.held for bar in Whole({str(n): RAN for n in range(7)}, {}, {}).bars())

    @pytest.mark.parametrize(
        ("killed", "held"),
        [
            (Killed((40.0,), RAN, 1.0, same=True, codes=(-9,)), [True, True, True, True]),
            (Killed((40.0,), replace(RAN, exit_code=1), 1.0, same=True, codes=(-9,)), [True, False, True, True]),
            (Killed((40.0,), RAN, 1.0, same=False, codes=(-9,)), [True, True, False, True]),
            (Killed((40.0,), RAN, 0.5, same=True, codes=(-9,)), [True, True, True, False]),
            (Killed((40.0,), RAN, 1.0, same=True, codes=(0,)), [False, True, True, True]),
            (Killed((40.0, 80.0), RAN, 1.0, same=True, codes=(-9, 1)), [True, False, True, True]),
        ],
    )
    def test_of_killed_jobs(self, killed: Killed, held: list[bool]) -> None:
        found = {"head": killed, "forget-catalogue": Killed((1.0,), RAN, None, same=True, codes=(-9,))}
        assert [bar.held for bar in rounds.bars(found)] == held

    def test_what_stays_of_answers_is_a_share(self) -> None:
        before = {"one": frozenset("ab"), "two": frozenset("cd")}
        assert standing.kept(before, before) == 1
        assert standing.kept(before, {"one": frozenset("ax"), "two": frozenset("cd")}) == 0.75


def test_every_job_is_run_by_a_command_that_there_is(tmp_path: Path) -> None:
    commands = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    assert {job.arguments[0] for job in plan.jobs(tmp_path)} == commands


def test_tables_have_every_row() -> None:
    console = Console(width=80)
    with console.capture() as told:
        console.print(page.took(Whole({"head --from people": RAN, "rebuild-profiles": RAN}, {}, {})))
        console.print(page.survived({"forget-catalogue": Killed((40.0, 80.0), RAN, None, same=True, codes=(-9,))}))
    assert "…" not in told.get()
    assert all(word in told.get() for word in ("head --from people", "together", "forget-catalogue", "40, 80"))


def test_shares_are_parts_of_the_time() -> None:
    assert page._shares("0.3,0.8") == (0.3, 0.8)
    with pytest.raises(argparse.ArgumentTypeError):
        page._shares("80")


def _worths(shown: Iterable[Event]) -> list[float]:
    """Of the places of an answer, by the weights of its variant."""
    impressions = [event for event in shown if event.type == "impression"]
    (variant,) = set(_variants(impressions))
    taste, popularity = WEIGHTS[variant]
    return [
        taste * event.shown_signals["taste"] + popularity * event.shown_signals["popularity"] for event in impressions
    ]


def _variants(events: Iterable[Event]) -> Iterator[str]:
    for event in events:
        if event.showing is not None:
            assert (event.showing.scene, event.showing.experiment) == (SCENE, EXPERIMENT)
            yield event.showing.variant
