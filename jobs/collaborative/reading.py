"""What factors are learned from, over gRPC: events of people, and how items look."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from jobs.collaborative.acts import Gathering, Named
from jobs.collaborative.tidying import Act, tidied
from jobs.kmeans import Float32
from jobs.pages import Pages, Patience
from visrec.connection import Connection
from visrec.v1 import indexer_pb2, profile_pb2

EVENTS = 10_000
ITEMS = 500

CLICKS: Mapping[str, float] = {
    "view": 0.5,
    "click": 1.0,
    "like": 2.0,
    "dislike": -3.0,
    "save": 3.0,
    "cart": 3.0,
    "purchase": 5.0,
}
"""What each act on an item says, in clicks; the profile service's. Uploads are of no item, impressions no acts."""

_KINDS = {profile_pb2.EventType.Value(f"EVENT_TYPE_{kind.upper()}"): kind for kind in CLICKS}


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

    def acts(self, most_people: int, on_read: Callable[[float], None]) -> tuple[Named, datetime]:
        """What people did, of the first `most_people` who come, and when reading began, by the service's clock: pages
        come in the order of keyed hashes, which is one by chance. 24 bytes an act. Raises pages.BrokenOff."""
        found, began = Gathering(), list[datetime]()
        for who, acts in self._people(on_read, began):
            if found.people < most_people and not found.knows(who):  # a walk may come by somebody twice
                for act in tidied(acts):
                    found.add(who, act.item, CLICKS[act.kind], act.time_ms)
        return found.named(), began[0]

    def _people(self, on_read: Callable[[float], None], began: list[datetime]) -> Iterator[tuple[str, Sequence[Act]]]:
        """One after the other: events of a person follow each other. `began` is given the time of the first page."""

        def ask(token: str) -> profile_pb2.ExportEventsResponse:
            request = profile_pb2.ExportEventsRequest(
                catalogue=self.catalogue, page_size=EVENTS, page_token=token, include_user_ids=True, types=_KINDS
            )
            return self.connection.call(self.connection.profile.ExportEvents, request)

        who, acts = "", list[Act]()
        for page in Pages(ask, self.patience, ahead=True):
            began.append(page.read_at.ToDatetime(UTC))
            for event in page.events:
                if event.user_id != who:
                    yield who, acts
                    who, acts = event.user_id, []
                if event.item_id:
                    acts.append(Act(event.time.ToMilliseconds(), event.item_id, _KINDS[event.type]))
            on_read(len(page.events))
        yield who, acts

    def visual(self) -> tuple[str, int]:
        """The space behind `visual`, and how many items have a vector in it."""
        request = indexer_pb2.ListSpacesRequest(catalogue=self.catalogue)
        first = self.patience.through(lambda: self.connection.call(self.connection.indexer.ListSpaces, request)).spaces[
            0
        ]
        return first.space.name, first.items

    def rows(self, space: str, on_read: Callable[[float], None]) -> Iterator[Rows]:
        """All items with a vector in a space, page by page. By its name: an alias may move between two pages. Raises
        pages.BrokenOff."""

        def ask(token: str) -> indexer_pb2.ListItemsResponse:
            request = indexer_pb2.ListItemsRequest(
                catalogue=self.catalogue, page_size=ITEMS, page_token=token, include_vectors=True, space=space
            )
            return self.connection.call(self.connection.indexer.ListItems, request)

        for page in Pages(ask, self.patience, ahead=True):
            having = [stored for stored in page.items if stored.vectors]
            if having:
                vectors = np.array([np.frombuffer(each.vectors[0].data, "<f4") for each in having], dtype=np.float32)
                yield Rows([each.item.id for each in having], vectors)
            on_read(len(page.items))
