"""Decoding and looking in a process of its own, which is killed and replaced when a file is too much for it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from services.embedder.eye import ANSWER, COUNT, GO, PICTURE, READY, ROOM, SEEN, START, Bounds, unpack_sighting
from services.embedder.plan import Plan
from services.embedder.room import PixelRoom
from services.embedder.sight import Outcome, Picture, Sight
from services.errors import Internal, InvalidInput, InvalidPicture, NotReady, Refused, VisrecError

ROOT: Final = Path(__file__).resolve().parents[2]

START_S: Final = 60.0
"""A process that is not ready by then never will be."""

_PATIENCE: Final = 4
"""Times the processor time that a file may take, on a busy machine, before it is a hang."""

_STOP_S: Final = 2.0
_LOOK_EVERY_S: Final = 0.005
_BUFFER_BYTES: Final = 1 << 20

_PASSED_ON: Final = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME", "SYSTEMROOT", "TZ")
"""What a Python needs to start. Not the settings: who breaks out of a decoder finds no password in its environment."""

_ENVIRONMENT: Final = {
    # One process a processor is all the parallelism there is; the network's own threads are the plan's.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}

_OF_GPUS: Final = ("CUDA_", "NVIDIA_", "ROCR_", "HIP_", "HSA_", "ONEAPI_", "ZE_", "HOME", "DYLD_LIBRARY_PATH")
"""Beginnings of what tells a provider which devices there are; passed on where there is one beside the CPU's."""


class ProcessSight(Sight):
    """Starts its process when it is first used, or made `ready`. `own_blocks` are those of the network, in their order.
    What is decoded at a time by all processes that share it is bounded by `room`."""

    def __init__(self, plan: Plan, own_blocks: Mapping[str, int], bounds: Bounds, room: PixelRoom) -> None:
        self._plan = plan
        self._own_blocks = dict(own_blocks)
        self._bounds = bounds
        self._room = room
        self._running: _Running | None = None
        self._opening = asyncio.Lock()
        self._closed = False

    async def see(self, pictures: Sequence[Picture]) -> list[Outcome]:
        """As the port says. A file that takes more than `bounds.seconds` of processor time, or four times that by the
        clock, is InvalidPicture, and so is one that a process dies of twice: the first time may have been somebody
        else's doing. Pictures that share a request with such a one are asked about again, each alone."""
        try:
            return await self._ask(pictures)
        except _Died as death:
            if len(pictures) > 1:
                return [(await self.see([picture]))[0] for picture in pictures]
            return [_too_slow(pictures[0], self._bounds) if death.slow else await self._once_more(pictures[0])]

    async def ready(self) -> None:
        """Returns when the network is open. Raises NotReady when that takes too long or the process ends, Refused when
        the network is not as the plan says."""
        await self._open()

    async def close(self) -> None:
        self._closed = True
        running, self._running = self._running, None
        if running:
            await running.stop()

    @property
    def pid(self) -> int:
        """Of the process that looks at present; 0 when there is none."""
        return self._running.process.pid if self._running else 0

    async def _open(self) -> _Running:
        async with self._opening:
            if self._running:
                return self._running
            return await self._start()

    async def _start(self) -> _Running:
        if self._closed:
            raise NotReady("the embedder is shutting down")
        try:
            running = await _Running.start(_environment(gpus=not self._plan.on_cpu))
        except OSError as problem:
            raise NotReady("a process of the embedder cannot be started", reason="EYE_NOT_READY") from problem
        try:
            async with asyncio.timeout(START_S):
                await running.introduce(self._bounds.pack(), self._plan.pack())
            if self._closed:
                raise NotReady("the embedder is shutting down")
        except BaseException as problem:
            await asyncio.shield(running.kill())
            if isinstance(problem, EOFError | OSError):
                raise NotReady("a process of the embedder does not start", reason="EYE_NOT_READY") from problem
            raise
        self._running = running
        return running

    async def _once_more(self, picture: Picture) -> Outcome:
        try:
            return (await self._ask([picture]))[0]
        except _Died as death:
            if death.slow:
                return _too_slow(picture, self._bounds)
            message = "the process that decoded it broke down twice; send it in another format"
            return InvalidPicture(f"{picture.field}.data", message)

    async def _ask(self, pictures: Sequence[Picture]) -> list[Outcome]:
        """Raises _Died when the process died of it."""
        while True:
            running = await self._open()
            running.write(COUNT.pack(len(pictures)))
            for picture in pictures:
                running.write(_head(picture), picture.data)
            # Requests are answered in the order in which they were written, and this lock is had in that order, too.
            async with running.turn:
                if running.alive:
                    return await self._listen(running, pictures)
            # It died of another request, before it came to this one.

    async def _listen(self, running: _Running, pictures: Sequence[Picture]) -> list[Outcome]:
        """Whatever ends this before all answers were read, what is left of them must not be taken for others'."""
        try:
            return await self._answers(running, pictures)
        except BaseException as problem:
            running.alive = False
            if self._running is running:
                self._running = None
            code = await asyncio.shield(running.kill())
            if isinstance(problem, TimeoutError | EOFError | ConnectionError):
                raise _Died(slow=isinstance(problem, TimeoutError) or code == -signal.SIGXCPU) from problem
            raise

    async def _answers(self, running: _Running, pictures: Sequence[Picture]) -> list[Outcome]:
        async with asyncio.timeout(_PATIENCE * self._bounds.seconds * len(pictures)) as patience:
            kind, number = await running.answer()
            while kind == ROOM:
                # Waiting for others is not this picture's doing.
                now, until = asyncio.get_running_loop().time, patience.when()
                assert until is not None
                left_s = until - now()
                patience.reschedule(None)
                async with self._room.held(number):
                    patience.reschedule(now() + left_s)
                    running.write(GO)
                    kind, number = await running.answer()
            outcomes = [await self._outcome(running, kind, number, pictures[0])]
            for picture in pictures[1:]:
                outcomes += [await self._outcome(running, *await running.answer(), picture)]
            return outcomes

    async def _outcome(self, running: _Running, kind: bytes, size: int, picture: Picture) -> Outcome:
        body = await running.read(size)
        return unpack_sighting(body, self._own_blocks) if kind == SEEN else _error(body, picture.field)


