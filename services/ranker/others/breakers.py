r"""A circuit breaker: a service that is dead or hangs is left alone for a while instead of being waited for.

    closed --- failures in a row ---> open --- the pause is over ---> half open --- an answer ---> closed
               or one that hung         ^------------ a failure ------------'

Pure: the clock is given, and whoever calls says how it ended.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from services.errors import NotReady, TooLate


class State(Enum):
    """Of a breaker."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half open"


@dataclass(frozen=True)
class Limits:
    """`failures`: so many in a row open it. `slow_s`: a call that was given up after this long is a failure, too:
    when a service hangs, callers give up. `hung_s`: one that has failed after this long opens it by itself, if no other
    call was answered meanwhile: then it was not that one call that was slow. `pause_s`: how long it stays open at
    first; each trial that fails makes that twice as long, up to `longest_pause_s`."""

    failures: int = 5
    slow_s: float = 0.5
    hung_s: float = 1.0
    pause_s: float = 0.25
    longest_pause_s: float = 1.0


class Breaker:
    """Of one `service`. `clock`: seconds, monotonic. Not for several threads.

    `admit` before a call; then exactly one of `succeeded`, `failed` and `ended`, which are told whether the call was a
    trial: those that went out before the breaker opened end while one is out.
    """

    def __init__(self, service: str, clock: Callable[[], float], limits: Limits = Limits()) -> None:
        self._service = service
        self._clock = clock
        self._limits = limits
        self._in_a_row = 0
        self._pause_s = limits.pause_s
        self._until: float | None = None
        self._trying = False
        self._answered = float("-inf")
        self._counts: Counter[str] = Counter()

    @property
    def state(self) -> State:
        """Now."""
        if self._until is None:
            return State.CLOSED
        return State.OPEN if self._clock() < self._until else State.HALF_OPEN

    @property
    def counts(self) -> Mapping[str, int]:
        """How calls ended until now: `succeeded`, `failed`, `given_up`, and `refused` for those that were not made."""
        return self._counts

    def admit(self) -> bool:
        """Whether the call is a trial: half open it lets one pass at a time. Raises NotReady while it is open."""
        state = self.state
        if state is State.OPEN or (state is State.HALF_OPEN and self._trying):
            self._counts["refused"] += 1
            raise NotReady(f"the {self._service} does not answer; it is tried again soon")
        is_trial = state is State.HALF_OPEN
        self._trying = self._trying or is_trial
        return is_trial

    def succeeded(self, *, trial: bool = False) -> None:
        """The service answered, be it with an error that is about the request."""
        self._counts["succeeded"] += 1
        self._in_a_row, self._until = 0, None
        self._trying = self._trying and not trial
        self._answered = self._clock()
        self._pause_s = self._limits.pause_s

    def failed(self, after_s: float = 0.0, *, trial: bool = False) -> None:
        """It did not, which was known after so many seconds."""
        self._counts["failed"] += 1
        self._in_a_row += 1
        if after_s >= self._limits.hung_s and self._answered <= self._clock() - after_s:
            self._in_a_row = max(self._in_a_row, self._limits.failures)
        self._trying = self._trying and not trial
        if trial and self._until is not None:
            self._pause_s = min(2 * self._pause_s, self._limits.longest_pause_s)
            self._until = self._clock() + self._pause_s
        elif self._until is None and self._in_a_row >= self._limits.failures:
            self._until = self._clock() + self._pause_s

    def ended(self, problem: BaseException, after_s: float, *, trial: bool = False) -> None:
        """What came of a call that gave no answer, and after how many seconds."""
        if isinstance(problem, NotReady):
            self.failed(after_s, trial=trial)
        elif isinstance(problem, Exception) and not isinstance(problem, TooLate):
            self.succeeded(trial=trial)  # it did answer
        elif after_s >= self._limits.slow_s:
            self.failed(after_s, trial=trial)
        else:
            # The caller did not wait, or had hardly any time: that says nothing of the service, and who is in a hurry
            # must not close it to the others.
            self._counts["given_up"] += 1
            self._trying = self._trying and not trial
