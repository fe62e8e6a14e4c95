"""Given heads in Redis, shared by all replicas of a model.

    visrec:{heads:<model>}:about         hash    space -> what the head is, JSON
    visrec:{heads:<model>}:numbers       hash    space -> its matrices and means
    visrec:{heads:<model>}:request:<id>  string  digest of what a PutHead with that id brought, for 24 hours

<model> is the start of the model's digest: heads of another model would make nonsense of its features.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from services.embedder.head_store import MAX_HEADS, REMEMBERED_S, Entry, HeadStore, Receipt, full, reused
from services.runtime.redis import Client, redis_errors

_PUT: Final = (Path(__file__).parent / "lua" / "put_head.lua").read_text("utf-8")


class RedisHeadStore(HeadStore):
    """Opens its client when it is first used, and closes it with itself: a cluster's is asked for its nodes then."""

    def __init__(self, open_client: Callable[[], Client], model_digest: str) -> None:
        self._open_client = open_client
        self._lock = threading.Lock()
        self._opened: Any = None
        self._prefix = f"visrec:{{heads:{model_digest[:32]}}}"

    def put(self, entry: Entry, receipt: Receipt | None) -> None:
        request = self._request_key(receipt.request_id) if receipt else self._key("request")
        keys = (self._key("about"), self._key("numbers"), request)
        fingerprint = receipt.fingerprint if receipt else ""
        with redis_errors:
            outcome = self._client.eval(
                _PUT, len(keys), *keys, entry.space, entry.about, entry.numbers, MAX_HEADS, fingerprint, REMEMBERED_S
            )
        if outcome == b"reused":
            raise reused()
        if outcome == b"full":
            raise full()

    def get(self, space: str) -> Entry | None:
        with redis_errors:
            about = self._client.hget(self._key("about"), space)
            numbers = self._client.hget(self._key("numbers"), space)
        return None if about is None or numbers is None else Entry(space, about, numbers)

    def abouts(self) -> dict[str, bytes]:
        with redis_errors:
            found = self._client.hgetall(self._key("about"))
        return {space.decode(): about for space, about in found.items()}

    def delete(self, space: str) -> bool:
        with redis_errors:
            # What it is last: a deletion that is cut short is finished by the next.
            self._client.hdel(self._key("numbers"), space)
            return bool(self._client.hdel(self._key("about"), space))

    def close(self) -> None:
        if self._opened:
            self._opened.close()

    @property
    def _client(self) -> Any:
        with self._lock:
            self._opened = self._opened or self._open_client()
            return self._opened

    def _key(self, name: str) -> str:
        return f"{self._prefix}:{name}"

    def _request_key(self, request_id: str) -> str:
        return self._key(f"request:{hashlib.blake2b(request_id.encode(), digest_size=16).hexdigest()}")
