"""Lists of photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from train.photos import Columns, Photos, WrongList


def listed(folder: Path, text: str) -> Path:
    path = folder / "list.csv"
    path.write_text(text)
    return path


def test_labels(tmp_path: Path) -> None:
    path = listed(tmp_path, "photo,label,sku,split\na.png,coat,1,x\nb.png,coat,1,q\nc.png,hat,2,x\nd.png,hat,3,x\n")
    photos = Photos.read(tmp_path, path, Columns(item="sku", judge=("split", "q")), 10)
    assert photos.groups.related(np.arange(4)).astype(int).tolist() == [
        [0, 1, 0, 0],
        [1, 0, 0, 0],
        [0, 0, 0, 1],
        [0, 0, 1, 0],
    ]
    assert photos.variants[0] == photos.variants[1] != photos.variants[2]
    assert photos.marked.tolist() == [False, True, False, False]


def test_what_two_people_choose_belongs_together(tmp_path: Path) -> None:
    lines = [f"{photo},{person}" for person in ("u", "v") for photo in ("a", "b")]
    lines += [f"{photo},{person}" for person in ("w", "x", "z", "q") for photo in ("c", "d")] + ["a,y", "c,y"]
    path = listed(tmp_path, "photo,person\n" + "\n".join(lines))
    photos = Photos.read(tmp_path, path, Columns(group="person", people=True), 10)
    assert photos.groups.related(np.array([0]))[0].tolist() == [False, True, False, False]


def test_nothing_is_learned_from_other_photos_of_what_is_judged_by(tmp_path: Path) -> None:
    lines = [f"{item}-{view}.png,{item % 2},{item},{view}" for item in range(4) for view in ("front", "back", "worn")]
    path = listed(tmp_path, "photo,label,item,view\n" + "\n".join(lines) + "\n4-worn.png,0,4,worn\n")
    photos = Photos.read(tmp_path, path, Columns(item="item", judge=("view", "front")), 99)
    assert photos.marked.sum() == 4
    assert np.flatnonzero(photos.learnable(photos.marked)).tolist() == [12]
    few = photos.marked & (photos.variants == 1)
    np.testing.assert_array_equal(photos.learnable(few), photos.variants != 1)
    alone = Photos.read(tmp_path, path, Columns(judge=("view", "front")), 99)
    np.testing.assert_array_equal(alone.learnable(alone.marked), ~alone.marked)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("photo,label,item\na,x,1\na,y,2\nb,x,1\n", "a is of item '1' in one line of list.csv and of '2' in another"),
        ("photo,label,item\na,x,\na,y,2\n", "of item '' in one line"),
        ("photo,kind\na,b\n", "no column 'label'"),
        ("photo,label\n" + "\n".join(f"{n},x" for n in range(11)), "at most 10"),
    ],
)
def test_a_list_that_cannot_be_used(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(WrongList, match=why):
        Photos.read(tmp_path, listed(tmp_path, text), Columns(item="item" if "item" in text else ""), 10)


def test_photos_are_read_from_the_folder_alone(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for path in (tmp_path / "secret.png", folder / "a.png"):
        Image.new("RGB", (40, 30), "red").save(path)
    photos = Photos.read(folder, listed(tmp_path, "photo,label\na.png,x\n../secret.png,x\n"), Columns(), 10)
    assert next(photos.only(np.array([0])).pixels(32)).shape == (1, 32, 32, 3)
    with pytest.raises(WrongList, match="not below"):
        list(photos.pixels(32))
