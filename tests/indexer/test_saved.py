"""Snapshots of an index: what is read is what was written, or refused."""

from __future__ import annotations

import gc
import json
import resource
import shutil
import weakref
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.indexer.filters import Condition, Filter, NumberTest, TruthTest, WordTest
from services.indexer.index.exact import ExactIndex
from services.indexer.index.faiss_index import FaissIndex
from services.indexer.index.port import Accuracy
from services.indexer.index.saved import Forms, SnapshotRefused
from services.indexer.index.settled import SettledPart
from services.indexer.item import Record
from services.indexer.wire.items import pack_item, unpack_item
from services.spaces import Block, Space
from tests.indexer.builders import OTHER_SPACE, SPACE, record
from tests.indexer.test_index import TINY, assert_alike, nearest_ids, nothing, query, settle, version

GOLDEN = Path(__file__).parents[1] / "golden" / "snapshot-1"
FORMS = Forms(pack_item, unpack_item)


def loaded(folder: Path, space: Space = SPACE, partitions: int = 1) -> FaissIndex:
    return FaissIndex.load(folder, space, partitions, FORMS, TINY, proceed=nothing)


def saved(index: FaissIndex, folder: Path) -> Path:
    folder.mkdir()
    moved = index.save(folder, nothing)
    assert moved
    moved(folder)
    return folder


def some(number: int) -> Record:
    """Items that together have every kind of fact."""
    photos = range(100 * number, 100 * number + 1 + number % 3)
    fields: dict[str, Any] = {"category": f"c{number % 3}", "tags": ("a", f"t{number}"), "group_id": f"g{number // 2}"}
    attributes = {"size": float(number), "new": number % 2 == 0, "fit": "wide"}
    return record(f"item-{number}", *photos, price=number + 0.5, attributes=attributes, title=f"No. {number}", **fields)


def many_parts() -> tuple[FaissIndex, ExactIndex]:
    """A large, a small and a fresh part, each with some that are dead."""
    served, oracle = FaissIndex(SPACE, 1, pack_item, TINY), ExactIndex(SPACE, 1, pack_item)
    for start in (0, 40, 60):
        for index in (served, oracle):
            index.apply([some(number) for number in range(start, start + (40 if start == 0 else 10))], (), version(1))
        if start < 60:
            settle(served)
    for index in (served, oracle):
        index.apply([some(3), record("item-5", 7)], ["item-1", "item-42", "item-61"], version(2))
    return served, oracle


def told(folder: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())["manifest"]
    return manifest


def tell(folder: Path, manifest: dict[str, Any]) -> None:
    """A manifest that is whole, though it may say what is not so."""
    digest = zlib.crc32(json.dumps(manifest, sort_keys=True).encode())
    (folder / "manifest.json").write_text(json.dumps({"crc32": digest, "manifest": manifest}))


FILTERS = (
    Filter(must=(Condition("tags", WordTest(frozenset({"t4", "t45", "t65"}))),)),
    Filter(must=(Condition("price", NumberTest(3, 62)),), must_not=(Condition("attributes.new", TruthTest(True)),)),
)


def test_what_is_loaded_answers_as_what_was_saved(tmp_path: Path) -> None:
    served, oracle = many_parts()
    again = loaded(saved(served, tmp_path / "one"))
    assert_alike(again, oracle)
    for filter_ in FILTERS:
        assert nearest_ids(again.view(), query(), 40, filter_) == nearest_ids(oracle.view(), query(), 40, filter_)
    assert again.view().version == version(2)
    size, before = again.view().size(), served.view().size()
    assert (size.items, size.rows, size.items_by_domain) == (before.items, before.rows, before.items_by_domain)


def test_what_is_loaded_can_be_written_to_and_built_on(tmp_path: Path) -> None:
    """Mapped parts are read only: adding to one would end the process."""
    served, oracle = many_parts()
    again = loaded(saved(served, tmp_path / "one"))
    for number in range(100, 160):
        for index in (again, oracle):
            index.apply([some(number)], [f"item-{number - 95}"], version(3))
        settle(again)
    assert_alike(again, oracle)
    again.rebuild(nothing)
    assert_alike(again, oracle)
    assert again.view().size().deleted == 0


def test_a_snapshot_outlives_the_one_it_was_linked_to(tmp_path: Path) -> None:
    served, oracle = many_parts()
    saved(served, tmp_path / "one")
    two = saved(served, tmp_path / "two")
    assert (two / "part-0" / "flat.faiss").stat().st_nlink == 2
    shutil.rmtree(tmp_path / "one")
    assert_alike(loaded(two), oracle)
    three = saved(served, tmp_path / "three")
    shutil.rmtree(two)
    assert_alike(loaded(three), oracle)


def test_a_part_that_is_being_removed_elsewhere_is_written_anew(tmp_path: Path) -> None:
    mine, oracle = many_parts()
    one = saved(mine, tmp_path / "one")
    for path in one.glob("part-*/flat.faiss"):
        path.unlink()
    assert_alike(loaded(saved(mine, tmp_path / "two")), oracle)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="descriptors are counted in /proc")
def test_a_loaded_index_holds_few_file_descriptors(tmp_path: Path) -> None:
    served, _ = many_parts()
    folder = saved(served, tmp_path / "one")
    before = len(list(Path("/proc/self/fd").iterdir()))
    index = loaded(folder)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + len(index.view().placed)


