"""Requests that wait together go out together, and each ends on its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.errors import Internal, InvalidInput, NotReady, Overloaded, TooLate, VisrecError
from services.ranker.others.coalescing import Bounds, Coalescer
from services.ranker.others.lately import LATELY_S, Lately
from services.runtime import deadlines

PATIENT_S = 60.0


class Service:
    """Answers with what it was asked, once it is let to. What is in `bad` gets an error of its own; a call that has
    something of `poison` fails as a whole."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.within: list[float] = []
        self.open = asyncio.Event()
        self.open.set()
        self.bad: dict[int, VisrecError] = {}
        self.poison: dict[int, VisrecError] = {}
        self.cancelled = 0
        self.deadlines: list[float | None] = []

    async def __call__(self, asked: Sequence[tuple[int, float]], within_s: float) -> list[int | VisrecError]:
        numbers = [number for number, _ in asked]
        self.calls.append(numbers)
        self.within.append(within_s)
        self.deadlines.append(deadlines.remaining_s())
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        for number in numbers:
            if number in self.poison:
                raise self.poison[number]
        return [self.bad.get(number, number) for number in numbers]


async def turns(count: int = 5) -> None:
    """Lets everything run that is ready."""
    for _ in range(count):
        await asyncio.sleep(0)


def asking(coalescer: Coalescer[int, int], numbers: Sequence[int]) -> list[asyncio.Task[int]]:
    """Odd ones have a moment to spare."""
    return [asyncio.create_task(coalescer.ask(number, PATIENT_S, number % 2 / 1000)) for number in numbers]


async def test_what_is_ready_together_goes_out_at_once_and_together() -> None:
    service = Service()
    coalescer = Coalescer(service, Bounds())
    assert await asyncio.gather(*asking(coalescer, range(20))) == list(range(20))
    assert service.calls == [list(range(20))]


async def test_one_alone_waits_for_nobody() -> None:
    service = Service()
    assert await Coalescer(service, Bounds()).ask(7, PATIENT_S) == 7
    assert service.calls == [[7]]


async def test_calls_are_bounded_in_size_work_and_number() -> None:
    service = Service()
    service.open.clear()
    coalescer = Coalescer(service, Bounds(together=3, work=10.0, in_flight=2), float)
    tasks = asking(coalescer, [1, 1, 1, 1, 9, 2, 50, 1])
    await turns()
    assert service.calls == [[1, 1, 1], [1, 9]], "two are out"
    service.open.set()
    await asyncio.gather(*tasks)
    assert service.calls[2:] == [[2], [50], [1]], "one that weighs too much goes alone"


async def test_more_than_may_wait_are_refused() -> None:
    service = Service()
    service.open.clear()
    coalescer = Coalescer(service, Bounds(together=1, in_flight=1, waiting=2))
    tasks = asking(coalescer, [0])
    await turns()
    tasks += asking(coalescer, [1, 2])
    await turns()
    with pytest.raises(Overloaded) as refused:
        await coalescer.ask(3, PATIENT_S)
    assert refused.value.retry_after_ms > 0
    service.open.set()
    assert await asyncio.gather(*tasks) == [0, 1, 2]


@pytest.mark.parametrize("staying", [0, 1, 2, 3])
async def test_whoever_gives_up_frees_its_place_at_once(staying: int) -> None:
    service = Service()
    service.open.clear()
    coalescer = Coalescer(service, Bounds(together=1, in_flight=1, waiting=8))
    tasks = asking(coalescer, [0])
    await turns()
    for _ in range(20):
        leaving = asking(coalescer, range(10, 18 - staying))
        tasks += asking(coalescer, range(1, 1 + staying)) if len(tasks) == 1 else []
        await turns()
        for task in leaving:
            task.cancel()
        await turns()
    full = asking(coalescer, range(1 + staying, 9))
    await turns()
    with pytest.raises(Overloaded):
        await coalescer.ask(99, PATIENT_S)
    service.open.set()
    assert await asyncio.gather(*tasks, *full) == list(range(9))


async def test_a_bad_one_fails_alone() -> None:
    service = Service()
    service.bad = {1: InvalidInput("limit", "is wrong")}
    outcomes = await asyncio.gather(*asking(Coalescer(service, Bounds()), [0, 1, 2]), return_exceptions=True)
    assert (outcomes[0], outcomes[2]) == (0, 2)
    assert isinstance(outcomes[1], InvalidInput)


@pytest.mark.parametrize("problem", [TooLate("slow"), Internal("a bug"), InvalidInput("", "the message is too large")])
async def test_when_a_call_fails_because_of_one_the_others_are_asked_again_alone(problem: VisrecError) -> None:
    service = Service()
    service.poison = {1: problem}
    outcomes = await asyncio.gather(*asking(Coalescer(service, Bounds()), [0, 1, 2]), return_exceptions=True)
    assert (outcomes[0], outcomes[2]) == (0, 2)
    assert outcomes[1] is problem
    assert service.calls == [[0, 1, 2], [0], [1], [2]]
    assert service.within[0] <= PATIENT_S / 2, "time is left for that"


async def test_who_is_in_a_hurry_hurries_nobody_else() -> None:
    service = Service()
    coalescer = Coalescer(service, Bounds(in_flight=1))
    left = [PATIENT_S, 2.0, PATIENT_S / 2, 3.0]
    asked = [asyncio.create_task(coalescer.ask(number, left_s)) for number, left_s in enumerate(left)]
    assert await asyncio.gather(*asked) == [0, 1, 2, 3]
    assert service.calls == [[0, 2], [1, 3]]
    assert service.within[0] > 10.0


