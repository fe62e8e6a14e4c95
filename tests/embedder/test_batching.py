from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.embedder.batching import EmbeddingQueue, QueueLimits
from services.embedder.framing import Pixels
from services.embedder.images import read_picture
from services.embedder.network import Network
from services.embedder.photo import Embedded, Photo
from services.embedder.seen import Seen
from services.embedder.sight import LocalSight, Outcome, Picture
from services.embedder.toy import ToyNetwork, toy_model
from services.errors import Internal, InvalidInput, InvalidPicture, NotReady, Overloaded, TooLate
from tests.embedder.pictures import jpeg
from tests.embedder.whole import toy

PATIENCE_S = 30.0
"""A bound for what hangs, not a measure."""

TOY = toy()
PHOTOS = [Photo(jpeg(seed)) for seed in range(6)]
VECTORS = TOY.embed(np.stack([read_picture(photo.data, TOY.card.input_pixels) for photo in PHOTOS]))


class GatedNetwork(ToyNetwork):
    """Says when it runs and goes on when it may; remembers how many pictures each run had."""

    def __init__(self) -> None:
        super().__init__()
        self.running = threading.Semaphore(0)
        self.gate = threading.Semaphore(0)
        self.batches: list[int] = []

    def look(self, pixels: Pixels, *, regions: bool = True) -> Seen:
        self.batches.append(len(pixels))
        self.running.release()
        assert self.gate.acquire(timeout=PATIENCE_S)
        return super().look(pixels, regions=regions)

    async def runs(self) -> None:
        """Until a worker is inside."""
        assert await asyncio.to_thread(self.running.acquire, timeout=PATIENCE_S)

    def open(self) -> None:
        self.gate.release(1000)


class BrokenNetwork(ToyNetwork):
    def look(self, pixels: Pixels, *, regions: bool = True) -> Seen:
        raise ZeroDivisionError("secret detail")


class ForgetfulNetwork(ToyNetwork):
    """Loses a picture."""

    def look(self, pixels: Pixels, *, regions: bool = True) -> Seen:
        return super().look(pixels, regions=regions).rows(slice(1, None))


@asynccontextmanager
async def opened(
    network: Network, limits: QueueLimits, clock: Callable[[], float] = time.monotonic, workers: int = 1, ahead: int = 0
) -> AsyncIterator[EmbeddingQueue]:
    # What waits is easier to say when a busy worker is given nothing ahead.
    limits = replace(limits, max_ahead=ahead)
    queue = EmbeddingQueue(toy_model(), [LocalSight(network) for _ in range(workers)], limits, clock)
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield queue
    finally:
        if isinstance(network, GatedNetwork):
            network.open()
        await queue.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what is waited for happens on other threads
            await asyncio.sleep(0)


async def test_a_photo_gets_its_vector_its_features_and_its_costs() -> None:
    async with opened(TOY.network, QueueLimits()) as queue:
        found = await queue.embed(PHOTOS[0])
    np.testing.assert_allclose(found.vector, VECTORS[0], atol=1e-6)
    assert found.features.shape == (TOY.card.raw_dimension,)
    assert min(found.queue_ms, found.decode_ms, found.network_ms) >= 0


@given(
    asked=st.lists(st.tuples(st.integers(-1, len(PHOTOS) - 1), st.booleans()), max_size=30),
    workers=st.integers(1, 3),
    max_batch=st.integers(1, 5),
    max_bulk=st.integers(1, 4),
)
def test_every_photo_is_answered_once_with_its_own_answer(
    asked: list[tuple[int, bool]], workers: int, max_batch: int, max_bulk: int
) -> None:
    """Number -1 is a file that is no picture; the second value: alone or in bulk."""

    async def run() -> list[Embedded | BaseException]:
        limits = QueueLimits(max_waiting=30, max_bulk=max_bulk, max_batch=max_batch)
        async with opened(TOY.network, limits, workers=workers) as queue:
            calls = []
            for number, alone in asked:
                photo = PHOTOS[number] if number >= 0 else Photo(b"no picture")
                calls.append((queue.embed if alone else queue.embed_bulk)(photo))
            return await asyncio.gather(*calls, return_exceptions=True)

    answers = asyncio.run(run())
    assert len(answers) == len(asked)
    for (number, _), answer in zip(asked, answers, strict=True):
        if number < 0:
            assert isinstance(answer, InvalidPicture)
        else:
            assert isinstance(answer, Embedded)
            np.testing.assert_allclose(answer.vector, VECTORS[number], atol=1e-5)


