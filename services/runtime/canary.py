"""The canary: a small piece of the real work, done again and again beside the calls. Health follows it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor

from services.errors import TooLate, VisrecError
from services.runtime import deadlines, logs
from services.runtime.settings import RuntimeSettings

STARTING_EVERY_S = 0.2
"""Until the first success: a service should be found soon after it is ready."""


OTHERS_SHARE = 0.95
"""Of the deadline of a canary, for those that it asks."""


def _hangs() -> TooLate:
    return TooLate("the service itself did not finish its canary in time")


def where(problem: BaseException, runtime: RuntimeSettings) -> str:
    """What only the log says of a problem: callers need not know where the record is."""
    if runtime.redis_url and isinstance(problem, VisrecError) and problem.reason.startswith("REDIS_"):
        return f"; VISREC_REDIS_URL leads to {runtime.redis_place()}"
    return ""


class Verdict:
    """What the last canary said, and how soon to ask again. Logs when it turns."""

    def __init__(self, runtime: RuntimeSettings) -> None:
        self._runtime = runtime
        self._every_s = runtime.canary_every_s
        self.serving: bool | None = None

    def turn(self, problem: BaseException | None) -> bool:
        """Takes a canary's outcome (None: it sang). True means serving."""
        serving = problem is None
        if serving != self.serving:
            logs.logger().log(20 if serving else 30, "health", serving=serving, why=self._why(problem))
        self.serving = serving
        return serving

    def _why(self, problem: BaseException | None) -> str | None:
        if problem is None:
            return None
        within = f" (within {self._runtime.canary_deadline_s:g} s)" if isinstance(problem, TooLate) else ""
        return f"{type(problem).__name__}: {problem}{within}{where(problem, self._runtime)}"

    def pause_s(self) -> float:
        """The time until the next canary."""
        return self._every_s if self.serving else min(self._every_s, STARTING_EVERY_S)


class CanaryThread:
    """Runs a sync canary. One that hangs keeps its thread, counts as failed, and no other starts beside it."""

    def __init__(self, canary: Callable[[], None], tell: Callable[[bool], None], runtime: RuntimeSettings) -> None:
        self._canary = canary
        self._tell = tell
        self._deadline_s = runtime.canary_deadline_s
        self._verdict = Verdict(runtime)
        self._stop = threading.Event()
        self._singer = ThreadPoolExecutor(1, thread_name_prefix="canary")
        self._song: Future[None] | None = None
        self._thread = threading.Thread(target=self._run, name="health", daemon=True)

    def start(self) -> None:
        """Begins with a canary at once."""
        self._thread.start()

    def stop(self) -> None:
        """No verdict comes after this."""
        self._stop.set()
        self._thread.join()
        self._singer.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._tell(self._verdict.turn(self._listen()))
            self._stop.wait(self._verdict.pause_s())

    def _listen(self) -> BaseException | None:
        song = self._song or self._singer.submit(self._sing)
        try:
            problem = song.exception(self._deadline_s)
        except TimeoutError:
            self._song = song
            return _hangs()
        self._song = None
        return problem

    def _sing(self) -> None:
        with deadlines.within(self._deadline_s):
            self._canary()


async def sing(
    canary: Callable[[], Awaitable[None]], tell: Callable[[bool], Awaitable[None]], runtime: RuntimeSettings
) -> None:
    """Runs an asyncio canary until it is cancelled."""
    verdict, deadline_s = Verdict(runtime), runtime.canary_deadline_s
    while True:
        problem: Exception | None = None
        all_of_it = asyncio.timeout(deadline_s)
        try:
            # Who is asked has a little less time, and so is named as the one who did not answer.
            async with all_of_it:
                with deadlines.within(OTHERS_SHARE * deadline_s):
                    await canary()
        except TimeoutError as why:
            problem = _hangs() if all_of_it.expired() else why
        except Exception as why:  # noqa: BLE001 - whatever a canary raises means that the service does not work
            problem = why
        await tell(verdict.turn(problem))
        await asyncio.sleep(verdict.pause_s())
