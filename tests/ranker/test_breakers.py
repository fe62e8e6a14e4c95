"""The states of a breaker, by a clock that stands still."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import InvalidInput, NotReady, TooLate
from services.ranker.others.breaker_redis import GuardedRedis
from services.ranker.others.breakers import Breaker, Limits, State
from services.ranker.others.peer import Peer
from services.runtime import deadlines

LIMITS = Limits(failures=3, slow_s=0.5, pause_s=1.0, longest_pause_s=4.0)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def opened() -> tuple[Breaker, Clock]:
    clock = Clock()
    breaker = Breaker("profile", clock, LIMITS)
    for _ in range(3):
        breaker.admit()
        breaker.failed()
    return breaker, clock


def test_failures_in_a_row_open_it_and_nothing_is_asked_then() -> None:
    breaker, _ = opened()
    assert breaker.state is State.OPEN
    with pytest.raises(NotReady, match="profile"):
        breaker.admit()
    assert breaker.counts == {"failed": 3, "refused": 1}


def test_an_answer_between_failures_keeps_it_closed() -> None:
    breaker = Breaker("profile", Clock(), LIMITS)
    for _ in range(5):
        for outcome in (breaker.failed, breaker.failed, breaker.succeeded):
            breaker.admit()
            outcome()
    assert breaker.state is State.CLOSED


def test_after_the_pause_one_call_tries_and_closes_it() -> None:
    breaker, clock = opened()
    clock.now = 1.0
    assert breaker.state is State.HALF_OPEN
    assert breaker.admit()  # the one that tries
    with pytest.raises(NotReady):
        breaker.admit()
    breaker.succeeded(trial=True)
    assert not breaker.admit()
    assert not breaker.admit()


def test_each_trial_that_fails_makes_the_pause_longer_up_to_a_bound() -> None:
    breaker, clock = opened()
    for pause in (1.0, 2.0, 4.0, 4.0):
        clock.now += pause - 0.01
        assert breaker.state is State.OPEN
        clock.now += 0.01
        assert breaker.admit()
        breaker.failed(trial=True)
    clock.now += 4.0
    assert breaker.admit()
    breaker.succeeded(trial=True)
    for _ in range(3):
        breaker.admit()
        breaker.failed()
    clock.now += 1.0
    assert breaker.state is State.HALF_OPEN, "it begins anew with the short pause"


@pytest.mark.parametrize(
    ("problem", "after_s", "counted"),
    [
        (NotReady("gone"), 0.0, "failed"),
        (TooLate("no time"), 0.1, "given_up"),
        (TooLate("slow"), 0.5, "failed"),
        (InvalidInput("limit", "wrong"), 0.0, "succeeded"),
        (asyncio.CancelledError(), 0.1, "given_up"),
        (asyncio.CancelledError(), 0.5, "failed"),
    ],
)
def test_how_a_call_ended(problem: BaseException, after_s: float, counted: str) -> None:
    breaker = Breaker("profile", Clock(), LIMITS)
    breaker.admit()
    breaker.ended(problem, after_s)
    assert breaker.counts == {counted: 1}


@pytest.mark.parametrize(
    ("answered_at", "state"),
    [(None, State.OPEN), (1.0, State.OPEN), (2.0, State.CLOSED)],
)
def test_one_that_hung_opens_it_unless_another_was_answered_meanwhile(answered_at: float | None, state: State) -> None:
    clock = Clock()
    breaker = Breaker("indexer", clock, Limits(failures=3, hung_s=5.0))
    clock.now = 1.0
    breaker.admit()  # the one that hangs
    if answered_at is not None:
        clock.now = answered_at
        breaker.admit()
        breaker.succeeded()
    clock.now = 6.0
    breaker.ended(TooLate("given up"), 5.0)
    assert breaker.state is state


async def test_a_trial_costs_whoever_makes_it_little_and_goes_on_beside() -> None:
    peer = Peer("indexer", trial_wait_s=0.001)
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def slow() -> str:
        return await answer

    peer.breaker = Breaker("indexer", Clock(), replace(LIMITS, failures=1, pause_s=0.0))
    peer.breaker.failed()
    with pytest.raises(NotReady, match="yet"):
        await peer.through(slow)
    with pytest.raises(NotReady, match="soon"):
        await peer.through(slow)
    answer.set_result("here")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert peer.breaker.state is State.CLOSED
    assert await peer.through(slow) == "here"


async def test_a_trial_has_its_own_time_not_that_of_whoever_makes_it() -> None:
    peer = Peer("indexer")
    peer.breaker = Breaker("indexer", Clock(), replace(LIMITS, failures=1, pause_s=0.0))
    peer.breaker.failed()

    async def left() -> float | None:
        return deadlines.remaining_s()

    deadlines.begin(60.0)
    assert await peer.through(left) is None


def test_a_trial_that_is_given_up_leaves_room_for_another() -> None:
    breaker, clock = opened()
    clock.now = 1.0
    assert breaker.admit()
    breaker.ended(asyncio.CancelledError(), 0.0, trial=True)
    assert breaker.admit()


async def test_a_redis_that_hangs_costs_one_wait_and_not_one_each() -> None:
    guarded = GuardedRedis(lambda _: asyncio.get_running_loop().create_future(), wait_s=0.001)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await guarded.ask(("PING",))
    with pytest.raises(NotReady):
        guarded.ask(("PING",))


def told(breaker: Breaker, how: str, trial: bool) -> None:
    if how == "ok":
        breaker.succeeded(trial=trial)
    elif how == "fail":
        breaker.failed(trial=trial)
    else:
        breaker.ended(asyncio.CancelledError(), 0.0, trial=trial)


ENDS = st.sampled_from(["ok", "fail", "leave"])


@given(st.lists(st.tuples(ENDS, st.floats(0, 2)), max_size=60))
def test_it_never_stays_shut_longer_than_the_longest_pause(steps: list[tuple[str, float]]) -> None:
    clock = Clock()
    breaker = Breaker("profile", clock, LIMITS)
    for step, pause in steps:
        clock.now += pause
        try:
            trial = breaker.admit()
        except NotReady:
            continue
        told(breaker, step, trial)
    clock.now += LIMITS.longest_pause_s
    breaker.admit()


@given(st.lists(st.tuples(st.sampled_from(["ask", "end"]), ENDS, st.integers(0, 9), st.floats(0, 2)), max_size=60))
def test_one_trial_is_out_at_a_time_whatever_else_ends_meanwhile(steps: list[tuple[str, str, int, float]]) -> None:
    clock = Clock()
    breaker = Breaker("profile", clock, LIMITS)
    out: list[bool] = []
    for step, how, which, pause in steps:
        clock.now += pause
        if step == "end" and out:
            told(breaker, how, out.pop(which % len(out)))
        else:
            try:
                out.append(breaker.admit())
            except NotReady:
                assert breaker.state is not State.CLOSED
        assert sum(out) <= 1
    for trial in out:
        breaker.ended(asyncio.CancelledError(), 0.0, trial=trial)
    clock.now += LIMITS.longest_pause_s
    breaker.admit()
