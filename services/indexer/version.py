"""Versions: how far a record has been written and an index has read, as a token for callers.

A partition's log numbers its entries with (milliseconds, sequence). A mark is such a position under an epoch, a random
id that changes when the record was restored from its own past: positions of two epochs are not comparable.
"""

from __future__ import annotations

import base64
import binascii
import struct
from dataclasses import dataclass
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
        version = Version.nothing(partitions)
        if not token:
            return version
        try:
            data = base64.urlsafe_b64decode(token.encode("ascii"))
            expected = (_FORMAT, partitions) == _HEADER.unpack_from(data)
            for partition, epoch, milliseconds, sequence in _MARK.iter_unpack(data[_HEADER.size :]) if expected else ():
                version = version.reaching(partition, Mark(epoch, Position(milliseconds, sequence)))
        except (ValueError, binascii.Error, struct.error):
            expected = False
        if not expected or len(version.marks) != partitions:
            raise InvalidInput(at, "is not a version of this catalogue")
        return version


def _reached(ours: Mark | None, theirs: Mark) -> bool:
    return ours is not None and ours.epoch == theirs.epoch and ours.position >= theirs.position
