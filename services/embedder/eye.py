"""The process that decodes and looks: `python -m services.embedder.eye SOCKET`, started by `sight_process`.

It knows files and one network and nothing else: no settings, no secrets, no other service. Whatever a file does to it,
it can be killed and replaced. It bounds itself as well: its memory, its processor time for a file (so that an orphan
ends), and what it may write, which is nothing. It ends when its socket does.

Frames, little-endian. Once: START and the bounds and the plan of the network; READY, or REFUSED and a JSON object.
Then requests: COUNT of pictures and, for each, PICTURE and its file. Each is answered by as many answers, SEEN and its
numbers or REFUSED and a JSON object. Before, large pictures ask for ROOM, and go on at GO.
"""

from __future__ import annotations

import json
import resource
import signal
import socket
import struct
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from services.embedder.framing import Box
from services.embedder.images import Limits, prepare_process
from services.embedder.network import Network
from services.embedder.plan import unpack
from services.embedder.seen import Seen
from services.embedder.sight import Outcome, Picture, Sighting, look_at
from services.errors import InvalidInput, VisrecError

START: Final = struct.Struct("<QQ")
"""Bytes of the bounds and of the plan."""

COUNT: Final = struct.Struct("<I")
PICTURE: Final = struct.Struct("<QB??4d")
"""Bytes of the file, views, whether with regions and whether it is ours, and the four edges of the crop."""

ANSWER: Final = struct.Struct("<cQ")
"""What it is, and a number: bytes that follow, or the pixels that room is asked for."""

NUMBERS: Final = struct.Struct("<4I2f")
"""Of what was seen: features, numbers of the own blocks, rows and columns of regions, milliseconds of decoding and of
the network."""

READY, ROOM, SEEN, REFUSED = b"R", b"A", b"S", b"E"
GO: Final = b"G"

SMALL_PIXELS: Final = 4_000_000
"""Pictures of up to so many pixels, 16 MB, are decoded without asking for room: most are, and a question costs time."""

_OPEN_FILES: Final = 64
_SPARE_CPU_S: Final = 1
"""The limit is in whole seconds."""


@dataclass(frozen=True)
class Bounds:
    """What a process may read and use: `memory_bytes` beyond what it has when the network is open, None for any;
    `seconds` of processor time to decode one file."""

    limits: Limits
    memory_bytes: int | None
    seconds: float

    def pack(self) -> bytes:
        """For `unpack`, in another process."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def unpack(cls, data: bytes) -> Bounds:
        """What `pack` wrote."""
        read = json.loads(data)
        limits = read.pop("limits")
        return cls(Limits(**{**limits, "formats": tuple(limits["formats"])}), **read)


class _AskedRoom:
    """Room that the parent keeps, for all its processes together."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link

    @contextmanager
    def held(self, pixels: int) -> Iterator[None]:
        """As `Room` says."""
        if pixels > SMALL_PIXELS:
            self._link.sendall(ANSWER.pack(ROOM, pixels))
            take(self._link, len(GO))
        yield


def take(link: socket.socket, size: int) -> bytearray:
    """So many bytes. Raises EOFError when the other side is gone, and what the socket raises."""
    data = bytearray(size)
    left = memoryview(data)
    while left:
        count = link.recv_into(left)
        if not count:
            raise EOFError
        left = left[count:]
    return data


def serve(link: socket.socket, network: Network, bounds: Bounds) -> None:
    """Answers requests until the parent is gone."""
    room = _AskedRoom(link)
    while True:
        (count,) = COUNT.unpack(take(link, COUNT.size))
        pictures = [_picture(link) for _ in range(count)]
        for outcome in _look(pictures, network, bounds, room):
            _answer(link, outcome)


def _picture(link: socket.socket) -> Picture:
    size, views, regions, ours, *edges = PICTURE.unpack(take(link, PICTURE.size))
    return Picture(bytes(take(link, size)), Box(*edges), views, regions, ours)


def _look(pictures: Sequence[Picture], network: Network, bounds: Bounds, room: _AskedRoom) -> list[Outcome]:
    """A network that fails must not cost the process, nor the others what fails by one, such as memory."""
    try:
        return look_at(
            pictures, network, bounds.limits, room, lambda begins: _allow_cpu(bounds.seconds if begins else 0)
        )
    except Exception as problem:  # noqa: BLE001 - as above
        if len(pictures) > 1:
            return [outcome for picture in pictures for outcome in _look([picture], network, bounds, room)]
        return [VisrecError(f"{type(problem).__name__}: {problem}", reason="INTERNAL")]


