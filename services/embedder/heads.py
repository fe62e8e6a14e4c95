"""The heads of a model: its own, and those that were given and are kept in a store."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import Final, TypeVar

from services.embedder.given_head import GivenHead, blocks_of, unpack
from services.embedder.head import Head, Linear
from services.embedder.head_store import Entry, HeadStore, Receipt
from services.embedder.model import Model
from services.errors import InvalidInput, NotFound, Overloaded, Refused
from services.spaces import Space

Result = TypeVar("Result")

LOADED_BYTES: Final = 64 * 1024 * 1024
"""Of given heads that are ready for use; the least recently used makes room. One of 320 dimensions has 1.6 MB."""

MAX_REQUEST_LETTERS: Final = 128
THREADS, MAX_ASKING = 2, 64
"""Threads that ask the store, and calls that may wait for them."""

PAGE, MAX_PAGE = 20, 100


@dataclass(frozen=True)
class Summary:
    """A given head without its numbers."""

    space: Space
    description: str
    created_us: int


class Heads:
    """For one event loop; the store is asked on other threads. Without a store no head can be given.

    `now_us` tells Unix time in microseconds.
    """

    def __init__(
        self, model: Model, store: HeadStore | None, now_us: Callable[[], int], loaded_bytes: int = LOADED_BYTES
    ) -> None:
        self._model = model
        self._store = store
        self._now_us = now_us
        self._loaded_bytes = loaded_bytes
        self._loaded: OrderedDict[str, Head] = OrderedDict()
        self._loading = asyncio.Lock()
        # Of their own: a store that hangs must hold up nothing else.
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="heads")
        self._asking = 0

    async def require(self, space: str) -> Head:
        """The head that makes that space, the model's own for an empty name. Raises NotFound, and NotReady when it
        would have to be looked up and the store does not answer."""
        if space in ("", self._model.space.name):
            return self._model.head
        if head := self._loaded.get(space):
            self._loaded.move_to_end(space)
            return head
        async with self._loading:
            # Somebody else may have loaded it meanwhile.
            return self._loaded.get(space) or await self._load(space)

    async def put(self, head: GivenHead, request_id: str = "") -> Space:
        """The space that can be asked for from now on, on every replica and after a restart.

        Raises InvalidInput naming the field, Conflict when `request_id` came before with another head, Overloaded when
        there are too many, Refused without a store.
        """
        if len(request_id) > MAX_REQUEST_LETTERS:
            raise InvalidInput("request_id", f"at most {MAX_REQUEST_LETTERS} letters")
        store = self._kept()

        def keep() -> Head:
            head.check(self._model)
            made = head.head(self._model.card.digest)
            entry = Entry(made.space.name, head.about(self._now_us()), head.numbers())
            store.put(entry, Receipt(request_id, _fingerprint(head, made.space)) if request_id else None)
            return made

        return self._keep(await self._off_the_loop(keep)).space

    async def delete(self, space: str) -> None:
        """Raises NotFound. Other replicas that have it loaded know it until they restart."""
        self._loaded.pop(space, None)
        store = self._kept()
        if not await self._off_the_loop(lambda: store.delete(space)):
            raise NotFound("head", space)

    async def page(self, size: int, token: str) -> tuple[list[Summary], str]:
        """Oldest first, and the token of the next page; "" after the last. Raises InvalidInput."""
        if size < 0:
            raise InvalidInput("page_size", "must not be negative")
        summaries = await self.all()
        start = 0
        if token:
            start = 1 + next((n for n, each in enumerate(summaries) if each.space.name == token), -1)
            if not start:
                raise InvalidInput("page_token", "is not one that was given, or its head was deleted; begin again")
        page = summaries[start : start + min(size or PAGE, MAX_PAGE)]
        more = start + len(page) < len(summaries)
        return page, page[-1].space.name if more else ""

    async def all(self) -> list[Summary]:
        """Of every given head, oldest first."""
        abouts = await self._off_the_loop(self._store.abouts) if self._store else {}
        found = [_summary(space, about) for space, about in abouts.items()]
        return sorted(found, key=lambda each: (each.created_us, each.space.name))

    async def close(self) -> None:
        """Closes the store."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._store:
            self._store.close()

    async def _load(self, space: str) -> Head:
        store = self._store
        entry = await self._off_the_loop(lambda: store.get(space)) if store else None
        if entry is None:
            hint = (
                f"this model embeds into {self._model.space.name} and the spaces of its heads (ListHeads); a catalogue "
                "of another model needs that model, or its photos once more in a new catalogue"
            )
            raise NotFound("space", space, hint)
        given = unpack(entry.about, entry.numbers, self._model.card.raw_dimension)
        return self._keep(given.head(self._model.card.digest))

    async def _off_the_loop(self, work: Callable[[], Result]) -> Result:
        """On a thread, with the deadline of this call. Raises Overloaded when too many calls wait for the store."""
        if self._asking >= MAX_ASKING:
            raise Overloaded("too many calls wait for the store of heads")
        self._asking += 1
        try:
            context = copy_context()
            return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: context.run(work))
        finally:
            self._asking -= 1

    def _kept(self) -> HeadStore:
        if self._store is None:
            message = "heads are kept in Redis: give VISREC_REDIS_URL, or start `python -m services all`"
            raise Refused(message, reason="NO_HEAD_STORE")
        return self._store

    def _keep(self, head: Head) -> Head:
        self._loaded[head.space.name] = head
        self._loaded.move_to_end(head.space.name)
        while len(self._loaded) > 1 and sum(map(_size, self._loaded.values())) > self._loaded_bytes:
            self._loaded.popitem(last=False)
        return head


def _summary(space: str, about: bytes) -> Summary:
    fields, blocks = blocks_of(about)
    return Summary(Space(space, blocks), fields["description"], fields["created_us"])


def _size(head: Head) -> int:
    linear = (rule for rule in head.rules if isinstance(rule, Linear))
    return sum(rule.mean.nbytes + (0 if rule.matrix is None else rule.matrix.nbytes) for rule in linear)


def _fingerprint(head: GivenHead, space: Space) -> str:
    """Over all that a request brings; the name of the space stands for the numbers."""
    return hashlib.sha256(json.dumps([space.name, head.description]).encode()).hexdigest()
