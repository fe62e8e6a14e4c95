"""From what `make bench-indexer` measured to ratios, bars, tables, plots and its file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from bench.embedder.answers import Latency
from bench.embedder.bars import Bar
from bench.indexer import growth, plots, recall, report, tables
from bench.indexer.bare import Equal, Timed, least
from bench.indexer.chart import Chart, sheet, short
from bench.indexer.comparison import Compared, Served
from bench.indexer.cost import Cost, Repeated, Round
from bench.indexer.freshness import Fresh
from bench.indexer.growth import Grown
from bench.indexer.load import Load
from bench.indexer.memory import Memory
from bench.indexer.merging import BUSY, RESTED_S, WINDOW_S, WITHIN_S, Merging, Window, beside
from bench.indexer.recall import Recalled
from bench.indexer.report import Found

SVG = "{http://www.w3.org/2000/svg}"


def load(cpu_ms: float = 0.5, per_s: float = 2000.0, p50_ms: float = 1.0) -> Load:
    return Load(per_s, Latency(p50_ms, 2 * p50_ms), cpu_ms, own_cores=0.1)


def timed(cpu_ms: float) -> Timed:
    return Timed(cpu_ms, cpu_ms, cpu_ms, 1e3 / cpu_ms)


def a_round(search_ms: float) -> Round:
    return Round(load(0.1), load(search_ms), timed(0.3), timed(0.3), timed(0.2), load(0.15), load(search_ms))


def cost(*search_ms: float, repeated: Repeated | None = None) -> Cost:
    rounds = tuple(map(a_round, search_ms))
    return Cost("synthetic", 100_000, 2048, 0.98, Equal(90, 0.981), Equal(70, 0.971), rounds, repeated)


def served(per_s: float = 2000.0, p50_ms: float = 1.0, found: float = 0.98) -> Served:
    return Served(64, found, load(p50_ms=p50_ms), load(per_s=per_s, p50_ms=23.4), 0.02, 200.0, 0.03)


def compared(**ours: float) -> Compared:
    return Compared("Milvus", "HNSW", 12.0, served(), served(), served(**{"per_s": 3000.0, "p50_ms": 0.5, **ours}))


def recalled(name: str = "default", found: float = 0.98, rows: int = 10_000, data: str = "synthetic") -> Recalled:
    return Recalled(data, rows, "filter" if "pass" in name else "mix", name, 200, found, 0.6, 1.2)


def grown(
    rows: int = 100_000,
    row_bytes: float = 1000.0,
    burst_per_s: float = 4000.0,
    fresh_ms: float = 90.0,
    restart_s: float | None = 2.0,
) -> Grown:
    base = Memory(50_000_000, 0, 60_000_000)
    held = Memory(50_000_000 + int(rows * row_bytes), 0, 400_000_000)
    return Grown(
        rows=rows,
        dimension=384,
        lasting_rows=50_000,
        lasting_per_s=2500.0,
        burst_rows=50_000,
        burst_per_s=burst_per_s,
        rest_s=30.0,
        base=base,
        memory=held,
        memory_after_restart=Memory(60_000_000, int(rows * 800), 0) if restart_s else None,
        snapshot_s=1.5 if restart_s else None,
        restart_s=restart_s,
        why_not="" if restart_s else "UNIMPLEMENTED: not measured",
        fresh=Fresh(Latency(12.0, fresh_ms), 1250.0, 1249.0, 300),
        merging=Merging(Latency(1.0, 2.0), Latency(1.5, 20.0), 73_728, 12.0),
    )


def missed(bars: list[Bar]) -> set[str]:
    return {bar.name for bar in bars if not bar.held}


def test_a_search_is_held_against_the_empty_call_and_the_bare_search_of_its_round() -> None:
    assert a_round(0.6).ratio == pytest.approx(0.6 / (0.1 + 0.3))
    assert a_round(0.6).ratio_usual == pytest.approx(0.6 / (0.1 + 0.2))
    assert a_round(0.6).ratio_alone == pytest.approx(0.6 / (0.15 + 0.3))


def test_the_middle_round_counts_and_the_others_are_told() -> None:
    found = cost(0.4, 4.0, 0.44)

    assert found.ratio == pytest.approx(1.1)
    assert found.spread == pytest.approx((1.0, 10.0))
    assert missed(found.bars()) == set()


def test_too_dear_a_search_misses_its_bar_with_either_load() -> None:
    found = cost(0.53, repeated=Repeated(empty_ms=0.1, search_ms=0.5, bare_ms=0.2))

    assert found.bars()[0].figure == pytest.approx(1.325)
    assert missed(found.bars()) == {bar.name for bar in found.bars()}


@pytest.mark.parametrize(
    ("found", "bar"),
    [
        (compared(per_s=2900.0), "requests/s, 16 callers / Milvus"),
        (compared(p50_ms=0.51), "p50 with one caller / Milvus"),
        (compared(found=0.97), "recall@10 less that of Milvus"),
    ],
)
def test_what_a_peer_does_too_well_misses_its_bar_and_no_other(found: Compared, bar: str) -> None:
    assert missed(compared().bars()) == set()
    assert missed(found.bars()) == {bar}


def test_the_worst_question_of_each_size_and_set_is_what_counts() -> None:
    found = [recalled(), recalled("style alone", 0.96), recalled(rows=100_000), recalled(data="photos")]

    bars = recall.bars(found)

    assert [bar.figure for bar in bars] == [0.96, 0.98, 0.98]
    assert missed(bars) == {"recall@10 synthetic 10,000: style alone"}


@pytest.mark.parametrize(
    ("worse", "part"),
    [
        (grown(burst_per_s=2999.0), "burst"),
        (grown(fresh_ms=201.0), "found after"),
        (grown(row_bytes=1400.0), "memory at rest"),
        (grown(restart_s=11.0), "restart"),
    ],
)
def test_what_grows_badly_misses_its_bar_and_no_other(worse: Grown, part: str) -> None:
    assert missed(growth.bars([grown()])) == set()
    (name,) = missed(growth.bars([worse]))
    assert part in name


def test_memory_of_a_row_is_what_is_held_above_the_empty_process() -> None:
    assert grown().row_bytes == pytest.approx(1000.0)
    assert grown(row_bytes=500.0).row_bytes == pytest.approx(900.0)  # it was more after the restart
    assert grown().least_row_bytes == 2 * 384 + 8 * 16 + 16


def test_a_few_rows_do_not_say_what_a_row_takes() -> None:
    assert not any("memory" in bar.name for bar in growth.bars([grown(10_000, row_bytes=9000.0)]))


def test_a_restart_that_could_not_be_measured_has_no_bar() -> None:
    assert not any("restart" in bar.name for bar in growth.bars([grown(restart_s=None)]))


@given(st.integers(1, 200))
def test_the_least_that_is_enough_is_found(wanted: int) -> None:
    assert least(lambda number: number >= wanted, 10, 100) == min(max(wanted, 10), 100)


def window(cores: float) -> Window:
    return Window((1.0,), cores)


def test_what_is_beside_a_merge_ends_when_the_index_has_rested() -> None:
    rest = [window(0.1)] * round(RESTED_S / WINDOW_S)
    busy = [window(BUSY)] * 3

    assert beside(iter([*rest[1:], *busy, window(0.2), *busy, *rest, *busy])) == busy * 2
    assert beside(iter([*rest, *busy])) == []


def test_a_merge_without_an_end_is_watched_for_a_while() -> None:
    assert len(beside(iter([window(1.0)] * 10_000))) == round(WITHIN_S / WINDOW_S)


@pytest.mark.parametrize("sizes", [1, 3])
def test_the_tables_fit_80_columns(sizes: int) -> None:
    rows = [10_000, 100_000, 1_000_000][:sizes]
    found = Found(
        cost=[cost(0.6, repeated=Repeated(0.1, 12.3, 0.2))],
        peers={100_000: [replace(compared(), name="Redis NOQUANT", equal=replace(served(), ef=1000, mb=2345.0))]},
        recall=[recalled(name, rows=each) for name in ("content + colour", "0.05 % pass, far off") for each in rows],
        growth=[grown(each, restart_s=None) for each in rows],
    )
    console = Console(width=80, color_system=None)
    with console.capture() as capture:
        report.show(found, console)
    assert max(len(line.rstrip()) for line in capture.get().splitlines()) <= 80
    assert "…" not in capture.get()


def test_the_file_keeps_sections_that_were_not_measured_again(tmp_path: Path) -> None:
    file = tmp_path / "indexer.json"
    report.write(Found(recall=[recalled()], growth=[grown()]), {"seconds": 3.0}, file, tmp_path)
    report.write(Found(recall=[recalled(found=0.5)]), {"seconds": 1.0}, file, tmp_path)

    known = json.loads(file.read_text())

    assert set(known) == {"recall", "growth"}
    assert known["recall"]["found"][0]["recall"] == 0.5
    assert known["recall"]["settings"] == {"seconds": 1.0}
    assert [bar["held"] for bar in known["recall"]["bars"]] == [False]
    assert known["growth"]["found"][0]["row_bytes"] == pytest.approx(1000.0)


def test_every_figure_is_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "indexer.json"
    report.write(Found(cost=[cost(0.6)], peers={10: [compared()]}), {}, file, tmp_path)

    known = json.loads(file.read_text())

    assert known["cost"]["found"][0]["ratio"] == pytest.approx(1.5)
    assert known["cost"]["found"][0]["rounds"][0]["bare"]["cpu_ms"] == 0.3
    assert known["peers"]["found"]["10"][0]["ours"]["full"]["per_s"] == 3000.0


def circles(svg: str) -> list[tuple[float, float]]:
    return [(float(each.attrib["cx"]), float(each.attrib["cy"])) for each in ET.fromstring(svg).iter(f"{SVG}circle")]


@given(st.lists(st.tuples(st.floats(1, 1e7), st.floats(0, 1e5)), min_size=1, max_size=5), st.floats(0, 1e5))
def test_a_chart_has_every_point_within_its_axes(points: list[tuple[float, float]], bar: float) -> None:
    svg = sheet([Chart("a < b", {"one & two": points}, bar)])

    assert len(circles(svg)) == len(points)
    assert all(60 <= x <= 330 and 40 - 1e-6 <= y <= 255 + 1e-6 for x, y in circles(svg))


def test_more_is_higher_and_later_is_further_right() -> None:
    (x1, y1), (x2, y2) = circles(sheet([Chart("", {"": [(1e4, 1.0), (1e6, 3.0)]})]))
    assert x1 < x2
    assert y1 > y2


def test_the_plots_show_what_was_found() -> None:
    found = [recalled(rows=rows) for rows in (10_000, 100_000)] + [recalled("5 % pass")]
    assert len(circles(plots.of_recall(found))) == 2 * len(found)
    assert len(circles(plots.of_growth([grown(10_000), grown(100_000)]))) == 2 * 14
    assert len(circles(plots.of_growth([grown(restart_s=None)]))) == 12


def test_numbers_are_short() -> None:
    assert [short(each) for each in (0.0, 0.97, 10_000, 1e6, 13_144)] == ["0", "0.97", "10k", "1M", "13.1k"]


def test_a_cell_for_what_is_not_there_is_empty() -> None:
    (table,) = tables.recalled([recalled(), recalled("5 % pass", rows=100_000)])
    assert [list(column.cells) for column in table.columns][1] == ["0.980", ""]