def _answer(link: socket.socket, outcome: Outcome) -> None:
    if isinstance(outcome, Sighting):
        _send(link, SEEN, pack_sighting(outcome))
    else:
        _refuse(link, outcome)


def pack_sighting(sighting: Sighting) -> list[Any]:
    """Buffers: NUMBERS, the features, the own blocks in their order, the regions if there are any."""
    seen = sighting.seen
    own = np.concatenate([block[0] for block in seen.own.values()]) if seen.own else np.empty(0, np.float32)
    rows, columns = (0, 0) if seen.maps is None else seen.maps.shape[2:]
    head = NUMBERS.pack(seen.features.shape[1], len(own), rows, columns, sighting.decode_ms, sighting.network_ms)
    regions = [] if seen.maps is None else [np.ascontiguousarray(seen.maps).data.cast("B")]
    return [head, np.ascontiguousarray(seen.features).data.cast("B"), own.data.cast("B"), *regions]


def unpack_sighting(data: bytes, own_blocks: dict[str, int]) -> Sighting:
    """What `pack_sighting` packed, for a network with those blocks of its own, in their order."""
    features, own, rows, columns, decode_ms, network_ms = NUMBERS.unpack_from(data)
    values = np.frombuffer(data, dtype="<f4", offset=NUMBERS.size)
    blocks, end = {}, features
    for name, dimension in own_blocks.items():
        blocks[name] = values[None, end : end + dimension]
        end += dimension
    maps = values[features + own :].reshape(1, features, rows, columns) if rows else None
    return Sighting(Seen(values[None, :features], blocks, maps), decode_ms, network_ms)


def _refuse(link: socket.socket, problem: VisrecError) -> None:
    told = {"kind": type(problem).__name__, "message": problem.message, "reason": problem.reason}
    if isinstance(problem, InvalidInput):
        told |= {"field": problem.field, "message": problem.description}
    _send(link, REFUSED, [json.dumps(told).encode()])


def _send(link: socket.socket, kind: bytes, body: list[Any]) -> None:
    """Usually by one call of the system, and without joining what may be large."""
    size = sum(len(part) for part in body)
    buffers = [ANSWER.pack(kind, size), *body]
    sent = link.sendmsg(buffers)
    if sent < ANSWER.size + size:
        link.sendall(b"".join(buffers)[sent:])


def _confine(bounds: Bounds) -> None:
    """Decoders are loaded first: they need files and memory of their own."""
    prepare_process(bounds.limits)
    if bounds.memory_bytes is not None:
        _limit(resource.RLIMIT_AS, _address_space() + bounds.memory_bytes)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES)


def _limit(what: int, value: int) -> None:
    """Both soft and hard, where the system has such limits and the value is below the hard one."""
    with suppress(ValueError, OSError):
        resource.setrlimit(what, (value, value))


def _allow_cpu(seconds: float) -> None:
    """From now on; 0 for any. The kernel ends the process beyond that, also when its parent has died."""
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    allowed = hard
    if seconds:
        used = resource.getrusage(resource.RUSAGE_SELF)
        allowed = int(used.ru_utime + used.ru_stime + seconds) + _SPARE_CPU_S
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (allowed, hard))


def _address_space() -> int:
    """Bytes in use now; elsewhere than on Linux, where the limit counts for little, a guess."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[0]) * resource.getpagesize() if status.exists() else 1 << 30


def main(arguments: list[str]) -> None:
    """Serves the socket of the given number. Ctrl-C and what stops a whole group of processes are the parent's
    business, which closes the socket when all that is under way is done."""
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, signal.SIG_IGN)
    with socket.socket(fileno=int(arguments[0])) as link, suppress(EOFError, ConnectionError):
        bounds_size, plan_size = START.unpack(take(link, START.size))
        bounds = Bounds.unpack(bytes(take(link, bounds_size)))
        try:
            # Nothing keeps the plan: onnxruntime has what it needs of the graph.
            network = unpack(bytes(take(link, plan_size))).open()
        except VisrecError as problem:
            _refuse(link, problem)
            return
        _confine(bounds)
        link.sendall(ANSWER.pack(READY, 0))
        serve(link, network, bounds)


if __name__ == "__main__":
    main(sys.argv[1:])
