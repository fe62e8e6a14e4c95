"""A vector as a caller sent it."""

from __future__ import annotations

from dataclasses import dataclass

from services.errors import InvalidInput, SpaceMismatch
from services.spaces import Float16, Space, canonical


@dataclass(frozen=True)
class GivenVector:
    """`data` is little-endian float32 of the space named."""

    space: str
    data: bytes

    def decoded(self, space: Space, at: str) -> Float16:
        """(D,) canonical float16, each block of unit norm. Raises SpaceMismatch when it is of another space,
        InvalidInput, naming the field, when it is left out or none."""
        if not (self.space or self.data):
            raise InvalidInput(at, "is required")
        if not self.space:
            raise InvalidInput(f"{at}.space", "is required")
        if self.space != space.name:
            raise SpaceMismatch(expected=space.name, given=self.space, field=at)
        return canonical(space.decode(self.data, f"{at}.data"))
