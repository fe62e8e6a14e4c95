from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ET
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from bench.quality import measure, report, views
from bench.quality.__main__ import main
from bench.quality.figure import Figure, Section
from bench.quality.index import share
from bench.quality.picture import Picture, file_of
from bench.quality.question import Question, mean_average_precision, precision, recall
from bench.quality.vectors import Vectors
from visrec.v1 import common_pb2, indexer_pb2
from visrec.vectors import Vector

SPACE = common_pb2.Space(
    name="s", blocks=[common_pb2.Block(name="content", dimension=2), common_pb2.Block(name="style", dimension=2)]
)


def picture(name: str, group: str = "", **labels: str) -> Picture:
    return Picture(name, bytes, labels, group or name)


def test_precision_is_the_share_of_the_ten_nearest_that_are_right() -> None:
    scores = np.arange(20.0)[::-1][None]
    right = np.array([[True] * 4 + [False] * 6 + [True] * 10])
    assert precision(scores, right, np.zeros_like(right)) == pytest.approx(0.4)


def test_what_is_barred_leaves_its_place_to_the_next() -> None:
    scores = np.arange(20.0)[::-1][None]
    right = np.array([[True] * 10 + [False] * 10])
    barred = np.array([[True] * 3 + [False] * 17])
    assert precision(scores, right, barred) == pytest.approx(0.7)


def test_answers_that_are_missing_count_as_wrong() -> None:
    right = np.ones((1, 3), dtype=np.bool_)
    barred = np.array([[False, False, True]])
    assert precision(np.zeros((1, 3)), right, barred) == pytest.approx(0.2)


def test_recall_is_the_share_of_the_right_ones_that_are_found_and_asks_only_who_has_one() -> None:
    scores = np.tile(np.arange(20.0)[::-1], (3, 1))
    right = np.zeros((3, 20), dtype=np.bool_)
    right[0, [3, 15]] = right[1, [9, 10]] = True
    assert recall(scores, right, np.zeros_like(right)) == pytest.approx(0.5)
    barred = np.zeros_like(right)
    barred[1, 0] = True  # the eleventh moves up
    assert recall(scores, right, barred) == pytest.approx(0.75)


def test_average_precision_is_that_of_the_whole_ranking_without_what_is_barred() -> None:
    scores = np.tile(np.arange(20.0)[::-1], (2, 1))
    right, barred = np.zeros((2, 20), dtype=np.bool_), np.zeros((2, 20), dtype=np.bool_)
    right[0, [1, 4]] = True
    assert mean_average_precision(scores, right, barred) == pytest.approx((1 / 2 + 2 / 5) / 2)
    barred[0, 0] = True
    assert mean_average_precision(scores, right, barred) == pytest.approx((1 / 1 + 2 / 4) / 2)


def test_other_colours_and_views_are_sought_among_all() -> None:
    photos = [
        Picture(name, partial(file_of, Image.new("RGB", (300, 200), name)), {"title": title}, name)
        for name, title in (("red", "Tote"), ("blue", "Tote"), ("green", "Duffle"))
    ]
    colours = views.other_colours(photos)
    assert [each.name for each in colours.queries] == ["red", "blue"]
    assert len(colours.gallery) == 3
    anew = views.taken_anew("shop", photos[:2], photos)
    assert {each.name for each in anew.queries}.isdisjoint(each.name for each in anew.gallery)
    assert [each.labels["photo"] for each in anew.queries] == ["red", "blue"]
    assert {each.group for each in anew.queries}.isdisjoint(each.group for each in anew.gallery)
    file = anew.queries[0].file()
    assert file == anew.queries[0].file() != photos[0].file()
    red, green, blue = np.asarray(Image.open(io.BytesIO(file))).reshape(-1, 3).T
    assert red.min() > 150
    assert max(green.max(), blue.max()) == 0


def test_each_block_is_asked_alone_and_a_group_never_finds_itself() -> None:
    """Content tells a from b, style cannot; each picture finds the other of its label and not itself."""
    places = {"a1": (1, 0, 1, 0), "a2": (1, 0, 0, 1), "b1": (0, 1, 1, 0), "b2": (0, 1, 0, 1)}
    vectors = Vectors(SPACE, {name: Vector("s", place) for name, place in places.items()})
    question = Question.among("q", "kind", [picture(name, kind=name[0]) for name in places] + [picture("unlabelled")])
    assert len(question.queries) == 4
    # One right answer among the three others, whatever their order, is one of ten.
    assert question.precision(vectors, "content") == pytest.approx(0.1)
    twins = Question.among("q", "kind", [picture(name, group=name[0], kind=name[0]) for name in places])
    assert twins.precision(vectors, "content") == 0
    np.testing.assert_array_equal(vectors.block("style", question.queries[:2]), [[1, 0], [0, 1]])


