"""Decoding here and in a process of its own: the same answers, and what only a process can survive."""

from __future__ import annotations

import io
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import psutil
import pytest
from PIL import Image

from services.embedder.decoder import Bounds
from services.embedder.decoding import Decoder, LocalDecoder, Picture
from services.embedder.decoding_process import ProcessDecoder
from services.embedder.framing import Box, Pixels
from services.embedder.images import Limits, read_views
from services.embedder.room import PixelRoom
from services.errors import InvalidInput, InvalidPicture, NotReady
from tests.embedder.pictures import encode, image, jpeg, png_header, waves

SIDE = 32
LIMITS = Limits()
PATIENCE_S = 30.0
"""A bound for what hangs, not a measure."""

BOUNDS = Bounds(LIMITS, memory_bytes=1 << 30, seconds=PATIENCE_S)

MakeProcess = Callable[..., ProcessDecoder]


@pytest.fixture
def make_process() -> Iterator[MakeProcess]:
    made: list[ProcessDecoder] = []

    def make(bounds: Bounds = BOUNDS, room: PixelRoom | None = None) -> ProcessDecoder:
        made.append(ProcessDecoder(bounds, room or PixelRoom(LIMITS.max_pixels)))
        return made[-1]

    yield make
    for decoder in made:
        decoder.close()


@pytest.fixture(params=["here", "process"])
def decoder(request: pytest.FixtureRequest, make_process: MakeProcess) -> Decoder:
    return LocalDecoder() if request.param == "here" else make_process()


def read(decoder: Decoder, picture: Picture) -> Pixels:
    into = np.zeros((picture.views, SIDE, SIDE, 3), dtype=np.uint8)
    decoder.read(picture, into)
    return into


@pytest.mark.parametrize("crop", [Box(0, 0, 1, 1), Box(0.1, 0.2, 0.6, 0.9)])
@pytest.mark.parametrize("views", [1, 3])
def test_pixels_are_those_that_images_reads(decoder: Decoder, views: int, crop: Box) -> None:
    data = jpeg(height=300, width=500)
    found = read(decoder, Picture(data, crop, views))
    np.testing.assert_array_equal(found, read_views(data, SIDE, views=views, crop=crop))


def test_refusals_name_the_field_of_the_request_and_the_next_picture_is_read(decoder: Decoder) -> None:
    with pytest.raises(InvalidPicture) as bad:
        read(decoder, Picture(b"no picture", field="inputs[3]"))
    assert (bad.value.field, bad.value.reason) == ("inputs[3].data", "INVALID_PICTURE")
    with pytest.raises(InvalidInput) as crop:
        read(decoder, Picture(jpeg(), Box(0.5, 0, 0.4, 1), field="request.photo"))
    assert (crop.value.field, crop.value.reason) == ("request.photo.crop.right", "BAD_CROP")
    assert read(decoder, Picture(jpeg())).any()


def test_a_large_picture_is_read_and_takes_its_pixels_of_the_room(make_process: MakeProcess) -> None:
    taken: list[int] = []

    class Ledger(PixelRoom):
        @contextmanager
        def held(self, pixels: int) -> Iterator[None]:
            taken.append(pixels)
            with super().held(pixels):
                yield

    decoder = make_process(room=Ledger(10**8))
    data = encode(Image.fromarray(waves(1, 1)).resize((2500, 2000)), "PNG")
    np.testing.assert_array_equal(read(decoder, Picture(data)), read_views(data, SIDE))
    assert taken == [5_000_000]
    read(decoder, Picture(jpeg()))
    assert len(taken) == 1, "a small picture does not ask"


def test_a_decoder_that_is_killed_is_replaced_and_the_picture_is_read(make_process: MakeProcess) -> None:
    decoder = make_process()
    read(decoder, Picture(jpeg(1)))
    before = decoder.pid
    os.kill(before, signal.SIGKILL)
    np.testing.assert_array_equal(read(decoder, Picture(jpeg(2))), read_views(jpeg(2), SIDE))
    assert decoder.pid != before
    assert not psutil.pid_exists(before)


