"""Reading pages from a service that comes and goes."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import grpc
import pytest

from jobs.pages import FIRST_PAUSE_S, BrokenOff, Pages, Patience
from visrec.errors import VisrecCallError

AWAY = VisrecCallError(grpc.StatusCode.UNAVAILABLE, "away")
WRONG = VisrecCallError(grpc.StatusCode.NOT_FOUND, "no such catalogue")


@dataclass
class Page:
    number: int
    next_page_token: str


@dataclass
class Service:
    """Three pages; fails as it is told to before it answers, which takes `slow_s` by its clock."""

    failures: list[VisrecCallError] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    slow_s: float = 0.0
    now: float = 0.0

    def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.now += seconds

    def ask(self, token: str) -> Page:
        self.now += self.slow_s
        number = int(token or 0)
        if number == 1 and self.failures:
            raise self.failures.pop(0)
        return Page(number, str(number + 1) if number < 2 else "")

    def pages(self, start: str = "", most_s: float = 60.0, *, ahead: bool = False) -> list[int]:
        patience = Patience(most_s, self.sleep, lambda: self.now)
        return [page.number for page in Pages(self.ask, patience, start, ahead)]


def test_all_pages_come_in_order() -> None:
    assert Service().pages() == [0, 1, 2]


def test_a_page_that_does_not_come_is_waited_for_longer_and_longer() -> None:
    service = Service([AWAY, AWAY, AWAY])
    assert service.pages() == [0, 1, 2]
    assert service.waited == [FIRST_PAUSE_S, 2 * FIRST_PAUSE_S, 4 * FIRST_PAUSE_S]


def test_a_service_that_says_how_long_is_believed() -> None:
    service = Service([VisrecCallError(grpc.StatusCode.RESOURCE_EXHAUSTED, "busy", retry_after_s=7.0)])
    assert service.pages() == [0, 1, 2]
    assert service.waited == [7.0]


def test_what_broke_off_can_go_on() -> None:
    service = Service([AWAY] * 3)
    with pytest.raises(BrokenOff) as broken:
        service.pages(most_s=1.0)
    assert broken.value.token == "1"
    assert broken.value.cause is AWAY
    assert service.pages(start=broken.value.token) == [1, 2]


def test_patience_is_no_longer_than_was_said() -> None:
    """The last pause is cut, and what asking takes counts."""
    service = Service([AWAY] * 9)
    with pytest.raises(BrokenOff):
        service.pages(most_s=3.0)
    assert service.waited == [0.5, 1.0, 1.5]
    service = Service([AWAY] * 9, slow_s=1.0)
    with pytest.raises(BrokenOff):
        service.pages(most_s=3.0)
    assert service.waited == [0.5, 1.0]


def test_what_no_waiting_helps_ends_at_once() -> None:
    service = Service([WRONG])
    with pytest.raises(BrokenOff):
        service.pages()
    assert not service.waited


def test_the_next_page_comes_while_one_is_looked_at() -> None:
    asked = [threading.Event() for _ in range(3)]

    def ask(token: str) -> Page:
        page = Service().ask(token)
        asked[page.number].set()
        return page

    pages = iter(Pages(ask, Patience(0.0, lambda _: None, lambda: 0.0), ahead=True))
    assert next(pages).number == 0
    assert asked[1].wait(10.0)
    assert not asked[2].is_set(), "one ahead, and no more"
    assert [page.number for page in pages] == [1, 2]


def test_pages_that_are_asked_ahead_are_as_patient_and_break_off_at_the_same_place() -> None:
    assert Service([AWAY, AWAY]).pages(ahead=True) == [0, 1, 2]
    assert Service().pages(start="1", ahead=True) == [1, 2]
    with pytest.raises(BrokenOff) as broken:
        Service([WRONG]).pages(ahead=True)
    assert broken.value.token == "1"
