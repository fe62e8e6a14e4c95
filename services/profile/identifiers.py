"""The words by which callers name things: people, events, items, catalogues."""

from __future__ import annotations

import re

from services.errors import InvalidInput

MAX_LETTERS = 128

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_CATALOGUE = re.compile(r"[a-z][a-z0-9_-]{0,47}")


def identifier(value: str, field: str) -> str:
    """An id, 1 to 128 letters without control characters. Raises InvalidInput naming `field`."""
    if not value:
        raise InvalidInput(field, "is required")
    return text(value, field, MAX_LETTERS)


def text(value: str, field: str, max_letters: int) -> str:
    """At most `max_letters`, possibly none, without control characters. Raises InvalidInput naming `field`."""
    if len(value) > max_letters:
        raise InvalidInput(field, f"{len(value)} letters, at most {max_letters}")
    if _CONTROL.search(value):
        raise InvalidInput(field, "has control characters")
    return value


def catalogue_name(value: str, field: str) -> str:
    """A catalogue's name: a-z, 0-9, _ and -, a letter first, at most 48. Raises InvalidInput naming `field`."""
    if not value:
        raise InvalidInput(field, "is required")
    if not _CATALOGUE.fullmatch(value):
        raise InvalidInput(field, "must be a-z, 0-9, _ and -, starting with a letter, at most 48 letters")
    return value
