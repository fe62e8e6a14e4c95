from __future__ import annotations

import threading

import pytest

from services.embedder.room import PixelRoom

PATIENCE_S = 30.0
"""A bound for what hangs, not a measure."""


class Picture(threading.Thread):
    """Holds its pixels from `inside` to `leave`."""

    def __init__(self, room: PixelRoom, pixels: int) -> None:
        super().__init__(daemon=True)
        self._room, self._pixels = room, pixels
        self.inside, self._leave = threading.Event(), threading.Event()
        self.start()

    def run(self) -> None:
        with self._room.held(self._pixels):
            self.inside.set()
            assert self._leave.wait(PATIENCE_S)

    def leave(self) -> None:
        self._leave.set()
        self.join(PATIENCE_S)


def test_pictures_that_fit_are_decoded_beside_each_other() -> None:
    room = PixelRoom(100)
    pictures = [Picture(room, 50), Picture(room, 50)]
    assert all(picture.inside.wait(PATIENCE_S) for picture in pictures)
    for picture in pictures:
        picture.leave()


def test_a_picture_waits_for_its_room_and_gets_it() -> None:
    room = PixelRoom(100)
    first = Picture(room, 60)
    assert first.inside.wait(PATIENCE_S)
    second = Picture(room, 60)
    assert not second.inside.wait(0.05)
    first.leave()
    assert second.inside.wait(PATIENCE_S)
    second.leave()


def test_a_picture_larger_than_the_room_is_decoded_alone() -> None:
    room = PixelRoom(100)
    large = Picture(room, 1000)
    assert large.inside.wait(PATIENCE_S)
    small = Picture(room, 1)
    assert not small.inside.wait(0.05)
    large.leave()
    assert small.inside.wait(PATIENCE_S)
    small.leave()


def test_room_is_given_back_when_decoding_fails() -> None:
    room = PixelRoom(100)
    with pytest.raises(ValueError, match="broken"), room.held(100):
        raise ValueError("broken")
    after = Picture(room, 100)
    assert after.inside.wait(PATIENCE_S)
    after.leave()
