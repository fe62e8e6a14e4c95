"""From answers, readings and loops to figures, and from figures to bars."""

from __future__ import annotations

import json

import pytest
from rich.console import Console

from bench.embedder import bars, tables
from bench.embedder.answers import Answer, Figures, Latency
from bench.embedder.bare import Bare, drift
from bench.embedder.bars import Bar
from bench.embedder.measure import Measured, failed_calls
from bench.embedder.meter import Reading
from bench.failure import BenchFailed

FEATURES = (0.0, 1.0)
BARE = Bare(Latency(4.0, 5.0), cpu_ms=4.0, per_s=200.0, two_cpu_ms=5.0, features=FEATURES)


def measured(*, cpu_ms: float = 4.4, p50_ms: float = 4.4, per_s: float = 190.0, p99_ms: float = 12.0) -> Measured:
    return Measured(
        name="visrec",
        alone=Figures(1e3 / p50_ms, Latency(p50_ms, p50_ms), cpu_ms),
        together=Figures(per_s, Latency(80.0, 90.0), cpu_ms),
        steady_rate=per_s / 2,
        steady=Figures(per_s / 2, Latency(5.0, p99_ms), cpu_ms),
        start_mb=200.0,
        end_mb=210.0,
        callers_cores=0.05,
    )


def test_percentiles_are_by_nearest_rank() -> None:
    assert Latency.of(float(ms) for ms in range(100, 0, -1)) == Latency(51.0, 100.0)
    assert Latency.of([7.0]) == Latency(7.0, 7.0)


def test_no_answer_is_no_figure() -> None:
    with pytest.raises(BenchFailed, match="not a single answer"):
        Latency.of([])


def test_only_answers_between_the_readings_count() -> None:
    answers = [
        Answer(99.9, 50.0),
        *(Answer(100.0 + second, 5.0) for second in (0.5, 1.0, 1.5, 2.0)),
        Answer(102.1, 50.0),
    ]

    found = Figures.between(Reading(100.0, 7.0), Reading(102.0, 7.1), answers)

    assert found.per_s == 2.0
    assert found.latency == Latency(5.0, 5.0)
    assert found.cpu_ms == pytest.approx(25.0)


def test_a_loop_says_what_it_took() -> None:
    said = {"wall_ms": [5.0, 4.0, 4.0], "cpu_ms": 4.0, "per_s": 200.0, "two_cpu_ms": 5.0, "features": FEATURES}

    assert Bare.parse(json.dumps(said)) == BARE
    assert BARE.cores == 1.0


def test_loops_are_averaged_and_their_drift_is_told() -> None:
    slow = Bare(Latency(6.0, 9.0), cpu_ms=6.0, per_s=100.0, two_cpu_ms=7.0, features=FEATURES)

    assert Bare.mean([BARE, slow]) == Bare(Latency(5.0, 7.0), 5.0, 150.0, 6.0, FEATURES)
    assert drift([BARE, slow]) == pytest.approx(0.5)
    assert drift([BARE]) == 0.0


def test_every_bar_is_held_by_a_server_close_to_the_bare_loop() -> None:
    assert all(bar.held for bar in bars.of(BARE, measured()))


@pytest.mark.parametrize(
    ("worse", "missed"),
    [
        (measured(cpu_ms=5.1), {"CPU of a photo, one caller / bare", "CPU of a photo, 16 callers / bare"}),
        (measured(per_s=179.0), {"photos/s, 16 callers / bare, two threads"}),
        (measured(p50_ms=4.9), {"p50 with one caller / bare"}),
        (measured(p99_ms=20.1), {"p99 / p50 at half the full rate"}),
    ],
)
def test_what_is_worse_misses_its_bar_and_no_other(worse: Measured, missed: set[str]) -> None:
    assert {bar.name for bar in bars.of(BARE, worse) if not bar.held} == missed


def test_what_is_not_a_number_holds_no_bar() -> None:
    assert not Bar("unknown", float("nan"), 1.0).held
    assert not Bar("unknown", float("nan"), 1.0, at_least=True).held


def test_the_tables_fit_80_columns() -> None:
    slow = measured(cpu_ms=123.4, p50_ms=1234.5, per_s=1234.0, p99_ms=1234.5)
    console = Console(width=200, color_system=None)
    with console.capture() as capture:
        console.print(tables.figures(BARE, [slow]), tables.steady([slow]), tables.bars(bars.of(BARE, slow)))

    assert max(len(line.rstrip()) for line in capture.get().splitlines()) <= 80


def test_failed_calls_are_those_that_were_neither_answered_nor_broken_off() -> None:
    metrics = """\
# HELP grpc_server_handled_total Calls.
grpc_server_handled_total{grpc_code="OK",grpc_method="EmbedImage"} 900.0
grpc_server_handled_total{grpc_code="CANCELLED",grpc_method="EmbedImage"} 16.0
grpc_server_handled_total{grpc_code="RESOURCE_EXHAUSTED",grpc_method="EmbedImage"} 3.0
grpc_server_handled_total{grpc_code="INTERNAL",grpc_method="EmbedImage"} 1.0
grpc_server_started_total{grpc_method="EmbedImage"} 920.0
"""
    assert failed_calls(metrics) == 4.0
    assert failed_calls("") == 0.0
