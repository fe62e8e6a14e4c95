"""The heads of a model: its own, and those that were given and are kept in a store."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from services.embedder.given_head import GivenHead, blocks_of, unpack
from services.embedder.head import Head, Linear
from services.embedder.head_store import Entry, HeadStore, Receipt
from services.embedder.model import Model
from services.errors import InvalidInput, NotFound, Refused
from services.spaces import Space

LOADED_BYTES: Final = 64 * 1024 * 1024
"""Of given heads that are ready for use; the least recently used makes room. One of 320 dimensions has 1.6 MB."""

MAX_REQUEST_LETTERS: Final = 128
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

    def __init__(self, model: Model, store: HeadStore | None, now_us: Callable[[], int]) -> None:
        self._model = model
        self._store = store
        self._now_us = now_us
        self._loaded: OrderedDict[str, Head] = OrderedDict()

    async def require(self, space: str) -> Head:
        """The head that makes that space, the model's own for an empty name. Raises NotFound, and NotReady when it
        would have to be looked up and the store does not answer."""
        if space in ("", self._model.space.name):
            return self._model.head
        if head := self._loaded.get(space):
            self._loaded.move_to_end(space)
            return head
        entry = await asyncio.to_thread(self._store.get, space) if self._store else None
        if entry is None:
            hint = f"this model embeds into {self._model.space.name} and the spaces of its heads (ListHeads)"
            raise NotFound("space", space, hint)
        given = unpack(entry.about, entry.numbers, self._model.card.raw_dimension)
        return self._keep(given.head(self._model))

    async def put(self, head: GivenHead, request_id: str = "") -> Space:
        """The space that can be asked for from now on, on every replica and after a restart.

        Raises InvalidInput naming the field, Conflict when `request_id` came before with another head, Overloaded when
        there are too many, Refused without a store.
        """
        if len(request_id) > MAX_REQUEST_LETTERS:
            raise InvalidInput("request_id", f"at most {MAX_REQUEST_LETTERS} letters")
        head.check(self._model)
        made = head.head(self._model)
        entry = Entry(made.space.name, head.about(self._now_us()), head.numbers())
        receipt = Receipt(request_id, _fingerprint(head, made.space)) if request_id else None
        await asyncio.to_thread(self._kept().put, entry, receipt)
        return self._keep(made).space

    async def delete(self, space: str) -> None:
        """Raises NotFound. Other replicas that have it loaded know it until they restart."""
        if not await asyncio.to_thread(self._kept().delete, space):
            raise NotFound("head", space)
        self._loaded.pop(space, None)

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
        abouts = await asyncio.to_thread(self._store.abouts) if self._store else {}
        found = [_summary(space, about) for space, about in abouts.items()]
        return sorted(found, key=lambda each: (each.created_us, each.space.name))

    async def close(self) -> None:
        """Closes the store."""
        if self._store:
            await asyncio.to_thread(self._store.close)

    def _kept(self) -> HeadStore:
        if self._store is None:
            message = "heads are kept in Redis: give VISREC_REDIS_URL, or start `python -m services all`"
            raise Refused(message, reason="NO_HEAD_STORE")
        return self._store

    def _keep(self, head: Head) -> Head:
        self._loaded[head.space.name] = head
        self._loaded.move_to_end(head.space.name)
        while len(self._loaded) > 1 and sum(map(_size, self._loaded.values())) > LOADED_BYTES:
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
