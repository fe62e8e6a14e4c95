"""Replies of Redis out of the bytes that come, read by hiredis."""

from __future__ import annotations

from typing import Any, TypeAlias

import hiredis
from redis import exceptions

Reply: TypeAlias = Any
"""bytes, int, None, a list of replies, or a ResponseError for what was refused."""


class Replies:
    """Takes bytes as they come, in version 2 of the protocol."""

    def __init__(self) -> None:
        self._reader = hiredis.Reader(protocolError=exceptions.InvalidResponse, replyError=_refusal)

    def feed(self, data: bytes) -> list[Reply]:
        """All replies that are complete now. Raises InvalidResponse for what is no reply."""
        self._reader.feed(data)
        found = []
        while (reply := self._reader.gets()) is not False:  # which stands for "not yet": version 2 has no booleans
            found.append(reply)
        return found


def _refusal(told: str) -> exceptions.ResponseError:
    return exceptions.NoPermissionError(told) if told.startswith("NOPERM") else exceptions.ResponseError(told)
