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
from contextlib import suppress
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
_BUFFER_BYTES: Final = 1 << 20

_PASSED_ON: Final = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME", "SYSTEMROOT", "TZ")
"""What a Python needs to start. Not the settings: who breaks out of a decoder finds no password in its environment."""

_ENVIRONMENT: Final = {
    # One process a processor is all the parallelism there is; the network's own threads are the plan's.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}

_BROKEN: Final = (EOFError, ConnectionError)


class ProcessSight(Sight):
    """Starts its process when it is first used, or made `ready`. `own_blocks` are those of the network, in their order.
    What is decoded at a time by all processes that share it is bounded by `room`."""

    def __init__(self, plan: Plan, own_blocks: Mapping[str, int], bounds: Bounds, room: PixelRoom) -> None:
        self._plan = plan
        self._own_blocks = dict(own_blocks)
        self._bounds = bounds
        self._room = room
        self._running: _Running | None = None
        self._closed = False

    async def see(self, pictures: Sequence[Picture]) -> list[Outcome]:
        """As the port says. A file that takes more than `bounds.seconds` of processor time, or four times that by the
        clock, is InvalidPicture, and so is one that a process dies of twice: the first time may have been somebody
        else's doing. Pictures that share a request with such a one are asked about again, each alone."""
        try:
            return await self._ask(pictures)
        except (TimeoutError, *_BROKEN) as problem:
            slow = await self._end(problem)
        if len(pictures) > 1:
            return [(await self.see([picture]))[0] for picture in pictures]
        return [_too_slow(pictures[0], self._bounds) if slow else await self._once_more(pictures[0])]

    async def ready(self) -> None:
        """Returns when the network is open. Raises NotReady when that takes too long or the process ends, Refused when
        the network is not as the plan says."""
        await self._open()

    async def close(self) -> None:
        self._closed = True
        if self._running:
            await self._running.stop()

    @property
    def pid(self) -> int:
        """Of the process that looks at present; 0 when there is none."""
        return self._running.process.pid if self._running else 0

    async def _open(self) -> _Running:
        if self._running:
            return self._running
        if self._closed:
            raise NotReady("the embedder is shutting down")
        running = await _Running.start()
        try:
            async with asyncio.timeout(START_S):
                await running.introduce(self._bounds.pack(), self._plan.pack())
        except BaseException as problem:
            await running.kill()
            if isinstance(problem, EOFError | OSError):
                raise NotReady("a process of the embedder does not start", reason="EYE_NOT_READY") from problem
            raise
        self._running = running
        return running

    async def _end(self, problem: Exception) -> bool:
        """Kills the process. Whether it took too long, by the clock or by what the kernel counted, or else broke."""
        running, self._running = self._running, None
        code = await running.kill() if running else None
        return isinstance(problem, TimeoutError) or code == -signal.SIGXCPU

    async def _once_more(self, picture: Picture) -> Outcome:
        try:
            return (await self._ask([picture]))[0]
        except (TimeoutError, *_BROKEN) as problem:
            if await self._end(problem):
                return _too_slow(picture, self._bounds)
            message = "the process that decoded it broke down twice; send it in another format"
            return InvalidPicture(f"{picture.field}.data", message)

    async def _ask(self, pictures: Sequence[Picture]) -> list[Outcome]:
        """Raises TimeoutError, EOFError or ConnectionError when no answer comes."""
        running = await self._open()
        async with asyncio.timeout(_PATIENCE * self._bounds.seconds * len(pictures)) as patience:
            running.write(COUNT.pack(len(pictures)))
            for picture in pictures:
                running.write(_head(picture), picture.data)
            kind, number = await running.answer()
            while kind == ROOM:
                # Waiting for others is not this picture's doing.
                left_s, now = patience.when() or 0.0, asyncio.get_running_loop().time
                left_s -= now()
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


class _Running:
    """A process, and the way to it."""

    def __init__(
        self, process: subprocess.Popen[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.process = process
        self._reader = reader
        self._writer = writer

    @classmethod
    async def start(cls) -> _Running:
        ours, theirs = socket.socketpair()
        with theirs:
            for end in (ours, theirs):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
            # What Pillow would warn about is either refused or none of anybody's business.
            command = [sys.executable, "-W", "ignore", "-m", "services.embedder.eye", str(theirs.fileno())]
            environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | _ENVIRONMENT
            process = await asyncio.to_thread(
                subprocess.Popen,
                command,
                pass_fds=[theirs.fileno()],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
            )
        return cls(process, *await asyncio.open_connection(sock=ours, limit=_BUFFER_BYTES))

    async def introduce(self, bounds: bytes, plan: bytes) -> None:
        """Returns when the network is open. Raises what the process refuses with."""
        self.write(START.pack(len(bounds), len(plan)), bounds, plan)
        kind, size = await self.answer()
        if kind != READY:
            raise _error(await self.read(size), "")

    def write(self, *parts: bytes) -> None:
        """What does not fit into the socket waits in memory: no more than a batch, which is there already."""
        self._writer.writelines(parts)

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
        with suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(self.process.wait, _STOP_S)
        await self.kill()

    async def kill(self) -> int:
        """At once, if it has not ended. Its exit code."""
        self._writer.transport.abort()
        with suppress(subprocess.TimeoutExpired):
            # One whose socket broke is about to end by itself, and how says why.
            if self._reader.at_eof():
                await asyncio.to_thread(self.process.wait, _STOP_S)
        self.process.kill()
        return await asyncio.to_thread(self.process.wait)


def _head(picture: Picture) -> bytes:
    crop = picture.crop
    edges = (crop.left, crop.top, crop.right, crop.bottom)
    return PICTURE.pack(len(picture.data), picture.views, picture.regions, *edges)


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
