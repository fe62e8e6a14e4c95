"""The indexer over gRPC, as the port of `items`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from services.errors import Internal
from services.profile.items import CatalogueItem, Items, Resolved
from services.runtime.channel import Channel
from services.runtime.wire import decode_space
from services.spaces import Space, canonical
from visrec.v1 import indexer_pb2
from visrec.v1.indexer_pb2_grpc import IndexerServiceStub

IDEMPOTENT = ("visrec.v1.IndexerService/BatchGetItems", "visrec.v1.IndexerService/ListSpaces")
"""What may be asked again when the indexer was away for a moment."""

MAX_SPACES = 256
"""Spaces remembered. A name stands for the same blocks for ever, so they are asked for once."""


class IndexerItems(Items):
    """One BatchGetItems for each lookup. `channel` is closed with it."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._stub = IndexerServiceStub(channel)
        self._spaces: dict[str, Space] = {}

    def resolve(self, catalogue: str, item_ids: Sequence[str]) -> Resolved:
        if not item_ids:
            return Resolved(self._default_space(catalogue), {})
        found = self._stub.BatchGetItems(
            indexer_pb2.BatchGetItemsRequest(
                catalogue=catalogue, item_ids=item_ids, include_vectors=True, allow_missing=True
            )
        )
        space = self._spaces.get(found.space) or self._listed(catalogue, found.space)
        items = {each.item.id: _item(each, space) for each in found.items if each.vectors}
        return Resolved(space, items)

    def _default_space(self, catalogue: str) -> Space:
        """The one behind `visual`, which may have moved since it was last asked for."""
        return self._list(catalogue)[0]

    def _listed(self, catalogue: str, name: str) -> Space:
        self._list(catalogue)
        if name not in self._spaces:
            raise Internal("the indexer's items are in a space that it does not list")
        return self._spaces[name]

    def _list(self, catalogue: str) -> list[Space]:
        listed = self._stub.ListSpaces(indexer_pb2.ListSpacesRequest(catalogue=catalogue))
        spaces = [decode_space(state.space) for state in listed.spaces]
        if len(self._spaces) + len(spaces) > MAX_SPACES:
            self._spaces.clear()
        self._spaces.update({space.name: space for space in spaces})
        return spaces

    def close(self) -> None:
        self._channel.close()


def _item(stored: indexer_pb2.StoredItem, space: Space) -> CatalogueItem:
    vector = stored.vectors[0]
    space.require(vector.space)
    return CatalogueItem(stored.item.domain, canonical(np.frombuffer(vector.data, dtype="<f4")))
