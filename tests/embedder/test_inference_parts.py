"""What stands behind the Open Inference Protocol, without a server."""

from __future__ import annotations

import asyncio
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.embedder.inference.batch import embed_all
from services.embedder.inference.elements import read_elements
from services.embedder.inference.readiness import Readiness
from services.embedder.photo import Embedded, Photo
from services.embedder.toy import ToyNetwork
from services.errors import InvalidInput, InvalidPicture, NotReady, Overloaded

NOTHING_SEEN = ToyNetwork().look(np.zeros((1, 32, 32, 3), np.uint8))

BOUND_S = 20.0
"""For what hangs."""


def packed(elements: list[bytes]) -> bytes:
    return b"".join(struct.pack("<I", len(element)) + element for element in elements)


@given(st.lists(st.binary(max_size=20), max_size=8))
def test_elements_are_read_as_they_were_written(elements: list[bytes]) -> None:
    assert read_elements(packed(elements), len(elements), "raw") == elements


@given(st.lists(st.binary(max_size=20), max_size=8), st.data())
def test_nothing_shorter_and_nothing_longer_is_read(elements: list[bytes], data: st.DataObject) -> None:
    whole = packed(elements)
    longer = whole + data.draw(st.binary(min_size=1, max_size=8))
    for wrong in (longer, *([whole[: data.draw(st.integers(0, len(whole) - 1))]] if whole else [])):
        with pytest.raises(InvalidInput) as caught:
            read_elements(wrong, len(elements), "raw")
        assert caught.value.field == "raw"


def photos(count: int) -> list[Photo]:
    return [Photo(bytes([number]), field=f"photo[{number}]") for number in range(count)]


def found(photo: Photo) -> Embedded:
    vector = np.full(2, photo.data[0], dtype=np.float32)
    return Embedded(vector, NOTHING_SEEN)


async def test_all_photos_wait_at_once_and_are_answered_in_their_order() -> None:
    barrier = asyncio.Barrier(5)

    async def embed(photo: Photo, deadline: float) -> Embedded:
        assert deadline == 7.0
        await barrier.wait()
        return found(photo)

    async with asyncio.timeout(BOUND_S):
        answers = await embed_all(photos(5), embed, 7.0)
    assert [answer.vector[0] for answer in answers] == [0, 1, 2, 3, 4]


async def test_the_first_failure_is_the_requests_and_takes_the_others_out() -> None:
    cancelled: list[int] = []

    async def embed(photo: Photo, deadline: float) -> Embedded:
        if photo.data[0] == 2:
            raise Overloaded("too many photos are waiting")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(photo.data[0])
            raise
        return found(photo)

    async with asyncio.timeout(BOUND_S):
        with pytest.raises(Overloaded):
            await embed_all(photos(4), embed, 7.0)
    assert cancelled == [0, 1, 3]


async def test_a_bad_picture_is_named_by_where_its_bytes_are() -> None:
    async def embed(photo: Photo, deadline: float) -> Embedded:
        raise InvalidPicture(f"{photo.field}.data", "is empty", reason="EMPTY")

    with pytest.raises(InvalidPicture) as caught:
        await embed_all(photos(1), embed, 7.0)
    assert (caught.value.field, caught.value.description, caught.value.reason) == ("photo[0]", "is empty", "EMPTY")


async def test_readiness_is_how_the_last_canary_ended() -> None:
    problems: list[BaseException | None] = [None, NotReady("off"), None, asyncio.CancelledError(), None]
    told = iter(problems)

    async def canary() -> None:
        if problem := next(told):
            raise problem

    readiness = Readiness(canary)
    assert not readiness.ready
    for problem in problems:
        if problem is None:
            await readiness.sing()
        else:
            with pytest.raises(type(problem)):
                await readiness.sing()
        assert readiness.ready is (problem is None)
