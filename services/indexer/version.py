"""Versions: how far a record has been written and an index has read, as a token for callers.

A partition's log numbers its entries with (milliseconds, sequence). A mark is such a position under an epoch, a random
id that changes when the record was restored from its own past: positions of two epochs are not comparable.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

from services.errors import InvalidInput

EPOCH_BYTES = 8

_FORMAT = 1
_HEADER = struct.Struct(">BH")
_MARK = struct.Struct(f">H{EPOCH_BYTES}sQQ")


class Position(NamedTuple):
    """Of a log entry; ordered."""

    milliseconds: int
    sequence: int

    def __str__(self) -> str:
        return f"{self.milliseconds}-{self.sequence}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """`milliseconds-sequence`."""
        milliseconds, _, sequence = text.partition("-")
        return cls(int(milliseconds), int(sequence))


@dataclass(frozen=True)
class Mark:
    """A position of one partition. `epoch`: 8 random bytes."""

    epoch: bytes
    position: Position


@dataclass(frozen=True)
class Version:
    """One mark for each partition; None: nothing of that partition is promised, or asked for."""

    marks: tuple[Mark | None, ...]

    @classmethod
    def nothing(cls, partitions: int) -> Self:
        """Contained in every version."""
        return cls((None,) * partitions)

    def reaching(self, partition: int, mark: Mark) -> Version:
        """The same version with one partition's mark replaced."""
        return Version((*self.marks[:partition], mark, *self.marks[partition + 1 :]))

    def contains(self, other: Version) -> bool:
        """Whether everything `other` promises has been reached."""
        return all(
            theirs is None or _reached(ours, theirs) for ours, theirs in zip(self.marks, other.marks, strict=True)
        )

    def encode(self) -> str:
        """The opaque token, of letters that need no quoting anywhere."""
        return self._token

    @cached_property
    def _token(self) -> str:
        marks = [
            _MARK.pack(partition, mark.epoch, *mark.position)
            for partition, mark in enumerate(self.marks)
            if mark is not None
        ]
        return base64.urlsafe_b64encode(_HEADER.pack(_FORMAT, len(self.marks)) + b"".join(marks)).decode()

    @classmethod
    def decode(cls, token: str, partitions: int, at: str) -> Version:
        """The version of a token for a catalogue of so many partitions; an empty token asks for nothing.

        Raises InvalidInput, naming `at`, for what `encode` never made.
        """
        if not token:
            return Version.nothing(partitions)
        # The length first: a token may be as long as a message, and reading it must cost nothing then.
        if len(token) <= _longest(partitions):
            with suppress(ValueError, IndexError, struct.error):
                version = cls._read(token, partitions)
                if version.encode() == token:
                    return version
        raise InvalidInput(at, "is not a version of this catalogue")

    @classmethod
    def _read(cls, token: str, partitions: int) -> Version:
        marks: list[Mark | None] = [None] * partitions
        data = base64.urlsafe_b64decode(token.encode("ascii"))
        for partition, epoch, milliseconds, sequence in _MARK.iter_unpack(data[_HEADER.size :]):
            marks[partition] = Mark(epoch, Position(milliseconds, sequence))
        return Version(tuple(marks))


def earliest(marks: Sequence[Mark | None]) -> Mark | None:
    """The one that all of them have reached; None when one is missing, or is of another epoch."""
    known = [mark for mark in marks if mark is not None]
    if len(known) < len(marks) or len({mark.epoch for mark in known}) != 1:
        return None
    return min(known, key=lambda mark: mark.position)


def _longest(partitions: int) -> int:
    """Letters of a token with every mark; base64 makes four of three bytes."""
    return -(-(_HEADER.size + partitions * _MARK.size) // 3) * 4


def _reached(ours: Mark | None, theirs: Mark) -> bool:
    return ours is not None and ours.epoch == theirs.epoch and ours.position >= theirs.position
