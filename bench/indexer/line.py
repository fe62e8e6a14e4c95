"""A connection that carries one call at a time: the smallest client of a protocol that is one.

Client libraries differ more than servers do, so what is compared is called over bare sockets: each call is bytes that
were made beforehand, and of an answer nothing is read but where it ends.
"""

from __future__ import annotations

import socket
from abc import ABC, abstractmethod

RECEIVE_BYTES = 65_536
TIMEOUT_S = 60.0


class CallFailed(Exception):
    """The server answered that it would not, or hung up."""


class Line(ABC):
    """Close it."""

    def __init__(self, address: str) -> None:
        """`address` is host:port."""
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        self.socket.close()

    def fileno(self) -> int:
        """For select and its like."""
        return self.socket.fileno()

    def send(self, call: bytes) -> None:
        """Makes the next call, as `body` of its protocol made it."""
        self.socket.sendall(self.framed(call))

    def receive(self) -> bytes | None:
        """Reads what there is, waiting for it; the answer once it is whole. Raises CallFailed."""
        data = self.socket.recv(RECEIVE_BYTES)
        if not data:
            raise CallFailed("the server hung up")
        return self.take(data)

    def call(self, call: bytes) -> bytes:
        """One call and its answer. Raises CallFailed."""
        self.send(call)
        while (answer := self.receive()) is None:
            pass
        return answer

    @abstractmethod
    def framed(self, call: bytes) -> bytes:
        """What is sent for a call."""

    @abstractmethod
    def take(self, data: bytes) -> bytes | None:
        """What came, in pieces of any size; the answer once it is whole. Raises CallFailed."""
