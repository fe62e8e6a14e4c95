from __future__ import annotations

import io
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from services.embedder.framing import Box
from services.embedder.images import Limits, read_picture
from services.errors import InvalidInput, InvalidPicture
from tests.embedder.pictures import encode, image, jpeg, png_header, waves

SIDE = 32

SLACK_BYTES = 48 * 2**20
"""For the file, the decoder, a strip, and what the allocator keeps."""

FRUGAL = """
import resource, sys
from pathlib import Path
from PIL import Image
from services.embedder.images import read_picture
from tests.embedder.pictures import jpeg
Image.init()
read_picture(jpeg(), 32)
photo = Path(sys.argv[1]).read_bytes()
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + int(sys.argv[2]),) * 2)
read_picture(photo, 32)
"""
"""Reads a photo with only so many bytes more than what is loaded already."""


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """Mean over all values, in levels of 255."""
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_every_format_of_the_list_is_read(file_format: str) -> None:
    pixels = read_picture(encode(image(), file_format), SIDE)
    assert pixels.shape == (SIDE, SIDE, 3)
    assert pixels.dtype == np.uint8
    # JPEG and WebP round, GIF has 256 colours.
    assert difference(pixels, read_picture(encode(image(), "PNG"), SIDE)) < 8


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA"])
def test_every_mode_of_png_becomes_rgb(mode: str) -> None:
    assert read_picture(encode(image(mode=mode), "PNG"), SIDE).shape == (SIDE, SIDE, 3)


def test_cmyk_looks_as_it_did_before() -> None:
    cmyk = read_picture(encode(image(mode="CMYK"), "JPEG", quality=95), SIDE)
    assert difference(cmyk, read_picture(encode(image(), "JPEG", quality=95), SIDE)) < 8


def test_sixteen_bit_greys_keep_their_upper_bits() -> None:
    grey = np.asarray(image(mode="L"))
    deep = Image.fromarray(grey.astype(np.uint16) * 256 + 77)
    eight = read_picture(encode(Image.fromarray(grey), "PNG"), SIDE)
    assert difference(read_picture(encode(deep, "PNG"), SIDE), eight) <= 1


def test_what_is_transparent_is_white() -> None:
    clear = Image.new("RGBA", (64, 64), (200, 0, 0, 0))
    assert (read_picture(encode(clear, "PNG"), SIDE) == 255).all()


def test_a_transparent_colour_of_a_palette_is_white() -> None:
    flat = Image.new("P", (64, 64), 0)
    flat.putpalette([10, 20, 30, 40, 50, 60])
    assert (read_picture(encode(flat, "PNG", transparency=0), SIDE) == 255).all()


def test_an_animation_is_its_first_frame() -> None:
    first, second = image(seed=1), image(seed=2)
    moving = encode(first, "GIF", save_all=True, append_images=[second])
    assert difference(read_picture(moving, SIDE), read_picture(encode(first, "GIF"), SIDE)) < 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photo_is_seen_upright_and_so_is_its_crop(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = encode(image(400, 600), "PNG", exif=exif)
    upright = encode(ImageOps.exif_transpose(Image.open(io.BytesIO(turned))), "PNG")
    box = Box(0.1, 0.2, 0.6, 0.9)
    assert difference(read_picture(turned, SIDE, crop=box), read_picture(upright, SIDE, crop=box)) < 1


def test_broken_metadata_does_not_cost_the_photo() -> None:
    good = jpeg()
    broken = good[:2] + b"\xff\xe1\x00\x10Exif\x00\x00MM\xff\xff\xff\xff\xff\xff" + good[2:]
    assert (read_picture(broken, SIDE) == read_picture(good, SIDE)).all()


def test_the_centre_square_is_what_is_looked_at() -> None:
    wide = waves(100, 300)
    square = Image.fromarray(wide[:, 100:200])
    seen = read_picture(encode(Image.fromarray(wide), "PNG"), SIDE)
    # Resampling looks a pixel or two beyond the edge, where there is something in one and nothing in the other.
    assert difference(seen, read_picture(encode(square, "PNG"), SIDE)) < 1


def test_a_large_jpeg_scaled_by_its_decoder_looks_like_one_scaled_afterwards() -> None:
    large = image(1200, 1600)
    assert (
        difference(read_picture(encode(large, "JPEG", quality=95), SIDE), read_picture(encode(large, "PNG"), SIDE)) < 3
    )


BAD: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "no picture": lambda: b"%PDF-1.7 and so on" * 20,
    "only a signature": lambda: b"\x89PNG\r\n\x1a\n",
    "TIFF": lambda: encode(image(), "TIFF"),
    "SVG": lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "JPEG cut short": lambda: jpeg(height=300, width=400)[:4000],
    "PNG cut short": lambda: encode(image(), "PNG")[:-2000],
    "WebP cut short": lambda: encode(image(), "WEBP")[:-100],
    "GIF cut short": lambda: encode(image(), "GIF")[:900],
    "BMP cut short": lambda: encode(image(), "BMP")[:-3000],
    "PNG with a broken checksum": lambda: encode(image(), "PNG").replace(b"IDAT", b"IDAU", 1),
    "1x1": lambda: encode(Image.new("RGB", (1, 1)), "PNG"),
    "one side short": lambda: encode(Image.new("RGB", (4000, Limits().min_side - 1)), "PNG"),
    "above our pixels": lambda: png_header(9_000, 6_000),
    "above Pillow's pixels": lambda: png_header(20_000, 20_000),
    "no pixels": lambda: png_header(0, 0),
    "negative size": lambda: b"BM" + bytes(12) + b"\x28\0\0\0" + b"\xff\xff\xff\xff" * 2 + bytes(28),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_by_name_of_its_field(name: str) -> None:
    with pytest.raises(InvalidPicture) as caught:
        read_picture(BAD[name](), SIDE, field="query.photo")
    assert caught.value.field == "query.photo.data"
    assert caught.value.reason == "INVALID_PICTURE"


@given(st.binary(max_size=200), st.sampled_from(["JPEG", "PNG", "WEBP", "GIF", "BMP"]), st.integers(0, 2000))
def test_damaged_files_are_read_or_refused_and_nothing_else(damage: bytes, file_format: str, at: int) -> None:
    good = encode(image(), file_format)
    try:
        pixels = read_picture(good[:at] + damage + good[at + len(damage) :], SIDE)
    except InvalidPicture:
        return
    assert pixels.shape == (SIDE, SIDE, 3)


def test_too_large_a_picture_is_refused_before_it_is_decoded() -> None:
    bomb = png_header(20_000, 20_000)
    tracemalloc.start()
    with pytest.raises(InvalidPicture):
        read_picture(bomb, SIDE)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="nowhere else RLIMIT_AS bounds what is allocated")