class _Died(Exception):
    """The process died of what it was asked: because that took too long, by the clock or by what the kernel counted
    (`slow`), or else because it broke."""

    def __init__(self, *, slow: bool) -> None:
        super().__init__()
        self.slow = slow


class _Running:
    """A process, and the way to it. Who writes a request takes its `turn` to read the answers at once."""

    def __init__(
        self, process: subprocess.Popen[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.process = process
        self.turn = asyncio.Lock()
        self.alive = True
        self._reader = reader
        self._writer = writer

    @classmethod
    async def start(cls, environment: dict[str, str]) -> _Running:
        """Raises OSError."""
        ours, theirs = socket.socketpair()
        with theirs:
            for end in (ours, theirs):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
            # What Pillow would warn about is either refused or none of anybody's business.
            command = [sys.executable, "-W", "ignore", "-m", "services.embedder.eye", str(theirs.fileno())]
            try:
                # A few milliseconds, and not on another thread: what waits there for Redis must not hold it up. A group
                # of its own, so that Ctrl-C reaches the parent alone.
                process = subprocess.Popen(  # noqa: ASYNC220
                    command,
                    pass_fds=[theirs.fileno()],
                    cwd=ROOT,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                )
            except OSError:
                ours.close()
                raise
        return cls(process, *await asyncio.open_connection(sock=ours, limit=_BUFFER_BYTES))

    async def introduce(self, bounds: bytes, plan: bytes) -> None:
        """Returns when the network is open. Raises what the process refuses with."""
        self.write(START.pack(len(bounds), len(plan)), bounds, plan)
        kind, size = await self.answer()
        if kind != READY:
            raise _error(await self.read(size), "")

    def write(self, *parts: bytes) -> None:
        """What does not fit into the socket waits in memory: no more than the batches that it was given."""
        # Not `writelines`: on a connection that is lost, asyncio's own (since 3.12) leaves its socket with the
        # selector, and the next one of the same number is never read.
        for part in parts:
            self._writer.write(part)

    async def answer(self) -> tuple[bytes, int]:
        """What it is, and a number."""
        kind, number = ANSWER.unpack(await self.read(ANSWER.size))
        return kind, number

    async def read(self, size: int) -> bytes:
        """So many bytes. Raises EOFError when the process is gone."""
        return await self._reader.readexactly(size)

    async def stop(self) -> None:
        """The process ends when its socket does, or is killed."""
        self._writer.transport.abort()
        await self._ends_by_itself()
        await self.kill()

    async def kill(self) -> int:
        """At once, if it has not ended. Its exit code."""
        broke = self._reader.at_eof()
        self._writer.transport.abort()
        if broke:
            # It is about to end by itself, and how it does says why.
            await self._ends_by_itself()
        self.process.kill()
        # The kernel is on it.
        return self.process.wait()

    async def _ends_by_itself(self) -> None:
        """Waits for that, and not for long."""
        until = asyncio.get_running_loop().time() + _STOP_S
        # Portable, and rare: there is nothing that all systems would tell us by.
        while self.process.poll() is None and asyncio.get_running_loop().time() < until:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_EVERY_S)


def _environment(*, gpus: bool) -> dict[str, str]:
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    if gpus:
        passed |= {name: value for name, value in os.environ.items() if name.startswith(_OF_GPUS)}
    return passed | _ENVIRONMENT


def _head(picture: Picture) -> bytes:
    crop = picture.crop
    edges = (crop.left, crop.top, crop.right, crop.bottom)
    return PICTURE.pack(len(picture.data), picture.views, picture.regions, picture.ours, *edges)


def _error(body: bytes, field: str) -> VisrecError:
    """What the process answered, with the field of the request."""
    told = json.loads(body)
    kind, message, reason = told["kind"], told["message"], told["reason"]
    if kind in ("InvalidInput", "InvalidPicture"):
        at = field + told["field"].removeprefix("photo")
        return (InvalidPicture if kind == "InvalidPicture" else InvalidInput)(at, message, reason=reason)
    if kind == "Refused":
        return Refused(message, reason=reason)
    error = Internal("the photo could not be embedded")
    error.__cause__ = RuntimeError(message)
    return error


def _too_slow(picture: Picture, bounds: Bounds) -> InvalidPicture:
    message = f"decoding took longer than {bounds.seconds:g} s; send a smaller or simpler file"
    return InvalidPicture(f"{picture.field}.data", message)