def test_a_picture_that_kills_its_decoder_twice_is_refused(make_process: MakeProcess) -> None:
    """The second process is killed as soon as it has begun."""
    decoder = make_process()
    read(decoder, Picture(jpeg()))
    first = decoder.pid
    stop = threading.Event()

    def kill_all() -> None:
        while not stop.is_set():
            if decoder.pid != first:
                os.kill(decoder.pid, signal.SIGKILL)
                return

    killer = threading.Thread(target=kill_all)
    os.kill(first, signal.SIGKILL)
    killer.start()
    with pytest.raises((InvalidPicture, NotReady)):
        read(decoder, Picture(jpeg()))
    stop.set()
    killer.join(PATIENCE_S)
    assert read(decoder, Picture(jpeg())).any()


def test_a_decoder_that_hangs_is_killed_and_the_next_picture_is_read(make_process: MakeProcess) -> None:
    decoder = make_process(Bounds(LIMITS, memory_bytes=1 << 30, seconds=0.25))
    read(decoder, Picture(jpeg()))
    hung = decoder.pid
    psutil.Process(hung).suspend()
    with pytest.raises(InvalidPicture, match=r"longer than 0\.25 s"):
        read(decoder, Picture(jpeg()))
    assert not psutil.pid_exists(hung)
    assert read(decoder, Picture(jpeg())).any()


def test_a_picture_that_takes_too_much_processor_time_is_refused(make_process: MakeProcess) -> None:
    """A JPEG of 150 scans over 36 megapixels: some hundred KB, and several seconds."""
    decoder = make_process(Bounds(LIMITS, memory_bytes=1 << 30, seconds=0.5))
    busy = decoder.pid
    one_scan = encode(Image.new("L", (6000, 6000), 128), "JPEG", progressive=True)
    scan = one_scan[one_scan.rindex(b"\xff\xda") : -2]
    with pytest.raises(InvalidPicture, match=r"longer than 0\.5 s"):
        read(decoder, Picture(one_scan[:-2] + scan * 140 + one_scan[-2:]))
    assert not psutil.pid_exists(busy)
    assert read(decoder, Picture(jpeg())).any()


def test_memory_of_a_decode_is_bounded_and_the_process_lives(make_process: MakeProcess) -> None:
    decoder = make_process(Bounds(LIMITS, memory_bytes=64 * 2**20, seconds=PATIENCE_S))
    read(decoder, Picture(jpeg()))
    pid = decoder.pid
    with pytest.raises(InvalidPicture, match="memory"):
        read(decoder, Picture(encode(Image.new("RGBA", (6000, 6000)), "PNG")))
    assert read(decoder, Picture(jpeg())).any()
    assert decoder.pid == pid


def test_a_decoder_ends_when_its_parent_closes_it(make_process: MakeProcess) -> None:
    decoder = make_process()
    pid = decoder.pid
    decoder.close()
    assert not psutil.pid_exists(pid)


def test_a_decoder_is_told_no_secrets(make_process: MakeProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISREC_REDIS_URL", "redis://:password@redis")
    decoder = make_process()
    read(decoder, Picture(jpeg()))
    if hasattr(psutil.Process, "environ"):
        assert not [name for name in psutil.Process(decoder.pid).environ() if name.startswith("VISREC_")]


def test_bounds_survive_the_command_line() -> None:
    bounds = Bounds(Limits(1, 2, 3, 4, ("JPEG", "TIFF")), memory_bytes=4, seconds=0.5)
    assert Bounds.from_json(bounds.to_json()) == bounds


def test_a_format_is_read_when_the_limits_name_it() -> None:
    tiff = encode(image(), "TIFF")
    assert read(LocalDecoder(Limits(formats=("TIFF",))), Picture(tiff)).any()
    with pytest.raises(InvalidPicture, match="send one of JPEG"):
        read(LocalDecoder(), Picture(tiff))


def test_too_many_frames_are_refused() -> None:
    file = io.BytesIO()
    frames = [Image.new("RGB", (32, 32), (40 * n, 0, 255 - 40 * n)) for n in range(6)]
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:])
    assert read(LocalDecoder(Limits(max_frames=6)), Picture(file.getvalue())).shape == (1, SIDE, SIDE, 3)
    with pytest.raises(InvalidPicture, match="6 frames"):
        read(LocalDecoder(Limits(max_frames=5)), Picture(file.getvalue()))


def test_a_bomb_is_refused_by_its_header(decoder: Decoder) -> None:
    with pytest.raises(InvalidPicture, match="pixels"):
        read(decoder, Picture(png_header(20_000, 20_000)))
