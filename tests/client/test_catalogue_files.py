from __future__ import annotations

import re
from pathlib import Path

import pytest

from visrec.catalogue_files import CatalogueFileError, read_items, title_of


def photo(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def test_sub_folders_are_categories(tmp_path: Path) -> None:
    shoe = photo(tmp_path / "shoes" / "red_boot.JPG")
    photo(tmp_path / "shoes" / "men" / "oxford.png")
    photo(tmp_path / "loose.webp")
    photo(tmp_path / "shoes" / "notes.txt")
    photo(tmp_path / ".thumbnails" / "red_boot.jpg")
    items = read_items(tmp_path, domain="fashion").items
    assert [(item.id, item.category, item.title) for item in items] == [
        ("loose.webp", "", "Loose"),
        ("shoes/men/oxford.png", "shoes/men", "Oxford"),
        ("shoes/red_boot.JPG", "shoes", "Red boot"),
    ]
    assert items[2].photos == [shoe]
    assert {item.domain for item in items} == {"fashion"}


@pytest.mark.parametrize(
    ("stem", "title"), [("tajMahal", "Taj mahal"), ("red-boot_2", "Red boot 2"), ("fish12", "Fish 12")]
)
def test_titles_are_readable(stem: str, title: str) -> None:
    assert title_of(stem) == title


def test_a_csv_gives_every_field_and_its_other_columns_become_attributes(tmp_path: Path) -> None:
    photo(tmp_path / "a.jpg")
    photo(tmp_path / "b.jpg")
    (tmp_path / "items.csv").write_text(
        "id,title,category,domain,image,price,currency,tags,group_id,Main Colour,legs,notes\n"
        "c1,Chair,chairs,furniture,a.jpg|b.jpg,19.5,EUR,wood|low,g1,red,4," + "x" * 300 + "\n"
        "c2,Stool,chairs,,a.jpg,,,,,,,\n"
    )
    chair, stool = read_items(tmp_path, domain="other").items
    assert chair.photos == [tmp_path / "a.jpg", tmp_path / "b.jpg"]
    assert (chair.price, chair.currency, chair.group_id, chair.tags) == (19.5, "EUR", "g1", ["wood", "low"])
    notes = chair.attributes["notes"]
    assert chair.attributes == {"main_colour": "red", "legs": 4.0, "notes": notes}
    assert len(str(notes)) == 256
    assert (stool.domain, stool.price, stool.attributes) == ("other", None, {})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("id,image\n1,nothing.jpg\n", "line 2: image .*nothing.jpg does not exist"),
        ("id,image\n1,a.jpg\n1,a.jpg\n", "line 3: id '1' is that of line 2"),
        ("id,image\n,a.jpg\n", "line 2: an id has 1 to 128 letters"),
        ("id,image\n1,\n", "line 2: no image"),
        ("id,image,price\n1,a.jpg,cheap\n", "line 2: price 'cheap' is not a number"),
        ("id,image,price\n1,a.jpg,nan\n", "line 2: price 'nan' is not a number"),
        ("id,image,price\n1,a.jpg,-3\n", "line 2: price '-3' is not a number of at least 0"),
        ("id,image\n1,a.jpg,extra\n", "line 2: more cells"),
    ],
)
def test_a_bad_row_fails_alone_and_says_where_and_what(tmp_path: Path, text: str, complaint: str) -> None:
    photo(tmp_path / "a.jpg")
    listing = tmp_path / "items.csv"
    listing.write_text(text + "good,a.jpg" + "," * (text.splitlines()[0].count(",") - 1) + "\n")
    reading = read_items(listing)
    assert reading.items[-1].id == "good"
    (refused,) = reading.refused
    assert re.search(complaint, refused)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("id,title\n1,Chair\n", "no column image"), ("id,image\n", "holds no items"), ("", "no column id")],
)
def test_a_bad_csv_says_what_it_lacks(tmp_path: Path, text: str, complaint: str) -> None:
    listing = tmp_path / "items.csv"
    listing.write_text(text)
    with pytest.raises(CatalogueFileError, match=complaint):
        read_items(listing)


def test_a_csv_in_another_encoding_is_refused(tmp_path: Path) -> None:
    listing = tmp_path / "items.csv"
    listing.write_bytes("id,image\nfauteuil-é,a.jpg\n".encode("latin-1"))
    with pytest.raises(CatalogueFileError, match="UTF-8"):
        read_items(listing)


def test_a_single_photo_is_not_a_catalogue(tmp_path: Path) -> None:
    alone = tmp_path / "one.jpg"
    alone.write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(CatalogueFileError, match="give a folder of photos or an items"):
        read_items(alone)


@pytest.mark.parametrize(
    ("stem", "title"),
    [
        ("00003aeb-ace5-43bf-9a0c-0f2b4ed3d5a1", "Dress 2"),
        ("d41d8cd98f00b204e9800998ecf8427e", "Dress 2"),
        ("IMG_20240501_123000", "Dress 2"),
        ("DSC01234", "Dress 2"),
        ("0017", "Dress 2"),
        ("facade_2", "Facade 2"),
        ("bed12", "Bed 12"),
        ("img", "Img"),
    ],
)
def test_a_name_that_says_nothing_gives_way_to_the_category(tmp_path: Path, stem: str, title: str) -> None:
    photo(tmp_path / "clothes" / "dress" / "#first.jpg")
    photo(tmp_path / "clothes" / "dress" / f"{stem}.jpg")
    assert read_items(tmp_path).items[1].title == title


def test_a_name_that_says_nothing_stays_whole_without_a_category(tmp_path: Path) -> None:
    photo(tmp_path / "IMG_1234.jpg")
    assert read_items(tmp_path).items[0].title == "IMG_1234"


def test_a_place_without_photos_says_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(CatalogueFileError, match="holds no items"):
        read_items(tmp_path)
    with pytest.raises(CatalogueFileError, match=re.escape("does not exist: give a folder")):
        read_items(tmp_path / "nowhere")


def test_a_path_too_long_for_an_id_is_refused(tmp_path: Path) -> None:
    photo(tmp_path / ("c" * 70) / ("p" * 70 + ".jpg"))
    photo(tmp_path / "short.jpg")
    reading = read_items(tmp_path)
    assert [item.id for item in reading.items] == ["short.jpg"]
    assert "too long" in reading.refused[0]
