"""Tokens of pages in memory. None is forgotten."""

from __future__ import annotations

import secrets

from services.profile.filing.held_memory import Memory
from services.profile.filing.token_store import TokenStore


class MemoryTokens(Memory, TokenStore):
    """By the token."""

    def keep_place(self, request: str, place: str, before: str) -> str:  # noqa: ARG002 - nothing is forgotten
        token = secrets.token_hex(16)
        with self._lock:
            self._places[token] = (request, place)
        return token

    def place(self, request: str, token: str) -> str | None:
        with self._lock:
            made, place = self._places.get(token, ("", ""))
        return place if made == request else None
