"""What factors are learned from, over gRPC: events of people, and how items look."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from jobs.collaborative.acts import Gathering, Named
from jobs.kmeans import Float32
from jobs.pages import Pages, Patience
from visrec.connection import Connection
from visrec.v1 import indexer_pb2, profile_pb2

EVENTS = 5000
ITEMS = 500

CLICKS: Mapping[int, float] = {
    profile_pb2.EVENT_TYPE_VIEW: 0.5,
    profile_pb2.EVENT_TYPE_CLICK: 1.0,
    profile_pb2.EVENT_TYPE_LIKE: 2.0,
    profile_pb2.EVENT_TYPE_DISLIKE: -3.0,
    profile_pb2.EVENT_TYPE_SAVE: 3.0,
    profile_pb2.EVENT_TYPE_CART: 3.0,
    profile_pb2.EVENT_TYPE_PURCHASE: 5.0,
}
"""What each act on an item says, in clicks; the profile service's. Uploads are of no item, impressions no acts."""


@dataclass(frozen=True)
class Rows:
    """Items of one page that have a vector in a space: `vectors` (n, D) float32, of an item's first photo."""

    ids: list[str]
    vectors: Float32


@dataclass(frozen=True)
class Reader:
    """Of one catalogue."""

    connection: Connection
    catalogue: str
    patience: Patience

    def acts(self, most_people: int, on_read: Callable[[float], None]) -> Named:
        """What people did, of the first `most_people` who come: pages come in the order of keyed hashes, which is one
        by chance. 24 bytes an act. Raises pages.BrokenOff."""

        def ask(token: str) -> profile_pb2.ExportEventsResponse:
            request = profile_pb2.ExportEventsRequest(
                catalogue=self.catalogue, page_size=EVENTS, page_token=token, include_user_ids=True
            )
            return self.connection.call(self.connection.profile.ExportEvents, request)

        found = Gathering()
        for page in Pages(ask, self.patience):
            for event in page.events:
                clicks = CLICKS.get(event.type)
                if clicks and event.item_id and (found.people < most_people or found.knows(event.user_id)):
                    time = event.time.seconds + event.time.nanos / 1e9
                    found.add(event.user_id, event.item_id, clicks, time)
            on_read(len(page.events))
        return found.named()

    def rows(self, on_read: Callable[[float], None], space: str = "") -> Iterator[Rows]:
        """All items with a vector in a space, page by page; empty: in the one behind `visual`. Raises
        pages.BrokenOff."""

        def ask(token: str) -> indexer_pb2.ListItemsResponse:
            request = indexer_pb2.ListItemsRequest(
                catalogue=self.catalogue, page_size=ITEMS, page_token=token, include_vectors=True, space=space
            )
            return self.connection.call(self.connection.indexer.ListItems, request)

        for page in Pages(ask, self.patience):
            having = [stored for stored in page.items if stored.vectors]
            if having:
                vectors = np.array([np.frombuffer(each.vectors[0].data, "<f4") for each in having], dtype=np.float32)
                yield Rows([each.item.id for each in having], vectors)
            on_read(len(page.items))
