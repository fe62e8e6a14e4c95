"""Stages: what is there at once costs no alarm, what waits has its share of the time, and whoever gives up is heard."""

from __future__ import annotations

import asyncio
import time

import pytest

from services.errors import NotReady, TooLate
from services.ranker.stages import Stages, side_by_side


async def at_once() -> str:
    return "there"


async def after(waited_for: asyncio.Future[str]) -> str:
    first = await waited_for
    await asyncio.sleep(0)
    return first


async def test_what_is_there_is_told_without_waiting() -> None:
    """Even when no time is left: it took none."""
    stages = Stages(time.monotonic, 0.0)
    assert await stages.need("space", at_once()) == "there"
    assert stages.costs["space"] >= 0.0


async def test_what_waits_goes_on_as_it_would_have() -> None:
    waited_for = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(waited_for.set_result, "later")
    assert await Stages(time.monotonic, 30.0).need("space", after(waited_for)) == "later"


async def test_errors_while_waiting_are_the_works() -> None:
    waited_for = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(waited_for.set_exception, NotReady("gone"))
    with pytest.raises(NotReady, match="gone"):
        await Stages(time.monotonic, 30.0).need("space", after(waited_for))


async def test_who_does_not_answer_in_time_is_given_up() -> None:
    waited_for = asyncio.get_running_loop().create_future()
    stages = Stages(time.monotonic, 0.02)
    with pytest.raises(TooLate, match="stage search"):
        await stages.need("search", after(waited_for), 0.5)
    assert waited_for.cancelled()
    assert await stages.spare("taste", "profile", ["taste"], after(asyncio.Future()), 0.5) is None
    assert [(each.signal, each.reason) for each in stages.dropped] == [("taste", "DEADLINE_EXCEEDED")]


async def test_who_gives_up_ends_the_work() -> None:
    waited_for = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(Stages(time.monotonic, 30.0).need("space", after(waited_for)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert waited_for.cancelled()


async def test_side_by_side_the_first_that_fails_ends_the_others() -> None:
    async def fails() -> str:
        raise NotReady("gone")

    waited_for = asyncio.get_running_loop().create_future()
    assert await side_by_side(at_once(), at_once()) == ["there", "there"]
    with pytest.raises(NotReady):
        await side_by_side(after(waited_for), fails())
    await asyncio.sleep(0)
    assert waited_for.cancelled()
