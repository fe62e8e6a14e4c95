"""Files appear whole, in their order, or not at all."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from train.keeping import check, keep

KILLED = -9
DIES = """
import os, signal, sys
from pathlib import Path
from train import keeping
first, second, folder, after = sys.argv[1:]
os.fsync = (lambda _: os.kill(os.getpid(), signal.SIGKILL)) if after == "0" else (lambda _: None)
keeping.keep([Path(first), Path(second)], Path(folder), lambda _: os.kill(os.getpid(), signal.SIGKILL))
"""


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "draft"
    folder.mkdir()
    return drafted(folder, "weights.npz")


def drafted(folder: Path, weights: str) -> list[Path]:
    made = [folder / weights, folder / "shop.json"]
    for path in made:
        path.write_text(f"new {path.name}")
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where another run has written before."""
    there = tmp_path / "kept"
    there.mkdir()
    (there / "shop.json").write_text("old")
    return there


def test_copies_are_kept_in_their_order(files: list[Path], folder: Path) -> None:
    told: list[int] = []
    assert keep(files, folder, told.append) == [folder / "weights.npz", folder / "shop.json"]
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "weights.npz": "new weights.npz",
        "shop.json": "new shop.json",
    }
    assert told == [1, 1]


@pytest.mark.parametrize(("after", "there"), [("0", {"shop.json"}), ("1", {"shop.json", "weights.npz"})])
def test_killed_in_the_midst_the_one_before_stays(files: list[Path], folder: Path, after: str, there: set[str]) -> None:
    """While the first file is written, and after it: what names the files is as it was. The next run, which has learned
    something else, leaves nothing of a file half written."""
    done = subprocess.run([sys.executable, "-c", DIES, *files, folder, after], check=False, timeout=60)
    assert done.returncode == KILLED
    assert {path.name for path in folder.iterdir() if not path.name.startswith(".")} == there
    assert (folder / "shop.json").read_text() == "old"
    keep(drafted(files[0].parent, "others.npz"), folder, lambda _: None)
    assert {path.name for path in folder.iterdir()} == there | {"shop.json", "others.npz"}


def test_a_full_disk_leaves_what_was_there(files: list[Path], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        keep(files, folder, lambda _: None)
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"shop.json": "old"}


def test_where_nothing_can_be_written_is_found_before(folder: Path) -> None:
    """A folder without leave to write is one to root, too; one that is a file is not."""
    check(folder / "shop.json")
    assert [path.name for path in folder.iterdir()] == ["shop.json"]
    with pytest.raises(NotADirectoryError):
        check(folder / "shop.json" / "other.json")
