from __future__ import annotations

import asyncio

import pytest

from services.embedder.room import PixelRoom

PATIENCE_S = 30.0
"""A bound for what hangs, not a measure."""


class Picture:
    """Holds its pixels from `inside` to `leave`."""

    def __init__(self, room: PixelRoom, pixels: int) -> None:
        self._room, self._pixels = room, pixels
        self.inside, self._leave = asyncio.Event(), asyncio.Event()
        self._task = asyncio.create_task(self._stay())

    async def _stay(self) -> None:
        async with self._room.held(self._pixels):
            self.inside.set()
            await self._leave.wait()

    async def enters(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await self.inside.wait()

    async def leave(self) -> None:
        self._leave.set()
        await self._task


async def settle() -> None:
    """Until nobody can go on."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_pictures_that_fit_are_decoded_beside_each_other() -> None:
    room = PixelRoom(100)
    pictures = [Picture(room, 50), Picture(room, 50)]
    for picture in pictures:
        await picture.enters()
    for picture in pictures:
        await picture.leave()


async def test_a_picture_waits_for_its_room_and_gets_it() -> None:
    room = PixelRoom(100)
    first = Picture(room, 60)
    await first.enters()
    second = Picture(room, 60)
    await settle()
    assert not second.inside.is_set()
    await first.leave()
    await second.enters()
    await second.leave()


async def test_a_picture_larger_than_the_room_is_decoded_alone() -> None:
    room = PixelRoom(100)
    large = Picture(room, 1000)
    await large.enters()
    small = Picture(room, 1)
    await settle()
    assert not small.inside.is_set()
    await large.leave()
    await small.enters()
    await small.leave()


async def test_a_large_picture_does_not_wait_behind_small_ones_that_came_later() -> None:
    room = PixelRoom(100)
    first = Picture(room, 60)
    await first.enters()
    large = Picture(room, 80)
    await settle()
    late = Picture(room, 10)
    await settle()
    assert not late.inside.is_set()
    await first.leave()
    await large.enters()
    await late.enters()
    await large.leave()
    await late.leave()


async def test_room_is_given_back_when_decoding_fails() -> None:
    room = PixelRoom(100)
    with pytest.raises(ValueError, match="broken"):
        async with room.held(100):
            raise ValueError("broken")
    after = Picture(room, 100)
    await after.enters()
    await after.leave()