async def test_a_service_that_is_away_is_not_asked_again() -> None:
    service = Service()
    service.poison = {1: NotReady("gone")}
    outcomes = await asyncio.gather(*asking(Coalescer(service, Bounds()), [0, 1, 2]), return_exceptions=True)
    assert all(isinstance(outcome, NotReady) for outcome in outcomes)
    assert len(service.calls) == 1


async def test_what_is_no_error_of_ours_is_told_to_all_as_internal() -> None:
    async def broken(*_: object) -> list[int | VisrecError]:
        raise RuntimeError("a bug")

    coalescer: Coalescer[int, int] = Coalescer(broken, Bounds())
    with pytest.raises(Internal):
        await coalescer.ask(0, PATIENT_S)


async def test_who_gives_up_takes_nobody_along() -> None:
    service = Service()
    service.open.clear()
    coalescer = Coalescer(service, Bounds(in_flight=1))
    first, second = asking(coalescer, [0, 1])
    await turns()
    waiting = asking(coalescer, [2, 3])
    await turns()
    first.cancel()
    waiting[0].cancel()
    await turns()
    service.open.set()
    assert (await second, await waiting[1]) == (1, 3)
    assert service.calls == [[0, 1], [3]], "who gave up before is not asked for"
    assert service.cancelled == 0


async def test_a_call_that_nobody_waits_for_is_given_up_and_makes_room() -> None:
    service = Service()
    service.open.clear()
    coalescer = Coalescer(service, Bounds(in_flight=1))
    tasks = asking(coalescer, [0, 1])
    await turns()
    (last,) = asking(coalescer, [2])
    for task in tasks:
        task.cancel()
    await turns()
    assert service.cancelled == 1
    service.open.set()
    assert await last == 2


async def test_whose_time_was_up_before_is_not_asked_for() -> None:
    service = Service()
    with pytest.raises(TooLate):
        await Coalescer(service, Bounds()).ask(0, -1.0)
    assert service.calls == []


async def test_who_has_time_to_spare_waits_for_company() -> None:
    service = Service()
    coalescer = Coalescer(service, Bounds())
    patient = [asyncio.create_task(coalescer.ask(number, PATIENT_S, PATIENT_S)) for number in (0, 1)]
    await turns()
    assert service.calls == []
    assert await coalescer.ask(2, PATIENT_S) == 2
    assert [await task for task in patient] == [0, 1]
    assert service.calls == [[0, 1, 2]]


async def test_time_to_spare_ends_and_so_does_room() -> None:
    service = Service()
    coalescer = Coalescer(service, Bounds(together=3))
    assert await coalescer.ask(0, PATIENT_S, 0.001) == 0
    await asyncio.gather(*(coalescer.ask(number, PATIENT_S, PATIENT_S) for number in (1, 2, 3)))
    assert service.calls == [[0], [1, 2, 3]]


async def test_the_least_time_to_spare_counts() -> None:
    service = Service()
    coalescer = Coalescer(service, Bounds())
    await asyncio.gather(coalescer.ask(0, PATIENT_S, PATIENT_S), coalescer.ask(1, PATIENT_S, 0.001))
    assert service.calls == [[0, 1]]


async def test_it_is_told_how_long_they_waited() -> None:
    waited = Lately(time.monotonic)
    await Coalescer(Service(), Bounds(), waited=waited).ask(0, PATIENT_S, 0.001)
    assert waited.seconds > 0.0


def test_lately_is_an_average_of_what_is_new() -> None:
    now = 10.0
    lately = Lately(lambda: now)
    assert lately.seconds == 0.0
    lately.note(1.0)
    assert lately.seconds == 1.0
    lately.note(2.0)
    assert lately.seconds == pytest.approx(1.2)
    now += 2 * LATELY_S
    assert lately.seconds == 0.0
    lately.note(3.0)
    assert lately.seconds == 3.0


async def test_a_shared_call_has_nobodys_deadline() -> None:
    service = Service()
    with deadlines.within(0.5):
        await Coalescer(service, Bounds()).ask(0, PATIENT_S)
    assert service.deadlines == [None]
    assert service.within == [pytest.approx(PATIENT_S, abs=1.0)]


@settings(max_examples=60, deadline=None)
@given(
    waves=st.lists(st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=12), max_size=6),
    together=st.integers(1, 5),
    in_flight=st.integers(1, 3),
)
def test_everybody_gets_their_own_answer(waves: list[list[tuple[int, bool]]], together: int, in_flight: int) -> None:
    """In any order of asking and giving up: nobody is forgotten, nobody gets another's answer, no bound is broken."""

    async def run() -> None:
        service = Service()
        coalescer = Coalescer(service, Bounds(together, in_flight=in_flight))
        staying: list[tuple[int, asyncio.Task[int]]] = []
        for wave in waves:
            tasks = asking(coalescer, [number for number, _ in wave])
            await turns(1)
            for (number, gives_up), task in zip(wave, tasks, strict=True):
                if gives_up:
                    task.cancel()
                else:
                    staying.append((number, task))
            await turns(2)
        for number, task in staying:
            assert await task == number
        assert all(len(call) <= together for call in service.calls)

    asyncio.run(run())
