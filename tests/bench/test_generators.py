from __future__ import annotations

import shutil

import pytest

from bench import cases, empty
from bench.failure import BenchFailed
from bench.generators import Callers, Generator, Ghz, H2load, Request, Run


def test_percentiles_are_by_nearest_rank() -> None:
    run = Run(2.0, tuple(float(ms) for ms in range(1, 101)))
    assert run.per_s == 50
    assert run.percentile_ms(50) == 51
    assert run.percentile_ms(99) == 100
    assert Run(1.0, (7.0,)).percentile_ms(99) == 7.0


@pytest.mark.parametrize(
    "generator",
    [
        pytest.param(H2load(), marks=pytest.mark.skipif(not shutil.which("h2load"), reason="h2load is not installed")),
        pytest.param(Ghz(), marks=pytest.mark.skipif(not shutil.which("ghz"), reason="ghz is not installed")),
        Callers(),
    ],
    ids=lambda generator: generator.name,
)
def test_a_generator_times_every_answer(generator: Generator) -> None:
    with cases.empty_call() as case:
        run = generator.run(case.request, callers=4, seconds=1.0)
    assert run.answers > 4
    assert list(run.latencies_ms) == sorted(run.latencies_ms)
    assert run.latencies_ms[0] > 0
    assert run.seconds >= 0.9


def test_calls_that_fail_are_not_figures() -> None:
    with cases.empty_call() as case, pytest.raises(BenchFailed, match="UNIMPLEMENTED"):
        Callers().run(Request(case.request.target, "/visrec.v1.IndexerService/Nothing", b""), callers=1, seconds=1)


def test_the_empty_call_is_the_size_that_the_figures_name() -> None:
    assert len(empty.request().queries[0].vector.data) == 256 * 4
    assert len(empty.answer().hits) == 10
