"""What callers give where the contract wants several words, or one of a few: taken as it is, or refused in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def several(given: Sequence[str], name: str) -> Sequence[str]:
    """The same words. Raises TypeError for a single text, whose letters would be taken for words."""
    if isinstance(given, str):
        raise TypeError(f"{name}: give a list of texts, such as [{given!r}], not a single one")
    return given


def among(given: str, known: Iterable[str], name: str) -> str:
    """The same word. Raises ValueError for one that is not among those known."""
    if given not in known:
        raise ValueError(f"{name}: {given!r} is none of {', '.join(known)}")
    return given
