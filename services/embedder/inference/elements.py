"""Raw tensors of BYTES, as Triton writes them: of each element its length, four bytes little-endian, then itself."""

from __future__ import annotations

from typing import Final

from services.errors import InvalidInput

_LENGTH_BYTES: Final = 4


def read_elements(raw: bytes, count: int, field: str) -> list[bytes]:
    """The `count` elements that `raw` has. Raises InvalidInput, naming `field`, when it has fewer, is cut short, or
    goes on behind them."""
    elements: list[bytes] = []
    at = 0
    while len(elements) < count:
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(raw[at:start], "little")
        if max(start, at) > len(raw):
            raise InvalidInput(
                field, f"{len(raw)} bytes end within element {len(elements)}, the shape says {count} elements"
            )
        elements.append(raw[start:at])
    if at < len(raw):
        raise InvalidInput(field, f"{len(raw) - at} bytes follow the last of the {count} elements that the shape says")
    return elements
