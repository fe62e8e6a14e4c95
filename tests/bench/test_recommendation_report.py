"""What is told of recommendations: which targets are missed, tables, bars."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from rich.console import Console

from bench.recommendation import bars, report
from bench.recommendation.__main__ import GLOBAL, OWN, misses
from bench.recommendation.interval import Interval
from bench.recommendation.log import by_time
from bench.recommendation.measure import FUSED, Measured, Part, Row, part
from bench.recommendation.tuning import Settings, answers
from tests.bench.test_recommendation import log_of, movies_of


def row(method: str, ndcg: float, less: Interval | None = None) -> Row:
    return Row(method, Interval(ndcg, ndcg - 0.01, ndcg + 0.01), Interval(0.2, 0.1, 0.3), 0.1, 2, 0.7, 0.5, less)


def found(split: str, fused: float, less: Interval) -> Measured:
    rows = [
        row("popularity", 0.1, Interval(0.1, 0.05, 0.15)),
        row("signal collaborative", 0.25, less),
        row(FUSED, fused),
    ]
    return Measured(split, Settings(), [Part("people", 9, rows)])


@pytest.mark.parametrize(
    ("split", "fused", "less", "missed"),
    [
        (GLOBAL, 0.3, Interval(0.05, 0.01, 0.09), []),
        (GLOBAL, 0.261, Interval(-0.01, -0.05, 0.03), []),
        (GLOBAL, 0.25, Interval(0.0, -0.05, 0.05), ["is below 0.26"]),
        (GLOBAL, 0.3, Interval(-0.05, -0.09, -0.01), ["below signal collaborative beyond the interval"]),
        (OWN, 0.2, Interval(-0.01, -0.05, 0.03), ["not above signal collaborative"]),
        (OWN, 0.2, Interval(0.001, -0.003, 0.005), []),
    ],
)
def test_targets_are_held_against_the_best_of_all_others(
    split: str, fused: float, less: Interval, missed: list[str]
) -> None:
    told = misses(found(split, fused, less))

    assert len(told) == len(missed)
    for line, part_of_it in zip(told, missed, strict=True):
        assert part_of_it in line


def test_every_method_is_measured_on_the_same_people_and_told() -> None:
    log = log_of(3)
    movies, split = movies_of(log), by_time(log)
    measured = part("people", split, split.people(), answers(split.known, movies, Settings()), movies)

    assert measured.people == len(split.people())
    assert measured.fused.less is None
    for each in measured.rows:
        if each.less is not None:
            assert each.less.mean == pytest.approx(measured.fused.ndcg.mean - each.ndcg.mean)
    console = Console(width=160, record=True)
    console.print(report.table("split", measured))
    told = console.export_text()
    assert all(each.method in told for each in measured.rows)


def test_newcomers_have_no_calibration_and_files_can_be_read(tmp_path: Path) -> None:
    rows = [replace(each, calibration=math.nan) for each in found(OWN, 0.2, Interval(0, 0, 0)).parts[0].rows]
    measured = replace(found(OWN, 0.2, Interval(0, 0, 0)), parts=[Part("newcomers", 3, rows)])

    report.save([measured], {"new": Interval(0.1, 0.0, 0.2)}, ["a target"], tmp_path / "told.json")
    told = json.loads((tmp_path / "told.json").read_text())
    assert told["splits"][0]["parts"][0]["rows"][0]["calibration"] is None
    assert told["missed"] == ["a target"]
    drawn = ET.fromstring(bars.drawn([measured]))
    assert sum(1 for _ in drawn.iter("{http://www.w3.org/2000/svg}path")) == len(rows)


def test_chosen_settings_are_told() -> None:
    told = report.chosen(found(OWN, 0.2, Interval(0, 0, 0)))

    assert "weights collaborative 1" in told
    assert np.isfinite(Settings().half_life_days)
