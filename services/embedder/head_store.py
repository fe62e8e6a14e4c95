"""Where given heads are kept, for every replica of a model and over restarts: the port, and one in memory for tests."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final

from services.errors import Conflict, Overloaded

MAX_HEADS: Final = 64
"""Of one model. Each that is in use holds memory in every replica."""

REMEMBERED_S: Final = 86_400
"""How long a request id is remembered."""


@dataclass(frozen=True)
class Entry:
    """A head as it is kept: the name of its space, and what `GivenHead` packs."""

    space: str
    about: bytes
    numbers: bytes


@dataclass(frozen=True)
class Receipt:
    """A request id and the digest of what it was sent with."""

    request_id: str
    fingerprint: str


class HeadStore(ABC):
    """The heads of one model. Safe to call from several threads; raises NotReady when it cannot be reached."""

    @abstractmethod
    def put(self, entry: Entry, receipt: Receipt | None) -> None:
        """Keeps the head; one that is there already stays as it was. The same request again does nothing. Returns when
        it is as durable as the store is.

        Raises Conflict when the request id was used with another payload, Overloaded when there are `MAX_HEADS`.
        """

    @abstractmethod
    def get(self, space: str) -> Entry | None:
        """The head of that space."""

    @abstractmethod
    def abouts(self) -> dict[str, bytes]:
        """Space -> what is kept about its head, without the numbers."""

    @abstractmethod
    def delete(self, space: str) -> bool:
        """Whether there was one."""

    @abstractmethod
    def close(self) -> None:
        """Gives back what it holds."""


class MemoryHeadStore(HeadStore):
    """For tests: it forgets with its process, and remembers request ids for ever."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._receipts: dict[str, str] = {}

    def put(self, entry: Entry, receipt: Receipt | None) -> None:
        if receipt and (known := self._receipts.get(receipt.request_id)):
            if known != receipt.fingerprint:
                raise reused()
            return
        if entry.space not in self._entries and len(self._entries) >= MAX_HEADS:
            raise full()
        self._entries.setdefault(entry.space, entry)
        if receipt:
            self._receipts[receipt.request_id] = receipt.fingerprint

    def get(self, space: str) -> Entry | None:
        return self._entries.get(space)

    def abouts(self) -> dict[str, bytes]:
        return {space: entry.about for space, entry in self._entries.items()}

    def delete(self, space: str) -> bool:
        return self._entries.pop(space, None) is not None

    def close(self) -> None:
        pass


def reused() -> Conflict:
    """The request id came before with something else."""
    return Conflict("this request_id was used with another payload", reason="REQUEST_ID_REUSED")


def full() -> Overloaded:
    """No further head is taken."""
    return Overloaded(
        f"there are {MAX_HEADS} heads of this model; delete one that no catalogue uses (DeleteHead)",
        retry_after_ms=60_000,
        reason="TOO_MANY_HEADS",
    )