async def test_a_full_queue_refuses_at_once_and_says_when_to_come_again() -> None:
    network = GatedNetwork()
    async with opened(network, QueueLimits(max_waiting=2)) as queue:
        inside = asyncio.create_task(queue.embed(PHOTOS[0]))
        await network.runs()
        waiting = [asyncio.create_task(queue.embed(photo)) for photo in PHOTOS[1:3]]
        await until(lambda: queue.waiting() == 2)
        with pytest.raises(Overloaded) as caught:
            await queue.embed(PHOTOS[3])
        assert caught.value.retry_after_ms > 0
        network.open()
        await asyncio.gather(inside, *waiting)
        await queue.embed(PHOTOS[3])


async def test_the_files_that_wait_are_bounded_by_their_bytes() -> None:
    """One photo may always wait, however large it is."""
    network, most = GatedNetwork(), len(PHOTOS[1].data) + len(PHOTOS[2].data)
    async with opened(network, QueueLimits(max_waiting_bytes=most)) as queue:
        inside = asyncio.create_task(queue.embed(PHOTOS[0]))
        await network.runs()
        waiting = [asyncio.create_task(queue.embed(photo)) for photo in PHOTOS[1:3]]
        await until(lambda: queue.waiting() == 2)
        with pytest.raises(Overloaded):
            await queue.embed(PHOTOS[3])
        network.open()
        await asyncio.gather(inside, *waiting)
    async with opened(TOY.network, QueueLimits(max_waiting_bytes=1)) as queue:
        await queue.embed(PHOTOS[0])


async def test_bulk_waits_for_room_and_leaves_room_for_others() -> None:
    network = GatedNetwork()
    async with opened(network, QueueLimits(max_waiting=1, max_bulk=2, max_batch=1)) as queue:
        bulk = [asyncio.create_task(queue.embed_bulk(photo)) for photo in PHOTOS]
        await network.runs()
        await until(lambda: queue.waiting() == 1)
        alone = asyncio.create_task(queue.embed(PHOTOS[0]))
        await until(lambda: queue.waiting() == 2)
        network.open()
        answers = await asyncio.gather(*bulk, alone)
    np.testing.assert_allclose(np.stack([answer.vector for answer in answers[:-1]]), VECTORS, atol=1e-6)


async def test_what_waits_shares_a_run_up_to_the_batch() -> None:
    network = GatedNetwork()
    async with opened(network, QueueLimits(max_batch=3)) as queue:
        first = asyncio.create_task(queue.embed(PHOTOS[0]))
        await network.runs()
        rest = [asyncio.create_task(queue.embed(photo)) for photo in PHOTOS[1:]]
        await until(lambda: queue.waiting() == 5)
        network.open()
        await asyncio.gather(first, *rest)
    assert network.batches == [1, 3, 2]


async def test_a_photo_whose_deadline_passed_is_not_run() -> None:
    network, now = GatedNetwork(), [0.0]
    async with opened(network, QueueLimits(), clock=lambda: now[0]) as queue:
        first = asyncio.create_task(queue.embed(PHOTOS[0], deadline=10.0))
        await network.runs()
        late = asyncio.create_task(queue.embed(PHOTOS[1], deadline=10.0))
        patient = asyncio.create_task(queue.embed(PHOTOS[2], deadline=math.inf))
        await until(lambda: queue.waiting() == 2)
        now[0] = 10.0
        network.open()
        await asyncio.gather(first, patient)
        with pytest.raises(TooLate):
            await late
    assert sum(network.batches) == 2


async def test_a_caller_who_gives_up_is_not_run() -> None:
    network = GatedNetwork()
    async with opened(network, QueueLimits(max_waiting=1)) as queue:
        first = asyncio.create_task(queue.embed(PHOTOS[0]))
        await network.runs()
        for _ in range(3):
            given_up = asyncio.create_task(queue.embed(PHOTOS[1]))
            await until(lambda: queue.waiting() == 1)
            given_up.cancel()
            await asyncio.wait([given_up])
            assert queue.waiting() == 0, "its file is not kept, and its place is free"
        network.open()
        await first
    assert network.batches == [1]


