"""The indexer over gRPC, as the port of `items`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
from google.protobuf.message import Message

from services.errors import Internal, NotReady, SpaceMismatch, TooLate
from services.profile.catalogue.items import CatalogueItem, Items, Resolved
from services.profile.events.event import MAX_TAG_LETTERS, MAX_TAGS
from services.profile.taste.words import spellings
from services.runtime import deadlines
from services.runtime.channel import Channel
from services.runtime.wire import decode_space
from services.spaces import Float16, Space, canonical, encode
from visrec.v1 import common_pb2, indexer_pb2
from visrec.v1.indexer_pb2_grpc import IndexerServiceStub

IDEMPOTENT = tuple(f"visrec.v1.IndexerService/{method}" for method in ("BatchGetItems", "ListSpaces", "Search"))
"""What may be asked again when the indexer was away for a moment."""

VISUAL = "visual"
"""The alias of the space that a catalogue is searched in."""

MAX_SPACES = 256
"""Spaces remembered. A name stands for the same blocks for ever, so they are asked for once."""


_end: ContextVar[float | None] = ContextVar("visrec_profile_lookups_end", default=None)


@contextmanager
def lookups_within(seconds: float) -> Iterator[None]:
    """All lookups of the block together may take so long. It is no deadline: what else the block does, such as writing
    to Redis what it has found, has the time of the call."""
    token = _end.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _end.reset(token)


class IndexerItems(Items):
    """One BatchGetItems for each lookup. `channel` is closed with it. `patience_s`: how long an answer is waited for.

    An indexer that takes longer is away (NotReady), unless it was left less than half of that (TooLate).
    """

    def __init__(self, channel: Channel, patience_s: float) -> None:
        self._channel = channel
        self._patience_s = patience_s
        self._stub = IndexerServiceStub(channel)
        self._spaces: dict[str, Space] = {}

    def resolve(self, catalogue: str, item_ids: Sequence[str], space: str = "") -> Resolved:
        if not item_ids:
            return Resolved(self._named(catalogue, space), {})
        found: indexer_pb2.BatchGetItemsResponse = self._asked(
            self._stub.BatchGetItems,
            indexer_pb2.BatchGetItemsRequest(
                catalogue=catalogue, item_ids=item_ids, include_vectors=True, allow_missing=True, space=space
            ),
        )
        known = self._spaces.get(found.space) or self._listed(catalogue, found.space)
        return Resolved(known, {each.item.id: _item(each, known) for each in found.items})

    def carrying(self, catalogue: str, space: Space, word: str, limit: int) -> Sequence[Float16]:
        """Those nearest to a direction that means nothing: where more carry the word, these are as good as any, and the
        index knows the few of a million at once, which the record would have to be read for."""
        names = spellings(word)
        keyword = common_pb2.KeywordTest(any_of=names)
        conditions = [common_pb2.Condition(field=name, keyword=keyword) for name in ("tags", "category")]
        chance = np.random.default_rng(int.from_bytes(word.encode()[:8], "little"))
        anywhere = space.normalise(chance.normal(size=space.dimension).astype(np.float32))
        vector = common_pb2.Vector(space=space.name, data=encode(anywhere))
        found: indexer_pb2.SearchResponse = self._asked(
            self._stub.Search,
            indexer_pb2.SearchRequest(
                catalogue=catalogue,
                space=space.name,
                queries=[indexer_pb2.Query(name="anywhere", weight=1, vector=vector)],
                filter=common_pb2.Filter(should=conditions),
                limit=limit,
                include_vectors=True,
            ),
        )
        return [np.frombuffer(hit.vector, dtype="<f2") for hit in found.hits]

    def _named(self, catalogue: str, name: str) -> Space:
        """A space of the catalogue; for an empty name the one behind `visual`, which may have moved since."""
        states = self._list(catalogue)
        by_alias = {alias: state.space.name for state in states for alias in state.aliases}
        names = [state.space.name for state in states]
        wanted = name or by_alias.get(VISUAL, names[0])
        if wanted not in names:
            raise SpaceMismatch(expected=by_alias.get(VISUAL, names[0]), given=name)
        return self._spaces[wanted]

    def _listed(self, catalogue: str, name: str) -> Space:
        self._list(catalogue)
        if name not in self._spaces:
            raise Internal("the indexer's items are in a space that it does not list")
        return self._spaces[name]

    def _list(self, catalogue: str) -> Sequence[indexer_pb2.SpaceState]:
        request = indexer_pb2.ListSpacesRequest(catalogue=catalogue)
        states: Sequence[indexer_pb2.SpaceState] = self._asked(self._stub.ListSpaces, request).spaces
        if len(self._spaces) + len(states) > MAX_SPACES:
            self._spaces.clear()
        self._spaces.update({state.space.name: decode_space(state.space) for state in states})
        return states

    def _asked(self, method: Callable[..., Any], request: Message) -> Any:
        end = _end.get()
        bounds = (deadlines.remaining_s(), None if end is None else end - time.monotonic())
        patience_s = min([self._patience_s, *(left for left in bounds if left is not None)])
        if patience_s <= 0:
            raise TooLate("there is no time to look anything up")
        try:
            return method(request, timeout=patience_s)
        except TooLate as problem:
            if patience_s < self._patience_s / 2:
                raise
            raise NotReady("the indexer did not answer in time") from problem

    def close(self) -> None:
        self._channel.close()


def _item(stored: indexer_pb2.StoredItem, space: Space) -> CatalogueItem:
    item = stored.item
    tags = tuple(tag for tag in item.tags if len(tag) <= MAX_TAG_LETTERS)[:MAX_TAGS]
    if not stored.vectors:
        return CatalogueItem(item.domain, None, item.category, tags)
    vector = stored.vectors[0]
    space.require(vector.space)
    return CatalogueItem(item.domain, canonical(np.frombuffer(vector.data, dtype="<f4")), item.category, tags)
