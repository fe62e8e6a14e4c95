from __future__ import annotations

from pathlib import Path

import pytest

from bench import quality
from visrec.v1 import indexer_pb2


def answer(*categories: str) -> indexer_pb2.SearchResponse:
    return indexer_pb2.SearchResponse(
        hits=[indexer_pb2.Hit(item=indexer_pb2.Item(category=category)) for category in categories]
    )


def test_precision_is_the_share_of_ten_that_have_the_label() -> None:
    answers = {"a": answer(*["hat"] * 10), "b": answer(*["hat"] * 4, *["shoe"] * 6)}
    queries = [quality.Photo(name, Path(name), "hat") for name in answers]
    assert quality.precision("hats", queries, lambda query: answers[query.id]) == pytest.approx(0.7)


def test_answers_that_are_missing_count_as_wrong() -> None:
    query = quality.Photo("a", Path("a"), "hat")
    assert quality.precision("hats", [query], lambda _: answer("hat")) == pytest.approx(0.1)


def test_without_data_there_is_a_clear_line_and_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert quality.main(["--clothing", str(tmp_path), "--luma", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "clothing: left out" in said
    assert "LUMA=" in said


def test_a_figure_is_good_from_its_target_on() -> None:
    assert quality.Figure("f", 0.64, 0.64, 1).good
    assert not quality.Figure("f", 0.639, 0.64, 1).good