def test_hits_are_counted_by_their_category() -> None:
    hits = [indexer_pb2.Hit(item=indexer_pb2.Item(category=category)) for category in ("hat", "shoe", "hat")]
    assert share(hits, "hat") == 2


def test_a_block_has_to_answer_its_own_question_as_well_as_any_other() -> None:
    looks = Question("gcompris: look", "look", *2 * ([picture(f"{n}", look="grey") for n in range(12)],))
    vectors = Vectors(SPACE, {f"{n}": Vector("s", (1, 0, 1, 0)) for n in range(12)})
    style = next(figure for figure in measure.blocks([looks], vectors).figures if figure.how == "style")
    assert (style.value, style.least) == (1.0, 1.0)


def test_what_quantising_loses_is_in_points_and_has_a_limit() -> None:
    """In fp32 each of 12 finds the ten others of its kind among 24, in int8 no content tells the kinds apart."""
    kinds = [picture(f"{kind}{n}", category=kind) for kind in "ab" for n in range(12)]
    exact = {each.name: Vector("s", (1, 0, 1, 0) if each.name[0] == "a" else (0, 1, 1, 0)) for each in kinds}
    coarse = {each.name: Vector("s", (1, 0, 1, 0)) for each in kinds}
    question = Question.among("clothing: category", "category", kinds)
    found = measure.precisions([question], Vectors(SPACE, coarse), Vectors(SPACE, exact)).figures
    by_how = {figure.how: figure for figure in found}
    assert by_how["fp32"].value == 1
    assert by_how["lost"].value == pytest.approx(100 * (1 - by_how["int8"].value))
    assert not by_how["lost"].good
    assert by_how["cosine"].value == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("figure", "good"),
    [
        (Figure("f", "x", 0.64, 1, least=0.64), True),
        (Figure("f", "x", 0.6399, 1, least=0.64), False),
        (Figure("f", "x", 0.5, 1, most=0.5), True),
        (Figure("f", "x", 0.51, 1, most=0.5), False),
        (Figure("f", "x", -3.0, 1), True),
    ],
)
def test_a_figure_is_good_when_every_target_is_reached(figure: Figure, good: bool) -> None:
    assert figure.good is good


def test_a_table_has_a_row_for_each_question_and_fits_80_columns() -> None:
    figures = [
        Figure("clothing: category", "content", 0.6484, 250, least=0.64),
        Figure("clothing: category", "style", 0.3404, 250),
        Figure("… pasted over photos", "style", 0.2, 417, most=0.1, unit="points"),
    ]
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(report.table(Section("title", figures)))
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= 80
    assert any(
        line.split() == ["clothing:", "category", "0.648", "0.340", "content", "≥", "0.640", "250"] for line in lines
    )
    assert any(line.split() == ["…", "pasted", "over", "photos", "0.20", "style", "≤", "0.10", "417"] for line in lines)


def test_every_share_is_drawn_as_a_bar_and_what_is_missed_in_another_colour() -> None:
    figures = [Figure("hats & caps", "int8", 0.5, 9, least=0.6), Figure("hats & caps", "lost", 0.2, 9, unit="points")]
    drawn = ET.fromstring(report.drawn([Section("precision@10", figures)]))
    text = "".join(drawn.itertext())
    assert "precision@10: hats & caps" in text
    assert "0.500" in text
    assert "lost" not in text
    assert report.MISSED in {each.get("fill") for each in drawn.iter()}


def test_the_file_has_every_figure_and_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "eval" / "quality.json"
    report.save([Section("title", [Figure("clothing", "content", 0.6484, 250, least=0.64)])], ["look: no apt"], path)
    found = json.loads(path.read_text())
    assert found["figures"][0] | {"section": "title", "value": 0.6484, "least": 0.64} == found["figures"][0]
    assert found["left_out"] == ["look: no apt"]
    assert found["machine"]["python"]


def test_without_data_there_is_a_clear_line_and_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--clothing", str(tmp_path), "--luma", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "left out clothing: no items.csv" in said
    assert "LUMA=" in said
