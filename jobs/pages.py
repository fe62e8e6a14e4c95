"""Reading page after page from a service that may be away for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Thread
from typing import Generic, Protocol, TypeVar

from visrec.errors import VisrecCallError

FIRST_PAUSE_S = 0.5
MAX_PAUSE_S = 10.0


class Paged(Protocol):
    """A page that names the next one; an empty name: it was the last."""

    @property
    def next_page_token(self) -> str:
        """Where the next page begins."""


PageT = TypeVar("PageT", bound=Paged)
AnswerT = TypeVar("AnswerT")


@dataclass
class BrokenOff(Exception):
    """Pages before `token` were read, and what came then was `cause`. Going on from `token` repeats nothing."""

    token: str
    cause: VisrecCallError

    def __str__(self) -> str:
        return str(self.cause)


@dataclass(frozen=True)
class Patience:
    """How long to go on asking for one page after it did not come, in seconds, with the time that asking takes; how to
    wait, and a clock that waiting moves on."""

    most_s: float
    sleep: Callable[[float], None]
    clock: Callable[[], float]

    def through(self, call: Callable[[], AnswerT]) -> AnswerT:
        """What `call` gives, at last. Raises VisrecCallError when it cannot pass, or did not in all that time."""
        until, pause = None, FIRST_PAUSE_S
        while True:
            try:
                return call()
            except VisrecCallError as error:
                now = self.clock()
                until = now + self.most_s if until is None else until
                if not error.may_pass or now >= until:
                    raise
                wait = min(max(pause, error.retry_after_s or 0.0), until - now)
            self.sleep(wait)
            pause = min(2 * pause, MAX_PAUSE_S)


@dataclass(frozen=True)
class Pages(Generic[PageT]):
    """All pages from `start` on. `ask`: one page for a token. `ahead`: the next page is asked for by another thread
    while one is looked at, so that a service and a job both have something to do; who stops before the end leaves that
    one question under way, up to its patience. Raises BrokenOff."""

    ask: Callable[[str], PageT]
    patience: Patience
    start: str = ""
    ahead: bool = False

    def __iter__(self) -> Iterator[PageT]:
        token, is_first = self.start, True
        coming = self._coming(token)
        while token or is_first:
            page = coming()
            token, is_first = page.next_page_token, False
            if token:
                coming = self._coming(token)
            yield page

    def _coming(self, token: str) -> Callable[[], PageT]:
        """Waits for that page."""
        if not self.ahead:
            return lambda: self._patiently(token)
        page: Future[PageT] = Future()

        def ask() -> None:
            try:
                page.set_result(self._patiently(token))
            except BaseException as error:  # noqa: BLE001 - whatever it is, who waits is told
                page.set_exception(error)

        # Nobody waits for a page that is not wanted any more: not at the end of the process either.
        Thread(target=ask, daemon=True).start()
        return page.result

    def _patiently(self, token: str) -> PageT:
        try:
            return self.patience.through(lambda: self.ask(token))
        except VisrecCallError as error:
            raise BrokenOff(token, error) from error
