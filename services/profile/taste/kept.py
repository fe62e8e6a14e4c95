"""A taste as it is kept beside the events it came from, with what tells whether it still holds.

Nearly every look at a person finds a taste that holds and has only to pass it on. So it is kept as the caller will be
told it, as bytes that are made and read by `Forms`, behind a line that says what it was folded from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.profile.collaborative.placing import Collaborative
from services.profile.taste.liking import Taste

FORMAT = b"4"
"""First byte of a packed taste; one of another format is folded anew, for it is derived."""


@dataclass(frozen=True)
class KeptTaste:
    """`stamp` of the events and `recipe` of the rules it was folded from: it holds while neither changes. `waiting`:
    events that were left out because their items could not be looked up. `segment`: as it is filed."""

    stamp: str
    recipe: str
    taste: Taste
    waiting: int = 0
    segment: str = ""
    collaborative: Collaborative | None = None


NOTHING = KeptTaste("", "", Taste())


@dataclass(frozen=True, slots=True)
class Sealed:
    """`content`: all of a taste, not read; `space`: that of its interests. The rest as of a `KeptTaste`."""

    stamp: str
    recipe: str
    space: str
    waiting: int
    content: bytes


@dataclass(frozen=True)
class Forms:
    """How a taste is written, and read again: but for stamp and recipe, which are not in the content."""

    write: Callable[[KeptTaste], bytes]
    read: Callable[[bytes], KeptTaste]

    def seal(self, kept: KeptTaste) -> Sealed:
        """As it will be kept."""
        return Sealed(kept.stamp, kept.recipe, kept.taste.space, kept.waiting, self.write(kept))


def pack(sealed: Sealed) -> bytes:
    """Format, stamp, recipe, space and waiting, each to the end of a line, then the content."""
    words = (sealed.stamp, sealed.recipe, sealed.space, str(sealed.waiting))
    return FORMAT + "\n".join(words).encode() + b"\n" + sealed.content


def unpack(data: bytes) -> Sealed | None:
    """The inverse of `pack`; None for another format."""
    if data[:1] != FORMAT:
        return None
    stamp, recipe, space, waiting, content = data[1:].split(b"\n", 4)
    return Sealed(stamp.decode(), recipe.decode(), space.decode(), int(waiting), content)


def unpack_if(data: bytes, stamp: str, recipe: str) -> Sealed | None:
    """The same if it was folded from these, else None."""
    begin = b"%b%b\n%b\n" % (FORMAT, stamp.encode(), recipe.encode())
    if not data.startswith(begin):
        return None
    space, waiting, content = data[len(begin) :].split(b"\n", 2)
    return Sealed(stamp, recipe, space.decode(), int(waiting), content)
