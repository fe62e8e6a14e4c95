"""Recording behind an answer: nobody waits, nothing is sent twice as two, what is lost is counted."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from services.errors import InvalidInput, NotReady
from services.ranker.frozen.recorder import Deed, Diary, Patience, Recorder
from services.ranker.others.ports import Embedding


class Book(Diary):
    """Takes events, in batches, when it may; `away`: so many calls fail before."""

    def __init__(self, away: int = 0, refuses: int = 0) -> None:
        self.pages: list[list[Deed]] = []
        self.away = away
        self.refuses = refuses
        self.calls = 0

    async def record(self, deeds: Sequence[Deed]) -> int:
        self.calls += 1
        await asyncio.sleep(0)
        if self.calls <= self.away:
            raise NotReady("away")
        self.pages.append(list(deeds))
        return self.refuses


class Picky(Diary):
    """Refuses every batch with one of the `bad`, for what it `raises`."""

    def __init__(self, bad: set[str], raises: Exception) -> None:
        self.bad = bad
        self.raises = raises
        self.taken: list[str] = []
        self.calls = 0

    async def record(self, deeds: Sequence[Deed]) -> int:
        self.calls += 1
        await asyncio.sleep(0)
        if self.bad & {deed.event_id for deed in deeds}:
            raise self.raises
        self.taken += [deed.event_id for deed in deeds]
        return 0


class Losses:
    def __init__(self) -> None:
        self.why: Counter[str] = Counter()

    @property
    def count(self) -> int:
        return self.why.total()

    def __call__(self, many: int, why: str) -> None:
        self.why[why] += many


async def at_once(_: float) -> None:
    await asyncio.sleep(0)


async def forever(_: float) -> None:
    await asyncio.Event().wait()


def deeds(*names: str) -> list[Deed]:
    return [Deed(name, "ada", "shop", 1, item_id=name) for name in names]


async def test_events_are_sent_in_their_order_and_together() -> None:
    book, lost = Book(), Losses()
    recorder = Recorder(book, at_once, lost)
    assert recorder.offer(deeds("a"))
    assert recorder.offer(deeds("b", "c"))
    await recorder.close(60)
    assert [deed.event_id for page in book.pages for deed in page] == ["a", "b", "c"]
    assert lost.count == 0


async def test_a_service_that_is_away_is_asked_again() -> None:
    book, lost = Book(away=3), Losses()
    recorder = Recorder(book, at_once, lost)
    recorder.offer(deeds("a"))
    await recorder.close(60)
    assert [page[0].event_id for page in book.pages] == ["a"]
    assert book.calls == 4
    assert lost.count == 0


async def test_what_cannot_be_recorded_is_counted_and_the_next_goes_on() -> None:
    book, lost = Book(away=2), Losses()
    recorder = Recorder(book, at_once, lost, Patience(batch=2, tries=2))
    recorder.offer(deeds("a", "b", "c"))
    await recorder.close(60)
    assert [deed.event_id for page in book.pages for deed in page] == ["c"]
    assert lost.count == 2


async def test_events_that_are_refused_one_by_one_are_counted() -> None:
    book, lost = Book(refuses=1), Losses()
    recorder = Recorder(book, at_once, lost)
    recorder.offer(deeds("a", "b"))
    await recorder.close(60)
    assert lost.count == 1


async def test_too_many_are_refused_as_a_whole() -> None:
    recorder = Recorder(Book(), at_once, Losses(), Patience(most=3))
    assert recorder.offer(deeds("a", "b"))
    assert not recorder.offer(deeds("c", "d"))
    assert recorder.offer(deeds("e"))
    await recorder.close(60)


async def test_an_end_without_time_loses_what_waits_and_says_so() -> None:
    lost = Losses()
    recorder = Recorder(Book(away=10**9), forever, lost, Patience(batch=1))
    recorder.offer(deeds("a", "b", "c"))
    await recorder.close(0.0)
    assert lost.count == 3


def photos(*names: str, size: int = 100_000) -> list[Deed]:
    return [Deed(name, "ada", "shop", 1, photo=Embedding("toy@1", b"", "", b"x" * size)) for name in names]


async def test_photos_are_few_and_events_many() -> None:
    book = Book()
    recorder = Recorder(book, at_once, Losses(), Patience(most_bytes=350_000, batch_bytes=250_000))
    assert recorder.offer(photos("a", "b", "c"))
    assert not recorder.offer(photos("d"))
    assert recorder.offer(deeds("e", "f"))
    await recorder.close(60)
    assert [[deed.event_id for deed in page] for page in book.pages] == [["a", "b"], ["c", "e", "f"]]
    assert recorder.offer(photos("g", "h", "i")), "there is room again"
    await recorder.close(60)


async def test_one_that_is_larger_than_a_batch_goes_alone() -> None:
    book = Book()
    recorder = Recorder(book, at_once, Losses(), Patience(batch_bytes=1000))
    recorder.offer(photos("a", "b"))
    await recorder.close(60)
    assert [len(page) for page in book.pages] == [1, 1]


async def test_a_bad_event_is_lost_alone_and_not_tried_again() -> None:
    names = [f"{number}" for number in range(500)]
    picky, lost = Picky({"77"}, InvalidInput("events[77]", "is none")), Losses()
    recorder = Recorder(picky, forever, lost)
    recorder.offer(deeds(*names))
    await recorder.close(60)
    assert picky.taken == [name for name in names if name != "77"]
    assert lost.why == {"INVALID": 1}
    assert picky.calls <= 19


@given(st.integers(1, 30), st.sets(st.integers(0, 29)))
def test_whichever_are_bad_the_others_are_recorded_in_order(count: int, bad: set[int]) -> None:
    names = [f"{number}" for number in range(count)]
    picky, lost = Picky({f"{number}" for number in bad}, InvalidInput("events", "are bad")), Losses()

    async def run() -> None:
        recorder = Recorder(picky, forever, lost, Patience(batch=10))
        recorder.offer(deeds(*names))
        await recorder.close(60)

    asyncio.run(run())
    assert picky.taken == [name for name in names if int(name) not in bad]
    assert lost.count == count - len(picky.taken)


async def test_a_bug_loses_one_batch_and_is_told() -> None:
    told: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    bug = RuntimeError("a bug")
    picky, lost = Picky({"a"}, bug), Losses()
    recorder = Recorder(picky, at_once, lost, Patience(batch=2, tries=3))
    recorder.offer(deeds("a", "b", "c"))
    await recorder.close(60)
    assert picky.taken == ["c"]
    assert picky.calls == 4
    assert lost.why == {"INTERNAL": 2}
    assert [context["exception"] for context in told] == [bug]


async def test_an_end_in_the_middle_of_a_batch_loses_what_is_left_of_it() -> None:
    class Slow(Picky):
        async def record(self, deeds: Sequence[Deed]) -> int:
            if self.taken:
                await forever(0)
            return await super().record(deeds)

    slow, lost = Slow({"d"}, InvalidInput("events", "are bad")), Losses()
    recorder = Recorder(slow, at_once, lost)
    recorder.offer(deeds("a", "b", "c", "d"))
    for _ in range(10):
        await asyncio.sleep(0)
    await recorder.close(0.0)
    assert slow.taken == ["a", "b"]
    assert lost.why == {"CLOSED": 2}
