from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.embedder.bulk import in_order, settled
from services.errors import InvalidInput


async def asked(count: int, read: list[int] | None = None) -> AsyncIterator[int]:
    for number in range(count):
        if read is not None:
            read.append(number)
        yield number


@given(turns=st.lists(st.integers(0, 5), max_size=20), window=st.integers(1, 6))
def test_answers_keep_the_order_whatever_each_takes_and_the_window_holds(turns: list[int], window: int) -> None:
    held: set[int] = set()
    most = 0

    async def requests() -> AsyncIterator[int]:
        nonlocal most
        async for number in asked(len(turns)):
            held.add(number)
            most = max(most, len(held))
            yield number

    async def answer(number: int) -> int:
        for _ in range(turns[number]):
            await asyncio.sleep(0)
        return number

    async def run() -> list[int]:
        found = []
        async for number in in_order(requests(), answer, window):
            found.append(number)
            held.discard(number)
        return found

    assert asyncio.run(run()) == list(range(len(turns)))
    assert most <= window


async def test_an_answer_does_not_wait_for_the_next_request() -> None:
    """A caller may send one photo, read its answer, and only then send the next."""
    inbox: asyncio.Queue[int | None] = asyncio.Queue()

    async def requests() -> AsyncIterator[int]:
        while (number := await inbox.get()) is not None:
            yield number

    async def answer(number: int) -> int:
        return number * 10

    answers = in_order(requests(), answer, window=4)
    for number in range(3):
        inbox.put_nowait(number)
        async with asyncio.timeout(30):
            assert await anext(answers) == number * 10
    inbox.put_nowait(None)
    with pytest.raises(StopAsyncIteration):
        await anext(answers)


async def test_leaving_early_cancels_what_is_under_way_and_reads_no_more() -> None:
    read: list[int] = []
    cancelled: list[int] = []

    async def answer(number: int) -> int:
        try:
            await asyncio.sleep(0 if number == 0 else 3600)
        except asyncio.CancelledError:
            cancelled.append(number)
            raise
        return number

    answers = in_order(asked(100, read), answer, window=3)
    assert await anext(answers) == 0
    await answers.aclose()
    assert len(read) <= 4
    assert sorted(cancelled) == read[1:]


async def test_a_failure_of_the_requests_comes_after_the_answers_before_it() -> None:
    async def requests() -> AsyncIterator[int]:
        yield 1
        raise ConnectionResetError

    async def answer(number: int) -> int:
        return number

    answers = in_order(requests(), answer, window=2)
    assert await anext(answers) == 1
    with pytest.raises(ConnectionResetError):
        await anext(answers)


async def test_a_failed_answer_ends_the_stream() -> None:
    async def answer(number: int) -> float:
        return 1 / number

    with pytest.raises(ZeroDivisionError):
        await anext(in_order(asked(3), answer, window=2))


async def test_settled_returns_errors_of_the_family_and_raises_others() -> None:
    async def work(error: Exception | None) -> str:
        if error:
            raise error
        return "done"

    bad = InvalidInput("field", "wrong")
    assert await settled(work(None)) == "done"
    assert await settled(work(bad)) is bad
    with pytest.raises(KeyError):
        await settled(work(KeyError("bug")))
