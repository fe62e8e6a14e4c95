"""Reading page after page from a service that may be away for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
    """All pages from `start` on. `ask`: one page for a token. Raises BrokenOff."""

    ask: Callable[[str], PageT]
    patience: Patience
    start: str = ""

    def __iter__(self) -> Iterator[PageT]:
        token, is_first = self.start, True
        while token or is_first:
            page = self._patiently(token)
            yield page
            token, is_first = page.next_page_token, False

    def _patiently(self, token: str) -> PageT:
        try:
            return self.patience.through(lambda: self.ask(token))
        except VisrecCallError as error:
            raise BrokenOff(token, error) from error
