"""Tokens of pages in Redis: a hash for each walk, of its latest places by the number of the page."""

from __future__ import annotations

import re
import secrets

from services.profile.filing.filing_redis import Filing
from services.profile.filing.keys import walk
from services.profile.filing.token_store import KEEP_MS, PAGES, TokenStore
from services.runtime.redis import redis_errors

_TOKEN = re.compile(r"([0-9a-f]{32})-([0-9]{1,9})")


class RedisTokens(Filing, TokenStore):
    """One round trip for a page's token."""

    def keep_place(self, request: str, place: str, before: str) -> str:
        known = _TOKEN.fullmatch(before)
        name, number = (known[1], int(known[2]) + 1) if known else (secrets.token_hex(16), 0)
        key = walk(name)
        with redis_errors, self._client.pipeline() as pipeline:
            pipeline.hset(key, str(number), f"{request}\n{place}")
            pipeline.hdel(key, str(number - PAGES))
            pipeline.pexpire(key, KEEP_MS)
            pipeline.execute()
        return f"{name}-{number}"

    def place(self, request: str, token: str) -> str | None:
        known = _TOKEN.fullmatch(token)
        if known is None:
            return None
        with redis_errors:
            kept = self._client.hget(walk(known[1]), str(int(known[2])))
        made, _, place = (kept or b"").decode().partition("\n")
        return place if kept and made == request else None
