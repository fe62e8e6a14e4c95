"""Recording behind an answer: nobody waits, nothing is sent twice as two, what is lost is counted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from services.errors import NotReady
from services.ranker.frozen.recorder import Deed, Diary, Patience, Recorder


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


class Losses:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self, many: int) -> None:
        self.count += many


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