async def test_closing_answers_what_waits_and_lets_nothing_in() -> None:
    network = GatedNetwork()
    async with opened(network, QueueLimits()) as queue:
        calls = [asyncio.create_task(queue.embed(photo)) for photo in PHOTOS]
        await network.runs()
        closing = asyncio.create_task(queue.close())
        await asyncio.sleep(0)
        with pytest.raises(NotReady):
            await queue.embed(PHOTOS[0])
        network.open()
        answers = await asyncio.gather(*calls)
        await closing
    np.testing.assert_allclose(np.stack([answer.vector for answer in answers]), VECTORS, atol=1e-6)


@pytest.mark.parametrize("network", [BrokenNetwork(), ForgetfulNetwork()])
async def test_a_failing_network_fails_the_photo_and_not_the_queue(network: Network) -> None:
    async with opened(network, QueueLimits()) as queue:
        for photo in PHOTOS[:2]:
            with pytest.raises(Internal) as caught:
                await queue.embed(photo)
            assert "secret" not in caught.value.message
            assert caught.value.__cause__ is not None
        with pytest.raises(InvalidPicture):
            await queue.embed(Photo(b"no picture"))


async def test_a_busy_worker_is_given_a_batch_ahead_and_no_more() -> None:
    network = GatedNetwork()
    async with opened(network, QueueLimits(max_batch=2), ahead=1) as queue:
        calls = [asyncio.create_task(queue.embed(PHOTOS[number % len(PHOTOS)])) for number in range(7)]
        await network.runs()
        await until(lambda: queue.waiting() <= 4)
        network.open()
        answers = await asyncio.gather(*calls)
    for number, answer in enumerate(answers):
        np.testing.assert_allclose(answer.vector, VECTORS[number % len(PHOTOS)], atol=1e-6)
    assert sum(network.batches) == 7


class BlindSight(LocalSight):
    """Cannot see until it is told that it can."""

    def __init__(self) -> None:
        super().__init__(ToyNetwork())
        self.sees = False
        self.asked = 0

    async def see(self, pictures: Sequence[Picture]) -> list[Outcome]:
        self.asked += 1
        if not self.sees:
            raise NotReady("cannot see")
        return await super().see(pictures)

    async def ready(self) -> None:
        if not self.sees:
            raise NotReady("cannot see")


async def test_a_worker_that_cannot_see_rests_and_the_others_take_what_it_had() -> None:
    blind = BlindSight()
    queue = EmbeddingQueue(toy_model(), [blind, LocalSight(ToyNetwork())], QueueLimits())
    answers = await asyncio.gather(*(queue.embed(photo) for photo in PHOTOS))
    np.testing.assert_allclose(np.stack([answer.vector for answer in answers]), VECTORS, atol=1e-6)
    for photo in PHOTOS:
        await queue.embed(photo)
    assert blind.asked <= 2, "it is not asked again before it can see"
    await queue.close()


async def test_when_no_worker_can_see_callers_are_told_at_once_and_it_recovers_by_itself() -> None:
    blind = BlindSight()
    queue = EmbeddingQueue(toy_model(), [blind], QueueLimits())
    for outcome in await asyncio.gather(*(queue.embed(photo) for photo in PHOTOS), return_exceptions=True):
        assert isinstance(outcome, NotReady)
    with pytest.raises(NotReady):
        await queue.check()
    blind.sees = True
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                await queue.embed(PHOTOS[0])
            except NotReady:
                await asyncio.sleep(0.01)
            else:
                break
    await queue.close()


async def test_evidence_that_cannot_be_had_fails_its_photo_and_not_the_batch() -> None:
    """A network without regions; the others of the batch do not ask for them."""

    class Flat(ToyNetwork):
        def look(self, pixels: Pixels, *, regions: bool = True) -> Seen:
            seen = super().look(pixels, regions=regions)
            return Seen(seen.features, seen.own)

    queue = EmbeddingQueue(toy_model(), [LocalSight(Flat())], QueueLimits(max_batch=3))
    asked = [PHOTOS[0], replace(PHOTOS[1], evidence=True), PHOTOS[2]]
    plain, split, other = await asyncio.gather(*(queue.embed(photo) for photo in asked), return_exceptions=True)
    assert isinstance(split, InvalidInput)
    assert isinstance(plain, Embedded)
    assert isinstance(other, Embedded)
    await queue.close()


async def test_a_closed_queue_is_not_well() -> None:
    async with opened(TOY.network, QueueLimits()) as queue:
        await queue.check()
        await queue.close()
        with pytest.raises(NotReady):
            await queue.check()
