"""The data sets of `make bench-indexer`: the same in every run, and like what they stand for."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from bench.failure import BenchFailed
from bench.indexer import fashion, photographs
from bench.indexer.data import CHUNK_ROWS, HIGHEST_PRICE, Chunk, Rows, chunks, prices
from bench.indexer.fashion import Fashion
from bench.indexer.photographs import Photographs
from bench.indexer.space import Block, Float32, Space
from bench.indexer.synthetic import BLOCKS, SHAPES, Synthetic

SPACE = Space("test", (Block("a", 3, 1.0), Block("b", 2, 0.5)))


class Counted:
    """Row n is n in every place."""

    name = "counted"
    space = SPACE
    limit = 2 * CHUNK_ROWS + 500

    def chunk(self, number: int) -> Chunk:
        rows = np.arange(number * CHUNK_ROWS, min((number + 1) * CHUNK_ROWS, self.limit))
        return Chunk(np.repeat(rows[:, None], 5, 1).astype(np.float32), (rows % 7).astype(np.uint16))

    def queries(self, count: int) -> Float32:
        return np.zeros((count, 5), np.float32)


@pytest.mark.parametrize(("first", "count"), [(0, 5), (9_990, 20), (0, 25_000), (19_999, 1), (20_400, 500)])
def test_chunks_are_the_rows_that_were_asked_for(first: int, count: int) -> None:
    found = list(chunks(Counted(), first, count))

    wanted = np.arange(first, min(first + count, Counted.limit))
    assert np.concatenate([chunk.vectors[:, 0] for _, chunk in found]).tolist() == wanted.tolist()
    assert [start for start, _ in found] == [int(chunk.vectors[0, 0]) for _, chunk in found]


def test_rows_are_kept_and_read_again(tmp_path: Path) -> None:
    few = Rows.written(Counted(), 10, tmp_path)
    many = Rows.written(Counted(), 12_000, tmp_path)
    written = many.path.stat().st_mtime_ns
    again = Rows.written(Counted(), 2_000, tmp_path)

    assert (len(few), len(many), len(again)) == (10, 12_000, 2_000)
    assert again.path.stat().st_mtime_ns == written
    assert again.vectors[:, 0].tolist() == np.arange(2_000, dtype=np.float16).tolist()
    assert again.categories.tolist() == [row % 7 for row in range(2_000)]


def test_rows_of_a_run_that_was_broken_off_are_written_anew(tmp_path: Path) -> None:
    whole = Rows.written(Counted(), 100, tmp_path)
    whole.path.write_bytes(whole.path.read_bytes()[:-1])

    assert Rows.written(Counted(), 100, tmp_path).vectors[99, 0] == 99
    (tmp_path / whole.path.name).unlink()
    assert Rows.written(Counted(), 100, tmp_path).vectors[99, 0] == 99


def test_made_up_rows_are_the_same_in_every_run() -> None:
    one, other = Synthetic(), Synthetic()

    assert np.array_equal(one.chunk(3).vectors, other.chunk(3).vectors)
    assert not np.array_equal(one.chunk(3).vectors, one.chunk(4).vectors)
    assert one.space.name == other.space.name


def test_every_block_of_a_made_up_row_is_of_unit_norm() -> None:
    vectors, start = Synthetic().chunk(0).vectors, 0
    for block in BLOCKS:
        part = vectors[:, start : start + block.dimension]
        assert np.linalg.norm(part, axis=1) == pytest.approx(np.ones(CHUNK_ROWS), abs=1e-5)
        start += block.dimension


def test_a_block_has_few_dimensions_of_its_own() -> None:
    """Nine tenths of its variance are in as many directions as it was made of."""
    vectors, start = Synthetic().chunk(0).vectors, 0
    for block, shape in zip(BLOCKS, SHAPES, strict=True):
        part = vectors[:, start : start + block.dimension]
        spread = np.linalg.svd(part - part.mean(axis=0), compute_uv=False) ** 2
        assert spread[: shape.intrinsic].sum() / spread.sum() > 0.9
        start += block.dimension


def test_blocks_know_little_of_each_other() -> None:
    """Rows of one cluster are nearer in content than others, and only a little so in colour."""
    vectors, categories = Synthetic().chunk(0)
    within = vectors[categories == 0][:100]
    nearer = [
        (within[:, at] @ within[:, at].T).mean() - (vectors[:100, at] @ vectors[:100, at].T).mean()
        for at in (slice(0, 256), slice(256, 320))
    ]
    assert nearer[0] > 2 * nearer[1] > 0


def test_queries_are_not_among_the_rows_and_every_count_begins_alike() -> None:
    queries = Synthetic().queries(50)
    assert queries.shape == (50, 384)
    assert (queries @ Synthetic().chunk(0).vectors.T).max() < 2.999


def test_prices_let_pass_what_they_should() -> None:
    found = prices(np.arange(20_000))
    for share in (0.5, 0.05, 0.005):
        assert np.count_nonzero(found <= share * HIGHEST_PRICE) / 20_000 == pytest.approx(share, rel=0.05)


def test_the_name_of_a_space_tells_what_its_numbers_are() -> None:
    assert SPACE.name != Space("other", SPACE.blocks).name
    assert SPACE.name != Space("test", SPACE.blocks[:1]).name
    assert Space.of(SPACE.message()) == Space(SPACE.name, SPACE.blocks)
    assert Space.of(SPACE.message()).name == SPACE.name


def test_a_weighed_vector_scores_as_the_service_does() -> None:
    query = SPACE.normalised(np.array([[1, 2, 2, 0, 3]], np.float32))[0]
    item = SPACE.normalised(np.array([[2, 1, 2, 4, 3]], np.float32))[0]

    # The parts are 8/9 and 3/5.
    assert SPACE.weighed(query, {}) @ item == pytest.approx((8 / 9 + 0.5 * 3 / 5) / 1.5)
    assert SPACE.weighed(query, {"b": 2.0}) @ item == pytest.approx(3 / 5)
    assert SPACE.weighed(query, {"a": 1.0, "b": -1.0}) @ item == pytest.approx((8 / 9 - 3 / 5) / 2)


def idx(path: Path, values: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], kind: int = 8) -> None:
    head = struct.pack(">HBB", 0, kind, values.ndim) + struct.pack(f">{values.ndim}I", *values.shape)
    path.write_bytes(gzip.compress(head + values.tobytes()))


def test_fashion_mnist_is_read_centred_and_of_unit_norm(tmp_path: Path) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (30, 28, 28), dtype=np.uint8)
    idx(tmp_path / "train-images-idx3-ubyte.gz", pictures)
    idx(tmp_path / "train-labels-idx1-ubyte.gz", np.arange(30, dtype=np.uint8))
    idx(tmp_path / "t10k-images-idx3-ubyte.gz", pictures[:4])

    data = Fashion(tmp_path)
    vectors, labels = data.chunk(0)

    assert (data.limit, vectors.shape, labels.tolist()) == (30, (30, 784), list(range(30)))
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(30), abs=1e-5)
    assert data.queries(9) == pytest.approx(vectors[:4])


def test_fashion_mnist_that_is_missing_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(BenchFailed, match="apt-get install dataset-fashion-mnist"):
        Fashion(tmp_path)


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    idx(tmp_path / "floats.gz", np.zeros((2, 2), np.uint8), kind=13)
    with pytest.raises(BenchFailed, match="not an IDX file"):
        fashion.read(tmp_path / "floats.gz")


def test_photos_are_seen_whole_and_in_parts() -> None:
    seen = photographs.views([Path("one.jpg"), Path("two.jpg")])

    assert len(seen) == 2 * photographs.MOST_VIEWS
    assert [view.path.name for view in seen if view.crop is None] == ["one.jpg", "two.jpg"]
    for crop in (view.crop for view in seen if view.crop is not None):
        assert 0 <= crop.left < crop.right <= 1
        assert 0 <= crop.top < crop.bottom <= 1
    assert seen == photographs.views([Path("one.jpg"), Path("two.jpg")])


def test_enough_photos_need_no_parts() -> None:
    many = [Path(f"{number}.jpg") for number in range(photographs.ROWS)]
    assert [view.path for view in photographs.views(many)] == many


def test_photos_come_in_another_order_and_each_has_a_category() -> None:
    rows = np.random.default_rng(1).normal(size=(200, 5)).astype(np.float32)
    data = Photographs(SPACE, rows, rows[:7])
    vectors, categories = data.chunk(0)

    assert sorted(vectors[:, 0].tolist()) == pytest.approx(sorted(SPACE.normalised(rows)[:, 0].tolist()))
    assert len(set(categories.tolist())) > 10
    assert data.queries(100).shape == (7, 5)
