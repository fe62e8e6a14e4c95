"""gRPC over HTTP/2 (RFC 9113), as little of it as one unary call at a time needs."""

from __future__ import annotations

import struct

from bench.indexer.line import CallFailed, Line

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, END_HEADERS, ACK, PADDED = 1, 4, 1, 8
HEAD_BYTES = 9
LARGEST_FRAME = 16_384
GREATEST_WINDOW = 2**31 - 1
FIRST_WINDOW = 65_535
INITIAL_WINDOW_SIZE = 4

# HPACK (RFC 7541): the static table has POST as entry 3, http as 6 and the names :authority and :path as 1 and 4. What
# is sent as "literal with incremental indexing" is entry 62 of the next call, and what came before it one more.
POST_HTTP = b"\x83\x86"
KEPT = 0x40
AGAIN = POST_HTTP + bytes(0x80 | entry for entry in (65, 64, 63, 62))


class GrpcLine(Line):
    """`method` is /package.Service/Method. An answer without a message is one that failed: gRPC says why in trailers,
    which are not read."""

    def __init__(self, address: str, method: str) -> None:
        super().__init__(address)
        self._first = _first_headers(address, method)
        self._stream = -1
        self._window = FIRST_WINDOW
        self._come = bytearray()
        self._message = bytearray()
        settings = struct.pack(">HI", INITIAL_WINDOW_SIZE, GREATEST_WINDOW)
        wider = struct.pack(">I", GREATEST_WINDOW - FIRST_WINDOW)
        self.socket.sendall(PREFACE + frame(SETTINGS, 0, 0, settings) + frame(WINDOW_UPDATE, 0, 0, wider))

    def framed(self, call: bytes) -> bytes:
        # The window is 64 KB at first and the server widens it as it reads: with one call at a time it stays open.
        if len(call) > self._window:
            raise CallFailed(f"a request of {len(call)} bytes does not fit into the window of {self._window}")
        self._window -= len(call)
        headers = AGAIN if self._stream > 0 else self._first
        self._stream += 2
        parts = [frame(HEADERS, END_HEADERS, self._stream, headers)]
        for at in range(0, len(call), LARGEST_FRAME):
            piece = call[at : at + LARGEST_FRAME]
            parts.append(frame(DATA, END_STREAM if at + len(piece) == len(call) else 0, self._stream, piece))
        return b"".join(parts)

    def take(self, data: bytes) -> bytes | None:
        self._come += data
        come, at, answer = self._come, 0, None
        while len(come) - at >= HEAD_BYTES:
            end = at + HEAD_BYTES + int.from_bytes(come[at : at + 3], "big")
            if len(come) < end:
                break
            if self._frame(come[at + 3], come[at + 4], bytes(come[at + 5 : end])):
                answer = self._answer()
            at = end
        del come[:at]
        return answer

    def _frame(self, kind: int, flags: int, rest: bytes) -> bool:
        """`rest`: the stream's number and the payload. True: the answer is whole."""
        payload = rest[4:]
        if kind == DATA:
            if flags & PADDED:
                raise CallFailed("padded frames are not understood")
            self._message += payload
        if kind in (DATA, HEADERS):
            return bool(flags & END_STREAM)
        if kind in (SETTINGS, PING) and not flags & ACK:
            self.socket.sendall(frame(kind, ACK, 0, payload if kind == PING else b""))
        elif kind == WINDOW_UPDATE and rest[:4] == bytes(4):
            self._window += int.from_bytes(payload, "big")
        elif kind == GOAWAY or (kind == RST_STREAM and payload != bytes(4)):
            raise CallFailed(f"the server broke off ({payload[-64:]!r})")
        return False

    def _answer(self) -> bytes:
        message, self._message = bytes(self._message[5:]), bytearray()
        if not message:
            raise CallFailed("a call was answered with an error instead of a message")
        return message


def body(message: bytes) -> bytes:
    """A serialised request as gRPC frames it: not compressed, and its length."""
    return b"\0" + len(message).to_bytes(4, "big") + message


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """One of HTTP/2."""
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def _first_headers(address: str, method: str) -> bytes:
    """In the order that AGAIN refers to."""
    named = _kept(4, b"", method.encode()) + _kept(1, b"", address.encode())
    return POST_HTTP + named + _kept(0, b"te", b"trailers") + _kept(0, b"content-type", b"application/grpc")


def _kept(entry: int, name: bytes, value: bytes) -> bytes:
    return bytes((KEPT | entry,)) + (_string(name) if entry == 0 else b"") + _string(value)


def _string(text: bytes) -> bytes:
    """Without Huffman's code; at most 126 bytes, which need no longer length."""
    assert len(text) < 127
    return bytes((len(text),)) + text
