"""Memory and processor time of a tree of processes, and whether a series of it is flat."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bench.embedder.meter import Meter, pss_mb
from bench.embedder.series import Sample, Series
from bench.failure import BenchFailed

NESTED = """\
import subprocess, sys
child = "sum(range(3_000_000)); print('done', flush=True); input()"
subprocess.run([sys.executable, "-c", child])
"""


def series(*mb: float) -> Series:
    return Series([Sample(number * 1000, each) for number, each in enumerate(mb)])


def missed(found: Series) -> Sequence[str]:
    return [bar.name for bar in found.bars() if not bar.held]


def test_pss_is_read_of_its_own_line() -> None:
    rollup = """\
55d0c0000000-7ffd0c000000 ---p 00000000 00:00 0                          [rollup]
Rss:              300000 kB
Pss:              250000 kB
Pss_Dirty:        100000 kB
"""
    assert pss_mb(rollup.splitlines()) == 256.0
    assert pss_mb([]) == 0.0


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="this system has no smaps_rollup")
def test_a_tree_is_measured_with_its_children() -> None:
    command = [sys.executable, "-c", NESTED]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "done\n"
        meter = Meter(process.pid)

        assert len(meter.processes()) == 2
        assert meter.read().cpu_s > 0.0
        assert meter.memory_mb() > Meter(meter.processes()[1].pid).memory_mb() > 0.0
        process.communicate("\n")


def test_a_process_that_ended_is_no_figure() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True) as process:
        meter = Meter(process.pid)
        process.communicate("\n")
    with pytest.raises(BenchFailed, match="ended"):
        meter.read()


def test_the_meter_reads_this_process_too() -> None:
    assert os.getpid() in {each.pid for each in Meter(os.getpid()).processes()}


def test_memory_that_fills_up_and_then_stays_is_flat() -> None:
    assert missed(series(100, 180, *[200] * 6)) == []


def test_memory_that_keeps_growing_is_not_flat() -> None:
    growing = series(*range(100, 260, 10))

    assert growing.growth() == pytest.approx(235 / 155 - 1)
    assert missed(growing) == ["last quarter's mean against the second's"]


def test_memory_that_falls_by_as_much_is_not_flat_either() -> None:
    """Then the second quarter was not what it settles at, and the series says too little."""
    assert missed(series(*range(250, 90, -10))) == ["last quarter's mean against the second's"]


def test_one_sample_above_the_limit_is_too_much() -> None:
    assert missed(series(200, 200, 200, 601, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200)) == [
        "most memory of all processes, MB"
    ]


def test_a_series_too_short_to_tell_is_not_flat() -> None:
    assert missed(series(200, 200, 200)) == ["last quarter's mean against the second's"]


def test_the_plot_has_a_point_for_every_sample_within_the_picture() -> None:
    root = ET.fromstring(series(0, 100, 700, 300).svg())
    (line,) = root.iter("{http://www.w3.org/2000/svg}polyline")
    points = [tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split()]
    width, height = map(float, root.attrib["viewBox"].split()[2:])

    assert len(points) == 4
    assert all(0 < x < width and 0 < y < height for x, y in points)
    assert min(points, key=lambda point: point[1]) == points[2]
