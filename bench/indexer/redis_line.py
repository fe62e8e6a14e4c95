"""The protocol of Redis (RESP2), as little of it as commands need whose answers are numbers, words or flat lists."""

from __future__ import annotations

from collections.abc import Sequence

from bench.indexer.line import CallFailed, Line

END = b"\r\n"


class RedisLine(Line):
    """An answer is its bytes, with what RESP puts around them; `words` takes it apart. Words hold no line ends."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self._come = b""

    def framed(self, call: bytes) -> bytes:
        return call

    def take(self, data: bytes) -> bytes | None:
        come = self._come = self._come + data
        if come[:1] == b"-" and come.endswith(END):
            raise CallFailed(come.decode(errors="replace").strip())
        if not come.endswith(END) or come.count(END) < _lines(come):
            return None
        self._come = b""
        return come


def _lines(answer: bytes) -> int:
    """How many there are once it is whole, by its first one."""
    kind = answer[:1]
    if kind == b"*":
        return 1 + 2 * max(0, int(answer[1 : answer.index(END)]))
    return 2 if kind == b"$" and not answer.startswith(b"$-1") else 1


def command(*words: bytes | str | float) -> bytes:
    """What a command is sent as."""
    encoded = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in encoded)


def words(answer: bytes) -> Sequence[bytes]:
    """Those of a list, in order."""
    return answer.split(END)[2::2] if answer.startswith(b"*") else []
