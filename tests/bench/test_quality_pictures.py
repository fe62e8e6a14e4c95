from __future__ import annotations

import io
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.failure import BenchFailed
from bench.quality import gcompris, looks, pasted
from bench.quality.data import collect, distinct, over_photos
from bench.quality.picture import SIDE, Picture, file_of, square
from bench.quality.question import Question
from bench.quality.shops import Clothing, read_luma
from demo.sources import LeftOut
from tests.demo.resources import Tree, Writer


def photo(name: str, image: Image.Image, **labels: str) -> Picture:
    return Picture(name, partial(file_of, image), labels, name)


def plain(colour: str, size: tuple[int, int] = (SIDE, SIDE)) -> Image.Image:
    return Image.new("RGB", size, colour)


def product(colour: str = "red") -> Image.Image:
    """A square thing, with a white hole, in the middle of white."""
    image = plain("white")
    image.paste(plain(colour, (100, 100)), (62, 62))
    image.paste(plain("white", (20, 20)), (102, 102))
    return image


def opened(picture: Picture) -> Image.Image:
    return Image.open(io.BytesIO(picture.file())).convert("RGB")


def file(image: Image.Image, kind: str = "WEBP") -> bytes:
    written = io.BytesIO()
    image.save(written, kind, lossless=True)
    return written.getvalue()


# Folders with an items.csv


def shop(folder: Path, header: str, *rows: str) -> None:
    folder.mkdir()
    (folder / "a.jpg").write_bytes(b"photo")
    (folder / "items.csv").write_text("\n".join([header, *rows]))


def test_clothing_is_split_into_queries_and_gallery(tmp_path: Path) -> None:
    shop(tmp_path / "clothing", "id,category,split,image", "1,hat,gallery,a.jpg", "2,shoe,query,a.jpg")
    clothing = Clothing.read(tmp_path / "clothing")
    assert [each.labels for each in clothing.queries] == [{"category": "shoe"}]
    assert [each.name for each in clothing.gallery] == ["clothing/1"]
    assert clothing.gallery[0].file() == b"photo"


def test_a_product_without_a_colour_is_asked_only_for_its_category(tmp_path: Path) -> None:
    shop(tmp_path / "luma", "id,title,category,colour,image", "1,Tote,bags,,a.jpg", "2,Duffle,bags,Red,a.jpg")
    assert [each.labels for each in read_luma(tmp_path / "luma")] == [
        {"category": "bags", "title": "Tote"},
        {"category": "bags", "colour": "Red", "title": "Duffle"},
    ]


def test_a_photo_that_is_missing_is_named(tmp_path: Path) -> None:
    shop(tmp_path / "luma", "id,title,category,colour,image", "1,Tote,bags,,b.jpg")
    with pytest.raises(BenchFailed, match=r"b\.jpg"):
        read_luma(tmp_path / "luma")


def test_what_cannot_be_had_is_left_out_and_the_rest_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop(tmp_path / "luma", "id,title,category,colour,image", "1,Tote,bags,Red,a.jpg")
    monkeypatch.setenv("PATH", str(tmp_path))
    data = collect({"clothing": tmp_path, "luma": tmp_path / "luma"}, tmp_path / "cache", lambda _: None)
    assert [question.name for question in data.questions] == ["luma: category", "luma: colour"]
    assert [line.partition(":")[0] for line in data.left_out] == ["clothing", "medium, look, colour over photos"]
    assert "no apt" in data.left_out[1]
    assert [len(question.queries) for question in data.alike] == [0, 1]


def test_a_picture_of_several_questions_is_embedded_once() -> None:
    one, other = photo("one", plain("red"), colour="red", kind="x"), photo("other", plain("red"), kind="x")
    questions = [Question.among("colour", "colour", [one, other]), Question.among("kind", "kind", [one, other])]
    questions.append(Question("split", "kind", [other], [photo("in the gallery", plain("red"), kind="x")]))
    assert [each.name for each in distinct(questions)] == ["one", "other", "in the gallery"]


# Products over photos


def test_the_backdrop_is_what_white_reaches_from_the_border() -> None:
    """Around corners too, but not into a hole."""
    drawn = ("..###", ".#..#", ".#.##", ".##..", "....#")
    white = np.array([[mark == "." for mark in row] for row in drawn])
    outside = np.array([[mark == "." for mark in row] for row in ("..###", ".####", ".####", ".##..", "....#")])
    np.testing.assert_array_equal(pasted.backdrop(white), outside)


def test_a_product_keeps_its_white_parts_and_its_place() -> None:
    (cut,) = pasted.cut_out([photo("p", product(), colour="Red")])
    (over,) = pasted.in_place([cut], [photo("b", plain("blue"))])
    image = opened(over)
    found = [image.getpixel(place) for place in ((5, 5), (112, 112), (80, 80))]
    assert found == [(0, 0, 255), (255, 255, 255), (255, 0, 0)]
    assert (over.labels, over.group) == ({"colour": "Red"}, "p")


def test_a_product_that_goes_anywhere_is_smaller() -> None:
    (cut,) = pasted.cut_out([photo("p", product())])
    (over,) = pasted.anywhere([cut], [photo("b", plain("blue"))])
    red = (np.asarray(opened(over)) == (255, 0, 0)).all(axis=-1)
    assert 0.3 < red.sum() / (100 * 100 - 20 * 20) < 0.5


