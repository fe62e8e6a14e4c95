"""Decoding in a process of its own, which is killed and replaced when a file is too much for it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from services.embedder.decoder import ANSWER, GO, PICTURE, READY, REQUEST, ROOM, Bounds, receive
from services.embedder.decoding import Decoder, Picture
from services.embedder.framing import Pixels
from services.embedder.room import PixelRoom
from services.errors import InvalidInput, InvalidPicture, NotReady

ROOT: Final = Path(__file__).resolve().parents[2]

START_S: Final = 30.0
"""A process that is not ready by then never will be."""

_PATIENCE: Final = 4
"""Times the processor time that a file may take, on a busy machine, before it is a hang."""

_STOP_S: Final = 2.0
_BUFFER_BYTES: Final = 1 << 20

_PASSED_ON: Final = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME", "SYSTEMROOT", "TZ")
"""What a Python needs to start. Not the settings: who breaks out of a decoder finds no password in its environment."""

_ENVIRONMENT: Final = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    # The memory of a large picture goes back to the system when it is done; that of a usual one is used again. Without
    # the second a third of a decode's time went to the system, for pages given back and asked for again.
    "MALLOC_MMAP_THRESHOLD_": "4194304",
    "MALLOC_TRIM_THRESHOLD_": "16777216",
    "MALLOC_ARENA_MAX": "1",
}

_KINDS: Final = {"InvalidInput": InvalidInput, "InvalidPicture": InvalidPicture}


class ProcessDecoder(Decoder):
    """Starts its process at once. What is decoded at a time by all decoders that share it is bounded by `room`."""

    def __init__(self, bounds: Bounds, room: PixelRoom) -> None:
        self._bounds = bounds
        self._room = room
        self._closed = False
        self._process, self._link = self._start()
        self._ready = False

    def read(self, picture: Picture, into: Pixels) -> None:
        """As the port says. A file that takes more than `bounds.seconds` of processor time, or four times that by the
        clock, is InvalidPicture, and so is one that a process dies of twice: the first time may have been somebody
        else's doing."""
        try:
            try:
                self._try(picture, into)
            except (EOFError, ConnectionError):
                self._replace()
                self._try(picture, into)
        except TimeoutError as problem:
            self._replace()
            message = f"decoding took longer than {self._bounds.seconds:g} s; send a smaller or simpler file"
            raise InvalidPicture(f"{picture.field}.data", message) from problem
        except (EOFError, ConnectionError) as problem:
            self._replace()
            message = "its decoder broke down on it; send it in another format"
            raise InvalidPicture(f"{picture.field}.data", message) from problem

    def close(self) -> None:
        self._closed = True
        self._link.close()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        """Of the process that decodes at present."""
        return self._process.pid

    def _start(self) -> tuple[subprocess.Popen[bytes], socket.socket]:
        ours, theirs = socket.socketpair()
        with theirs:
            for end in (ours, theirs):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
            # What Pillow would warn about is either refused or none of anybody's business.
            command = [sys.executable, "-W", "ignore", "-m", "services.embedder.decoder"]
            command += [str(theirs.fileno()), self._bounds.to_json()]
            environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | _ENVIRONMENT
            process = subprocess.Popen(
                command, pass_fds=[theirs.fileno()], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL
            )
        return process, ours

    def _await_ready(self) -> None:
        if self._ready:
            return
        self._link.settimeout(START_S)
        try:
            kind, _ = self._next_answer()
        except (EOFError, OSError) as problem:
            self._replace()
            raise NotReady("a process that decodes photos does not start", reason="DECODER_NOT_READY") from problem
        assert kind == READY
        self._ready = True

    def _replace(self) -> None:
        self._process.kill()
        self._process.wait()
        self._link.close()
        if self._closed:
            raise NotReady("the embedder is shutting down")
        self._process, self._link = self._start()
        self._ready = False

    def _try(self, picture: Picture, into: Pixels) -> None:
        """As `_ask`, but that a process which used up its processor time is too slow, and not broken."""
        try:
            self._ask(picture, into)
        except (EOFError, ConnectionError) as problem:
            with suppress(subprocess.TimeoutExpired):
                if self._process.wait(_STOP_S) == -signal.SIGXCPU:
                    raise TimeoutError from problem
            raise

    def _ask(self, picture: Picture, into: Pixels) -> None:
        """Raises TimeoutError, EOFError or ConnectionError when no answer comes, what the process answers otherwise."""
        self._await_ready()
        self._link.settimeout(_PATIENCE * self._bounds.seconds)
        crop = picture.crop
        edges = (crop.left, crop.top, crop.right, crop.bottom)
        self._link.sendall(REQUEST.pack(len(picture.data), into.shape[1], picture.views, *edges))
        self._link.sendall(picture.data)
        kind, number = self._next_answer()
        if kind != ROOM:
            self._take(kind, number, picture, into)
            return
        with self._room.held(number):
            self._link.sendall(GO)
            self._take(*self._next_answer(), picture, into)

    def _take(self, kind: bytes, size: int, picture: Picture, into: Pixels) -> None:
        if kind == PICTURE:
            assert size == into.nbytes
            receive(self._link, into.data.cast("B"))
            return
        body = bytearray(size)
        receive(self._link, memoryview(body))
        told = json.loads(body)
        field = picture.field + told["field"].removeprefix("photo")
        raise _KINDS[told["kind"]](field, told["description"], reason=told["reason"])

    def _next_answer(self) -> tuple[bytes, int]:
        head = bytearray(ANSWER.size)
        receive(self._link, memoryview(head))
        kind, number = ANSWER.unpack(head)
        return kind, number
