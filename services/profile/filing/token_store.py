"""Where a caller who reads page by page goes on: the port. `tokens_memory` and `tokens_redis` stand behind it.

What a page's token stands for names people, so it stays here, and the caller is given a random word for it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from services.errors import InvalidInput

KEEP_MS = 24 * 3_600_000
"""So long a walk may pause."""
PAGES = 16
"""Tokens of a walk that are good at a time, the latest: whoever lost an answer asks for it again."""


class TokenStore(ABC):
    """Every method raises NotReady when the store cannot answer now."""

    @abstractmethod
    def keep_place(self, request: str, place: str, before: str) -> str:
        """A token for a place, of whoever makes the same `request` for the next page. `before`: the token of this page,
        empty for the first."""

    @abstractmethod
    def place(self, request: str, token: str) -> str | None:
        """The place that a token stands for; None when it stands for none, any more, or for one of another request."""


def opened(store: TokenStore, request: str, token: str) -> str:
    """The place that a token stands for, empty for an empty one. Raises InvalidInput, naming `page_token`, for a token
    that was not given to this request, or too long ago."""
    if not token:
        return ""
    place = store.place(request, token)
    if place is None:
        raise InvalidInput("page_token", "is not a token of a previous page of this request, or older than a day")
    return place


def closed(store: TokenStore, request: str, place: str, before: str) -> str:
    """A token for the next page; empty when there is none."""
    return store.keep_place(request, place, before) if place else ""
