"""The job `calibrate`: looks at how alike items of a catalogue are, and writes the curves of it for the ranker."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from jobs.curves import Curve, cosines, fitted
from jobs.pages import Pages, Patience
from visrec.connection import Connection
from visrec.v1 import common_pb2, indexer_pb2

PAGE = 500
VISUAL = "visual"


class NoCurves(Exception):
    """There is nothing to fit to, and why."""


@dataclass(frozen=True)
class Fitted:
    """`curves` by block; `items`: that were looked at."""

    space: str
    curves: dict[str, Curve]
    items: int


@dataclass(frozen=True)
class CalibrateJob:
    """Curves of one catalogue. `most_items`: that are looked at, chosen by a hash of their ids where there are more;
    `pairs` of them are compared, by chance of `seed`."""

    connection: Connection
    catalogue: str
    patience: Patience
    most_items: int = 5_000
    pairs: int = 1_000_000
    seed: int = 1

    def run(self, on_items: Callable[[int], None]) -> Fitted:
        """`on_items` is told how many more were read. Raises NoCurves, pages.BrokenOff when the reading was."""
        space = self._space()
        blocks = {block.name: block.dimension for block in space.blocks}
        vectors = [np.frombuffer(data, "<f4") for data in self._sample(on_items, space.name)]
        if len(vectors) < 2:
            raise NoCurves(f"{len(vectors)} items have a vector in {space.name}")
        found = {
            block: curve
            for block, values in cosines(np.array(vectors), blocks, self.pairs, self.seed).items()
            if (curve := fitted(values)) is not None
        }
        return Fitted(space.name, found, len(vectors))

    def _space(self) -> common_pb2.Space:
        request = indexer_pb2.ListSpacesRequest(catalogue=self.catalogue)
        listed = self.connection.call(self.connection.indexer.ListSpaces, request)
        for state in listed.spaces:
            if VISUAL in state.aliases:
                return state.space
        raise NoCurves("the catalogue has no visual space")

    def _sample(self, on_items: Callable[[int], None], space: str) -> list[bytes]:
        """Vectors of the first photos of items, in an order of their own, however they come."""
        chosen: list[tuple[int, bytes]] = []
        for stored in self._items(on_items, space):
            if stored.vectors:
                rank = int.from_bytes(hashlib.blake2b(stored.item.id.encode(), digest_size=8).digest(), "big")
                keep = heapq.heappush if len(chosen) < self.most_items else heapq.heappushpop
                keep(chosen, (-rank, stored.vectors[0].data))
        return [data for _, data in sorted(chosen)]

    def _items(self, on_items: Callable[[int], None], space: str) -> Iterator[indexer_pb2.StoredItem]:
        def ask(token: str) -> indexer_pb2.ListItemsResponse:
            request = indexer_pb2.ListItemsRequest(
                catalogue=self.catalogue, page_size=PAGE, page_token=token, include_vectors=True, space=space
            )
            return self.connection.call(self.connection.indexer.ListItems, request)

        for page in Pages(ask, self.patience, ahead=True):
            on_items(len(page.items))
            yield from page.items