@pytest.mark.parametrize(("file_format", "mode"), [("PNG", "RGBA"), ("PNG", "LA"), ("PNG", "P"), ("GIF", "P")])
def test_memory_stays_near_that_of_the_decoded_picture(file_format: str, mode: str, tmp_path: Path) -> None:
    """A small file of many pixels, with an alpha channel or a palette, is not copied as a whole."""
    edge = 4000
    photo = tmp_path / "photo"
    options = {"transparency": 0} if mode == "P" else {}
    photo.write_bytes(encode(Image.new(mode, (edge, edge)), file_format, **options))
    decoded = edge * edge * (1 if mode == "P" else 4)
    command = [sys.executable, "-c", FRUGAL, str(photo), str(decoded + SLACK_BYTES)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "L", "P"])
@pytest.mark.parametrize("size", [(60, 80), (700, 1100), (1501, 997)])
def test_strips_are_resampled_as_the_whole_would_be(mode: str, size: tuple[int, int]) -> None:
    """Pillow over the whole picture, laid over white, gives the same to the last bit."""
    picture = image(*size).convert(mode)
    if mode.endswith("A"):
        picture.putalpha(image(*size, seed=1, mode="L"))
    white = Image.new("RGBA", picture.size, "white")
    flat = Image.alpha_composite(white, picture.convert("RGBA")).convert("RGB")
    edge, (width, height) = min(picture.size), picture.size
    left, top = (width - edge) / 2, (height - edge) / 2
    whole = flat.resize((SIDE, SIDE), Image.Resampling.BICUBIC, (left, top, left + edge, top + edge), reducing_gap=2.0)
    assert (read_picture(encode(picture, "PNG"), SIDE) == np.asarray(whole)).all()


def test_decoding_takes_the_pixels_it_holds_of_the_room() -> None:
    """A JPEG is scaled while it is decoded, unless it is progressive; WebP keeps copies."""

    class Ledger:
        @contextmanager
        def held(self, pixels: int) -> Iterator[None]:
            taken.append(pixels)
            yield

    taken: list[int] = []
    large = image(512, 512)
    for photo in (
        encode(large, "PNG"),
        encode(large, "JPEG"),
        encode(large, "JPEG", progressive=True),
        encode(large, "WEBP"),
    ):
        read_picture(photo, SIDE, room=Ledger())
    assert taken == [512 * 512, 64 * 64, 2 * 512 * 512, 4 * 512 * 512]


def test_a_file_above_the_limit_is_refused_and_one_at_it_is_not() -> None:
    good = jpeg()
    read_picture(good, SIDE, limits=Limits(max_bytes=len(good)))
    with pytest.raises(InvalidPicture, match="bytes"):
        read_picture(good, SIDE, limits=Limits(max_bytes=len(good) - 1))


def test_a_picture_above_the_pixel_limit_is_refused_and_one_at_it_is_not() -> None:
    read_picture(jpeg(), SIDE, limits=Limits(max_pixels=60 * 80))
    with pytest.raises(InvalidPicture, match="pixels"):
        read_picture(jpeg(), SIDE, limits=Limits(max_pixels=60 * 80 - 1))


@pytest.mark.parametrize(
    ("box", "edge"),
    [
        (Box(-0.1, 0, 1, 1), "left"),
        (Box(0, float("nan"), 1, 1), "top"),
        (Box(0.5, 0, 0.5, 1), "right"),
        (Box(0, 0.6, 1, 0.5), "bottom"),
        (Box(0, 0, 1.01, 1), "right"),
        (Box(0, 0, 1, float("inf")), "bottom"),
        (Box(0, 0, 0, 0), "right"),
    ],
)
def test_a_bad_crop_names_its_edge(box: Box, edge: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_picture(jpeg(), SIDE, crop=box)
    assert caught.value.field == f"photo.crop.{edge}"


def test_a_crop_that_leaves_too_little_is_refused() -> None:
    with pytest.raises(InvalidPicture, match="crop leaves"):
        read_picture(jpeg(), SIDE, crop=Box(0, 0, 0.1, 1))


@given(st.tuples(*[st.floats(0, 1)] * 4))
def test_any_crop_is_read_or_refused(edges: tuple[float, float, float, float]) -> None:
    try:
        pixels = read_picture(jpeg(), SIDE, crop=Box(*edges))
    except InvalidInput:
        return
    assert pixels.shape == (SIDE, SIDE, 3)