@pytest.mark.parametrize("image", [plain("white"), plain("red")])
def test_what_does_not_stand_clear_of_its_backdrop_is_not_cut_out(image: Image.Image) -> None:
    assert not list(pasted.cut_out([photo("p", image)]))


def test_products_over_photos_are_held_against_all_that_have_a_colour() -> None:
    products = [photo("p", product(), colour="Red"), photo("whole", plain("red"), colour="Red"), photo("n", product())]
    for question in over_photos(products, [photo("b", plain("blue"))]):
        assert [each.group for each in question.queries] == ["p"]
        assert [each.name for each in question.gallery] == ["p", "whole"]


# Looks


def test_every_look_changes_a_photo_and_only_the_look() -> None:
    random = np.random.default_rng(0)
    image = Image.fromarray(random.integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8))
    treated = looks.treated([photo("p", image)])
    found = {each.labels["look"]: opened(each) for each in treated}
    assert {each.size for each in found.values()} == {(SIDE, SIDE)}
    assert len({each.tobytes() for each in found.values()}) == len(found) == 10
    assert found["plain"].tobytes() == image.tobytes()
    assert {each.group for each in treated} == {"p"}


def test_the_same_photo_is_treated_alike_every_time() -> None:
    first, second = (
        next(each.file() for each in looks.treated([photo("p", plain("grey"))]) if each.labels["look"] == "grain")
        for _ in range(2)
    )
    assert first == second


def test_at_most_150_photos_are_treated_and_they_are_spread_over_all() -> None:
    treated = looks.treated([photo(str(number), plain("red")) for number in range(300)])
    assert len(treated) == 10 * looks.MOST_PHOTOS
    assert [each.group for each in treated[:3]] == ["0", "2", "4"]


def test_transparent_parts_of_a_square_are_white() -> None:
    image = Image.new("RGBA", (300, 200))
    assert square(file(image, "PNG")).getpixel((100, 100)) == (255, 255, 255)


# gcompris


def package(folder: Path, archives: dict[str, Tree]) -> Path:
    (folder / "usr" / "share").mkdir(parents=True)
    for name, tree in archives.items():
        (folder / "usr" / "share" / f"{name}.rcc").write_bytes(Writer().write({"resource": tree}))
    return folder


BOARD = b"""{ "pixmapfile" : "image/bg.svg", "width": 300, "height": 200 },
{ "pixmapfile" : "image/left.webp", "x" : "0.25", "y" : "0.5" },
{ "pixmapfile" : "image/right.webp", "x" : "0.75", "y" : "0.5" }"""


def everything() -> dict[str, Tree]:
    photos: Tree = dict.fromkeys(("tajMahal.webp", "tajMahal2.webp", "notes.txt"), b"")
    pieces: Tree = {
        f"{name}.webp": file(plain(colour, (146, 200))) for name, colour in (("left", "red"), ("right", "blue"))
    }
    return {
        "explore_monuments": {"india": photos},
        "details": {"image": {"Gogh4_background.webp": b"", "NDP_background.webp": b"", "NDP_part.webp": b""}},
        "lang": {"words_sample": {"red.webp": b"", "blue.webp": b"", "owl.webp": b""}},
        "paintings": {"board": {"board1.qml": BOARD}, "image": pieces},
        "chess": {"image": {"board.webp": b""}},
    }


def test_the_folder_of_a_picture_says_its_medium(tmp_path: Path) -> None:
    found = gcompris.read(package(tmp_path, everything()))
    assert {each.name.removeprefix("gcompris/"): each.labels["medium"] for each in found} == {
        "details/image/Gogh4_background": "painting",
        "details/image/NDP_background": "photo",
        "explore_monuments/india/tajMahal": "photo",
        "explore_monuments/india/tajMahal2": "photo",
        "lang/words_sample/blue": "drawing",
        "lang/words_sample/owl": "drawing",
        "lang/words_sample/red": "drawing",
        "paintings/board1": "painting",
    }


def test_pictures_of_the_same_motif_are_a_group(tmp_path: Path) -> None:
    groups = {each.name.rpartition("/")[2]: each.group for each in gcompris.read(package(tmp_path, everything()))}
    assert groups["tajMahal"] == groups["tajMahal2"] != groups["NDP_background"]
    assert groups["red"] == groups["blue"] != groups["owl"]


def test_a_painting_is_put_together_without_seams(tmp_path: Path) -> None:
    """Eight pixels between the pieces are empty; they take the colours beside them."""
    painting = next(each for each in gcompris.read(package(tmp_path, everything())) if "board1" in each.name)
    pixels = np.asarray(opened(painting)).astype(int)
    assert pixels.shape[1] > pixels.shape[0]
    assert np.max(pixels[:, 20] - (255, 0, 0)) < 3
    assert np.max(pixels[:, -20] - (0, 0, 255)) < 3
    assert pixels[..., 1].max() < 3
    assert pixels.sum(axis=-1).min() > 250


def test_another_layout_is_left_out(tmp_path: Path) -> None:
    with pytest.raises(LeftOut, match="another layout"):
        gcompris.read(package(tmp_path, {"lang": {"words": {"owl.webp": b""}}}))


def test_a_damaged_archive_is_left_out(tmp_path: Path) -> None:
    folder = package(tmp_path, everything())
    (folder / "usr" / "share" / "lang.rcc").write_bytes(b"qres")
    with pytest.raises(LeftOut, match="ends in the middle"):
        gcompris.read(folder)