def test_a_process_with_too_many_open_files_says_so(tmp_path: Path) -> None:
    folder = saved(many_parts()[0], tmp_path / "one")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        with pytest.raises(SnapshotRefused, match="Too many open files"):
            loaded(folder)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def test_what_is_written_while_a_snapshot_is_made_is_not_in_it_twice(tmp_path: Path) -> None:
    served, oracle = many_parts()
    left = iter(range(1000))

    def write() -> None:
        number = next(left)
        if number < 5:
            served.apply([record(f"item-{60 + number}", 5000 + number)], (), version(3))

    (tmp_path / "one").mkdir()
    served.save(tmp_path / "one", write)
    assert_alike(loaded(tmp_path / "one"), oracle)


def _flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.unlink()
    path.write_bytes(data)


def _shorter(path: Path) -> None:
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data[:-1])


@pytest.mark.parametrize("harm", [_flipped, _shorter])
def test_only_files_that_are_as_they_were_written_are_linked(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    """What lies where one's own files were may be somebody else's by now, or harmed."""
    mine, oracle = many_parts()
    one = saved(mine, tmp_path / "one")
    harm(one / "part-0" / "ids-data.npy")
    two = saved(mine, tmp_path / "two")
    assert_alike(loaded(two), oracle)
    assert (two / "part-0" / "ids-data.npy").stat().st_nlink == 1
    assert (two / "part-1" / "ids-data.npy").stat().st_nlink == 2


def test_what_was_written_is_known_by_itself_until_it_has_its_place(tmp_path: Path) -> None:
    """A part that is made meanwhile might get the id() of one that is gone, and be taken for it."""
    index, _ = many_parts()
    tables = [weakref.ref(placed.part.table) for placed in index.view().placed if isinstance(placed.part, SettledPart)]
    moved = index.save(_folder(tmp_path / "one"), nothing)
    index.rebuild(nothing)
    gc.collect()
    assert moved
    assert all(table() for table in tables)
    moved(tmp_path / "one")
    del moved
    gc.collect()
    assert not any(table() for table in tables)


@pytest.mark.parametrize("harm", [_flipped, _shorter, Path.unlink])
def test_no_file_of_a_snapshot_can_be_harmed_unnoticed(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    whole = saved(many_parts()[0], tmp_path / "whole")
    files = [path.relative_to(whole) for path in whole.rglob("*") if path.is_file() and path.stat().st_size]
    assert len(files) > 40
    for file in files:
        shutil.copytree(whole, tmp_path / "harmed")
        harm(tmp_path / "harmed" / file)
        with pytest.raises(SnapshotRefused):
            loaded(tmp_path / "harmed")
        shutil.rmtree(tmp_path / "harmed")


def test_a_snapshot_of_something_else_is_refused_with_a_clear_line(tmp_path: Path) -> None:
    whole = saved(many_parts()[0], tmp_path / "whole")
    wider = Space(SPACE.name, (Block("content", 12), Block("colour", 4), Block("style", 4)))
    for space, partitions in ((OTHER_SPACE, 1), (wider, 1), (SPACE, 2)):
        with pytest.raises(SnapshotRefused, match="another space or number of partitions"):
            loaded(whole, space, partitions)
    tell(whole, {**told(whole), "format": 2})
    with pytest.raises(SnapshotRefused, match="of format 2; this version reads format 1"):
        loaded(whole)


def test_a_manifest_that_does_not_fit_the_files_is_refused(tmp_path: Path) -> None:
    whole = saved(many_parts()[0], tmp_path / "whole")
    manifest = told(whole)
    for parts in ([{"role": "large"}], [{"role": "none", "effort": {}}], "nothing"):
        tell(whole, {**manifest, "parts": parts})
        with pytest.raises(SnapshotRefused, match="do not fit together"):
            loaded(whole)


def test_an_empty_index_can_be_saved(tmp_path: Path) -> None:
    again = loaded(saved(FaissIndex(SPACE, 1, pack_item, TINY), tmp_path / "one"))
    assert again.item_ids() == []
    again.apply([some(1)], (), version(1))
    assert nearest_ids(again.view(), query(), 3) == ["item-1"]


class TestGolden:
    """A snapshot that was written when format 1 was made. When one of these fails the format has changed: count it up,
    and keep reading what is kept of the old one, or say that it is refused."""

    def test_a_snapshot_of_format_1_is_read(self) -> None:
        assert_alike(loaded(GOLDEN), many_parts()[1])

    def test_format_1_is_what_is_written(self, tmp_path: Path) -> None:
        now = saved(many_parts()[0], tmp_path / "one")
        then, written = told(GOLDEN), told(now)
        assert written["files"].keys() == then["files"].keys()
        for key in ("format", "space", "partitions", "version"):
            assert written[key] == then[key]
        for name in then["files"]:
            if name.endswith(".npy"):
                one, other = (np.load(folder / name) for folder in (now, GOLDEN))
                assert (one.dtype, one.shape) == (other.dtype, other.shape), name

    def test_walks_and_scans_work_in_it(self) -> None:
        assert len(nearest_ids(loaded(GOLDEN).view(), query(), 5, accuracy=Accuracy.BALANCED)) == 5
