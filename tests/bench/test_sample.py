from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench import sample
from bench.failure import BenchFailed
from bench.pictures import HEIGHT, WIDTH, picture
from visrec.v1 import common_pb2


def test_a_picture_is_a_photo_of_usual_size_and_decided_by_its_seed() -> None:
    assert picture(1) == picture(1) != picture(2)
    assert Image.open(io.BytesIO(picture(1))).size == (WIDTH, HEIGHT)
    assert 50_000 < len(picture(1)) < 150_000


def test_vectors_have_unit_length_in_each_block() -> None:
    blocks = [common_pb2.Block(name="a", dimension=8), common_pb2.Block(name="b", dimension=3)]
    vectors = list(sample.vectors(common_pb2.Space(name="s", blocks=blocks), 5))
    rows = np.array([vector.numbers for vector in vectors])
    assert rows.shape == (5, 11)
    np.testing.assert_allclose(np.linalg.norm(rows[:, :8], axis=1), 1)
    np.testing.assert_allclose(np.linalg.norm(rows[:, 8:], axis=1), 1)


def test_too_few_photos_are_repeated(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "a.JPG").touch()
    (tmp_path / "notes.txt").touch()
    assert sample.photos(tmp_path) == [tmp_path / "inner" / "a.JPG"] * sample.ITEMS


def test_a_folder_without_photos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchFailed, match="no photos"):
        sample.photos(tmp_path)
