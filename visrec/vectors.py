"""Vectors between Python numbers and the contract's bytes."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from visrec.v1 import common_pb2


@dataclass(frozen=True)
class Vector:
    """A point of the space of that name, as Python floats; they are sent as float32."""

    space: str
    numbers: Sequence[float]

    def message(self) -> common_pb2.Vector:
        return common_pb2.Vector(space=self.space, data=struct.pack(f"<{len(self.numbers)}f", *self.numbers))

    @classmethod
    def from_message(cls, message: common_pb2.Vector) -> Vector:
        """Raises struct.error when the bytes are not whole float32 numbers."""
        return cls(message.space, struct.unpack(f"<{len(message.data) // 4}f", message.data))
