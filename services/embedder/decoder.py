"""The process that decodes: `python -m services.embedder.decoder SOCKET LIMITS`, started by `decoding_process`.

It knows files and nothing else: no network, no settings, no secrets. Whatever a file does to it, it can be killed and
replaced. It bounds itself as well: its memory, its processor time for a file (so that an orphan ends), and what it may
write, which is nothing. It ends when its socket does.

Frames, little-endian. A request is REQUEST and the file. It is answered by ROOM (pixels), to which GO is replied, if it
is large, and then by PICTURE and the pixels of its views, or by REFUSED and a JSON object. READY comes once, first.
"""

from __future__ import annotations

import json
import resource
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from services.embedder.framing import Box, Pixels
from services.embedder.images import Limits, prepare_process, read_views
from services.embedder.room import PixelRoom
from services.errors import InvalidInput

REQUEST: Final = struct.Struct("<QIB4d")
"""Bytes of the file, side in pixels, views, and the four edges of the crop."""

ANSWER: Final = struct.Struct("<cQ")
"""What it is, and a number: bytes that follow, or the pixels that room is asked for."""

READY, ROOM, PICTURE, REFUSED = b"R", b"A", b"P", b"E"
GO: Final = b"G"

SMALL_PIXELS: Final = 4_000_000
"""Pictures of up to so many pixels, 16 MB, are decoded without asking for room: most are, and a question costs time."""

_OPEN_FILES: Final = 32
_SPARE_CPU_S: Final = 1
"""The limit is in whole seconds."""


@dataclass(frozen=True)
class Bounds:
    """What a decoder may read and use: `memory_bytes` beyond what it has at the start, `seconds` for one file."""

    limits: Limits
    memory_bytes: int
    seconds: float

    def to_json(self) -> str:
        """For the command line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Bounds:
        """What `to_json` wrote."""
        read = json.loads(text)
        limits = read.pop("limits")
        return cls(Limits(**{**limits, "formats": tuple(limits["formats"])}), **read)


class _AskedRoom(PixelRoom):
    """Room that the parent keeps, for all its decoders together."""

    def __init__(self, link: socket.socket) -> None:
        super().__init__(0)
        self._link = link

    @contextmanager
    def held(self, pixels: int) -> Iterator[None]:
        if pixels > SMALL_PIXELS:
            self._link.sendall(ANSWER.pack(ROOM, pixels))
            receive(self._link, memoryview(bytearray(len(GO))))
        yield


def receive(link: socket.socket, into: memoryview) -> None:
    """Fills `into`. Raises EOFError when the other side is gone, and what the socket raises."""
    while into:
        count = link.recv_into(into)
        if not count:
            raise EOFError
        into = into[count:]


def serve(link: socket.socket, bounds: Bounds) -> None:
    """Answers requests until the parent is gone."""
    room = _AskedRoom(link)
    link.sendall(ANSWER.pack(READY, 0))
    header = memoryview(bytearray(REQUEST.size))
    with suppress(EOFError, ConnectionError):
        while True:
            receive(link, header)
            size, side, views, *edges = REQUEST.unpack(header)
            data = bytearray(size)
            receive(link, memoryview(data))
            _allow_cpu(bounds.seconds)
            found: Pixels | InvalidInput
            try:
                found = read_views(bytes(data), side, views=views, crop=Box(*edges), limits=bounds.limits, room=room)
            except InvalidInput as problem:
                found = problem
            _answer(link, found)


def _answer(link: socket.socket, found: Pixels | InvalidInput) -> None:
    if isinstance(found, InvalidInput):
        told: dict[str, Any] = {
            "kind": type(found).__name__,
            "field": found.field,
            "description": found.description,
            "reason": found.reason,
        }
        body = json.dumps(told).encode()
        link.sendall(ANSWER.pack(REFUSED, len(body)) + body)
        return
    head = ANSWER.pack(PICTURE, found.nbytes)
    sent = link.sendmsg([head, found.data])
    if sent < len(head) + found.nbytes:
        link.sendall(found.data.cast("B")[max(0, sent - len(head)) :])


def _confine(bounds: Bounds) -> None:
    """Decoders are loaded first: they need files and memory of their own."""
    prepare_process(bounds.limits)
    limit(resource.RLIMIT_AS, _address_space() + bounds.memory_bytes)
    limit(resource.RLIMIT_FSIZE, 0)
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_NOFILE, _OPEN_FILES)


def limit(what: int, value: int) -> None:
    """Sets both the soft and the hard limit, where the system has such limits and the value is below the hard one."""
    with suppress(ValueError, OSError):
        resource.setrlimit(what, (value, value))


def _allow_cpu(seconds: float) -> None:
    """From now on. The kernel ends the process beyond that, also when its parent has died."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    allowed = int(used.ru_utime + used.ru_stime + seconds) + _SPARE_CPU_S
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (allowed, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _address_space() -> int:
    """Bytes in use now; elsewhere than on Linux, where the limit counts for little, a guess."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[0]) * resource.getpagesize() if status.exists() else 1 << 30


def main(arguments: list[str]) -> None:
    """Serves the socket of the given number."""
    number, bounds = int(arguments[0]), Bounds.from_json(arguments[1])
    with socket.socket(fileno=number) as link:
        _confine(bounds)
        serve(link, bounds)


if __name__ == "__main__":
    main(sys.argv[1:])
