"""One file that was made to hurt, and what has to happen to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Make = Callable[[], bytes]


@dataclass(frozen=True)
class Case:
    """`make` builds the file when it is needed: some are large. `refused`: it must be; otherwise it may be read.
    `slow`: where nothing ends it, reading it takes tens of seconds or more."""

    make: Make
    refused: bool = False
    slow: bool = False


def refused(make: Make) -> Case:
    """No picture comes of this."""
    return Case(make, refused=True)


def either(make: Make) -> Case:
    """It may be read, or refused."""
    return Case(make)


def slow(make: Make) -> Case:
    """As `either`, when there is time."""
    return Case(make, slow=True)
