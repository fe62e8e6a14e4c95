"""Replies of Redis out of the bytes that come, in the form of
https://redis.io/docs/latest/develop/reference/protocol-spec/, version 2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from redis import exceptions

Reply: TypeAlias = Any
"""bytes, int, None, a list of replies, or a ResponseError for what was refused."""

_Found: TypeAlias = tuple[Reply, int] | None
"""A reply and where the next begins; None while it is not there as a whole."""


class Replies:
    """Takes bytes as they come. Raises InvalidResponse for what is no reply."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Reply]:
        """All replies that are complete now."""
        buffer = self._rest + data if self._rest else data
        at, found = 0, []
        while at < len(buffer):
            read = _read(buffer, at)
            if read is None:
                break
            reply, at = read
            found.append(reply)
        self._rest = buffer[at:]
        return found


def _read(buffer: bytes, at: int) -> _Found:
    end = buffer.find(b"\r\n", at)
    if end < 0:
        return None
    kind = _KINDS.get(buffer[at])
    if kind is None:
        raise exceptions.InvalidResponse("this is no Redis")
    return kind(buffer, buffer[at + 1 : end], end + 2)


def _text(_: bytes, line: bytes, after: int) -> _Found:
    return line, after


def _number(_: bytes, line: bytes, after: int) -> _Found:
    return int(line), after


def _refusal(_: bytes, line: bytes, after: int) -> _Found:
    told = line.decode(errors="replace")
    kind = exceptions.NoPermissionError if told.startswith("NOPERM") else exceptions.ResponseError
    return kind(told), after


def _bulk(buffer: bytes, line: bytes, after: int) -> _Found:
    size = int(line)
    if size < 0:
        return None, after
    end = after + size
    return (buffer[after:end], end + 2) if len(buffer) >= end + 2 else None


def _list(buffer: bytes, line: bytes, after: int) -> _Found:
    if int(line) < 0:
        return None, after
    told = []
    for _ in range(int(line)):
        read = _read(buffer, after)
        if read is None:
            return None
        reply, after = read
        told.append(reply)
    return told, after


_KINDS: dict[int, Callable[[bytes, bytes, int], _Found]] = {
    ord("+"): _text,
    ord(":"): _number,
    ord("-"): _refusal,
    ord("$"): _bulk,
    ord("*"): _list,
}
