"""The supervisor: what ends is started again, and a stop leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import queue
import signal
import sys
import threading

import psutil
import pytest

from services.errors import NotReady
from services.runtime.supervise import Program, Supervisor

HOPELESS = 78
SLEEP = [sys.executable, "-c", "import signal; signal.pause()"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); [signal.pause() for _ in '123']",
]


class Fake:
    """Something kept, steered by the test: every start is told, every end is asked for."""

    def __init__(self, name: str, journal: list[str], problems: list[NotReady] | None = None) -> None:
        self.name = name
        self._journal = journal
        self._problems = problems or []
        self.starts: queue.Queue[int] = queue.Queue()
        self._ends: queue.Queue[int] = queue.Queue()

    def start(self) -> None:
        if self._problems:
            raise self._problems.pop(0)
        self._journal.append(f"start {self.name}")
        self.starts.put(1)

    def wait(self) -> int:
        return self._ends.get(timeout=30)

    def stop(self) -> None:
        self._journal.append(f"stop {self.name}")
        self.end(0)

    def why(self) -> str:
        return "a setting is wrong"

    def end(self, code: int) -> None:
        self._ends.put(code)


async def started(kept: Fake) -> None:
    await asyncio.to_thread(kept.starts.get, timeout=20)


async def test_what_ends_is_started_again_and_stopped_in_reverse_order() -> None:
    journal: list[str] = []
    supervisor = Supervisor(HOPELESS)
    redis, service = Fake("redis", journal), Fake("service", journal)
    for kept in (redis, service):
        await supervisor.add(kept)
        await started(kept)
    service.end(-9)
    await started(service)
    redis.end(1)
    await started(redis)
    await supervisor.stop()
    assert journal == ["start redis", "start service", "start service", "start redis", "stop service", "stop redis"]
    assert supervisor.failure is None


async def test_what_cannot_run_with_its_settings_ends_everything() -> None:
    supervisor = Supervisor(HOPELESS)
    service = Fake("service", [])
    await supervisor.add(service)
    service.end(HOPELESS)
    await asyncio.wait_for(supervisor.ended.wait(), 20)
    assert supervisor.failure == "service cannot run: a setting is wrong"
    assert supervisor.is_hopeless
    await supervisor.stop()


async def test_what_cannot_start_at_first_ends_everything() -> None:
    supervisor = Supervisor(HOPELESS)
    await supervisor.add(Fake("redis", [], [NotReady("no redis-server")]))
    assert supervisor.ended.is_set()
    assert supervisor.failure == "redis: no redis-server"
    assert not supervisor.is_hopeless
    await supervisor.stop()


async def test_what_cannot_start_later_is_tried_again() -> None:
    supervisor = Supervisor(HOPELESS)
    problems: list[NotReady] = []
    redis = Fake("redis", [], problems)
    await supervisor.add(redis)
    await started(redis)
    problems.append(NotReady("still loading"))
    redis.end(1)
    await started(redis)
    assert not supervisor.ended.is_set()
    await supervisor.stop()


def test_a_program_says_why_it_ended() -> None:
    script = "from services.runtime import last_words; last_words.say('a setting is wrong')"
    program = Program("short", [sys.executable, "-c", script], os.environ, patience_s=20)
    for _ in range(2):
        program.start()
        assert program.wait() == 0
        assert program.why() == "a setting is wrong"


def test_a_program_ends_at_a_signal() -> None:
    program = Program("sleep", SLEEP, os.environ, patience_s=20)
    program.start()
    program.stop()
    assert program.wait() == -signal.SIGTERM


def test_a_program_that_does_not_listen_is_killed() -> None:
    program = Program("stubborn", STUBBORN, os.environ, patience_s=0.05)
    program.start()
    program.stop()
    assert program.wait() in {-signal.SIGKILL, -signal.SIGTERM}, "the latter when it had no time to stop listening"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a program has no leash, see services.runtime.leash")
def test_a_program_dies_with_the_launcher() -> None:
    """A launcher that is killed cannot stop its children; the kernel does."""
    import subprocess

    script = (
        "import os, sys; from services.runtime.supervise import Program\n"
        f"program = Program('sleep', {SLEEP!r}, os.environ, 20)\n"
        "program.start(); import psutil; print(psutil.Process().children()[0].pid, flush=True); program.wait()"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as launcher:
        assert launcher.stdout
        child = psutil.Process(int(launcher.stdout.readline()))
        launcher.kill()
        psutil.wait_procs([child], timeout=20)
        assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_threads_of_a_supervisor_do_not_pile_up() -> None:
    async def live() -> None:
        supervisor = Supervisor(HOPELESS)
        await supervisor.add(Fake("service", []))
        await supervisor.stop()

    asyncio.run(live())
    names = [thread.name for thread in threading.enumerate() if thread.name.startswith("supervisor")]
    assert len(names) <= 3
