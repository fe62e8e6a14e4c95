"""A shop in memory, as the job sees one: items of a shelf, and who liked which."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from jobs.head.judging import unit
from tests.jobs.head.shelf import FEATURES, Shelf
from visrec.v1 import common_pb2, embedder_pb2, indexer_pb2, profile_pb2

RequestT = TypeVar("RequestT")
AnswerT = TypeVar("AnswerT")

SPACE = common_pb2.Space(
    name="shipped", blocks=[common_pb2.Block(name="content", dimension=FEATURES, default_weight=1.0)]
)


@dataclass(frozen=True, eq=False)
class Shop:
    """Stands for a connection and for its services. The category of an item is its kind; `likes`: of each person, rows
    of the shelf; `variants`: so many items after one another are of one group, 1: none is of any."""

    shelf: Shelf
    likes: Sequence[Sequence[int]] = ()
    variants: int = 1
    read: list[str] = field(default_factory=list)
    """Whose events were read."""

    def call(self, method: Callable[[RequestT], AnswerT], request: RequestT) -> AnswerT:
        """As visrec.connection.Connection has it."""
        return method(request)

    @property
    def embedder(self) -> Shop:
        """Itself; so are the others."""
        return self

    indexer = profile = embedder

    def GetModel(self, _: embedder_pb2.GetModelRequest) -> embedder_pb2.GetModelResponse:  # noqa: N802 - the contract's
        model = embedder_pb2.Model(name="toy", raw_dimension=FEATURES, spaces=[SPACE])
        return embedder_pb2.GetModelResponse(model=model)

    def ListSpaces(self, _: indexer_pb2.ListSpacesRequest) -> indexer_pb2.ListSpacesResponse:  # noqa: N802
        return indexer_pb2.ListSpacesResponse(spaces=[indexer_pb2.SpaceState(space=SPACE, aliases=["visual"])])

    def ListItems(self, _: indexer_pb2.ListItemsRequest) -> indexer_pb2.ListItemsResponse:  # noqa: N802
        features, kinds = self.shelf.features, self.shelf.kinds
        vectors = unit(features).astype("<f4")
        items = [
            indexer_pb2.StoredItem(
                item=indexer_pb2.Item(id=name, category=f"kind {kinds[row]}", group_id=self._group(row)),
                raw_features=[features[row].astype("<f2").tobytes()],
                vectors=[common_pb2.Vector(space=SPACE.name, data=vectors[row].tobytes())],
            )
            for row, name in enumerate(self.shelf.names)
        ]
        return indexer_pb2.ListItemsResponse(items=items)

    def _group(self, row: int) -> str:
        return f"thing {row // self.variants}" if self.variants > 1 else ""

    def ExportEvents(self, request: profile_pb2.ExportEventsRequest) -> profile_pb2.ExportEventsResponse:  # noqa: N802
        """A person a page; the second one comes once more at the end, as a walk may have it."""
        at = int(request.page_token or "0")
        order = [*range(len(self.likes)), 1]
        person = order[at]
        self.read.append(f"person {person}")
        events = [
            profile_pb2.Event(
                user_id=f"person {person}", type=profile_pb2.EVENT_TYPE_LIKE, item_id=self.shelf.names[row]
            )
            for row in self.likes[person]
        ]
        last = at + 1 == len(order)
        return profile_pb2.ExportEventsResponse(events=events, next_page_token="" if last else str(at + 1))


def taken(shelf: Shelf, people: int, seed: int) -> list[list[int]]:
    """Rows that each person likes: six of each of two kinds."""
    chance = np.random.default_rng(seed)
    kinds = [np.flatnonzero(shelf.kinds == kind) for kind in range(int(shelf.kinds.max()) + 1)]
    chosen = [chance.choice(len(kinds), 2, replace=False) for _ in range(people)]
    return [[int(row) for kind in mine for row in chance.choice(kinds[kind], 6, replace=False)] for mine in chosen]
