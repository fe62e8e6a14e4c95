"""Acts and rows, read over services that answer from memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent import futures
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import grpc
import numpy as np
import pytest

from jobs.collaborative.reading import Reader
from jobs.pages import Patience
from visrec.connection import Connection, Targets
from visrec.v1 import common_pb2, indexer_pb2, indexer_pb2_grpc, profile_pb2, profile_pb2_grpc

BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LIKE, VIEW = profile_pb2.EVENT_TYPE_LIKE, profile_pb2.EVENT_TYPE_VIEW
OLD, NEW = "visual@00000001", "visual@00000002"


@dataclass
class Services(profile_pb2_grpc.ProfileServiceServicer, indexer_pb2_grpc.IndexerServiceServicer):
    """Pages of events as given; the alias `visual` moves as soon as one page of items was read."""

    pages: Sequence[Sequence[profile_pb2.Event]] = ()
    types: set[int] = field(default_factory=set)
    visual: str = OLD

    def ExportEvents(  # noqa: N802 - named as the contract says
        self, request: profile_pb2.ExportEventsRequest, context: grpc.ServicerContext
    ) -> profile_pb2.ExportEventsResponse:
        self.types |= set(request.types)
        at = int(request.page_token or 0)
        rest = str(at + 1) if at + 1 < len(self.pages) else ""
        answer = profile_pb2.ExportEventsResponse(events=self.pages[at], next_page_token=rest)
        answer.read_at.FromDatetime(BEGAN + timedelta(minutes=at))
        return answer

    def ListSpaces(  # noqa: N802 - named as the contract says
        self, request: indexer_pb2.ListSpacesRequest, context: grpc.ServicerContext
    ) -> indexer_pb2.ListSpacesResponse:
        space = common_pb2.Space(name=self.visual)
        state = indexer_pb2.SpaceState(space=space, items=4, aliases=["visual"])
        return indexer_pb2.ListSpacesResponse(spaces=[state])

    def ListItems(  # noqa: N802 - named as the contract says
        self, request: indexer_pb2.ListItemsRequest, context: grpc.ServicerContext
    ) -> indexer_pb2.ListItemsResponse:
        at, self.visual = int(request.page_token or 0), NEW
        row = np.full(4, 1.0 if (request.space or self.visual) == OLD else 2.0, "<f4")
        vector = common_pb2.Vector(space=request.space, data=row.tobytes())
        items = [indexer_pb2.StoredItem(item=indexer_pb2.Item(id=f"item-{at}-{n}"), vectors=[vector]) for n in range(2)]
        return indexer_pb2.ListItemsResponse(items=items, next_page_token="1" if at == 0 else "")


@pytest.fixture
def services() -> Services:
    return Services()  # type: ignore[abstract] # what it lacks answers UNIMPLEMENTED


@pytest.fixture
def reader(services: Services) -> Iterator[Reader]:
    server = grpc.server(futures.ThreadPoolExecutor(2))
    profile_pb2_grpc.add_ProfileServiceServicer_to_server(services, server)
    indexer_pb2_grpc.add_IndexerServiceServicer_to_server(services, server)
    target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    with Connection(Targets(target, target, target, target), 30.0) as connection:
        yield Reader(connection, "shop", Patience(0, lambda _: None, lambda: 0.0))
    server.stop(None)


def event(who: str, item: str, kind: profile_pb2.EventType.ValueType = LIKE, second: int = 0) -> profile_pb2.Event:
    told = profile_pb2.Event(user_id=who, item_id=item, type=kind)
    told.time.FromDatetime(BEGAN + timedelta(seconds=second))
    return told


def test_nobody_counts_twice_and_what_follows_is_as_old_as_the_first_page(services: Services, reader: Reader) -> None:
    """A walk may come by somebody twice; and somebody's events may be on two pages."""
    services.pages = [
        [event("ann", "coat"), event("ben", "coat")],
        [event("ben", "lamp", second=20), event("ann", "coat", second=20)],
        [event("cleo", "coat")],
    ]
    read: list[float] = []

    named, began = reader.acts(1000, read.append)

    acts = [
        (named.people[who], named.items[what]) for who, what in zip(named.acts.people, named.acts.items, strict=True)
    ]
    assert acts == [("ann", "coat"), ("ben", "coat"), ("ben", "lamp"), ("cleo", "coat")]
    assert began == BEGAN
    assert sum(read) == 5
    assert profile_pb2.EVENT_TYPE_IMPRESSION not in services.types


def test_acts_are_read_of_so_many_people_at_most(services: Services, reader: Reader) -> None:
    services.pages = [[event(who, item) for who in "abc" for item in ("coat", "lamp")]]
    named, _ = reader.acts(2, lambda _: None)
    assert named.people == ["a", "b"]


def test_what_a_browser_repeats_counts_a_few_times(services: Services, reader: Reader) -> None:
    services.pages = [[event("ann", "coat", VIEW, second) for second in range(60)]]
    named, _ = reader.acts(2, lambda _: None)
    assert named.acts.clicks.tolist() == [0.5] * 3


def test_nobody_at_all_is_no_acts(services: Services, reader: Reader) -> None:
    services.pages = [[]]
    named, _ = reader.acts(2, lambda _: None)
    assert len(named.acts.people) == 0


def test_all_rows_are_of_one_space_though_the_alias_moves_in_between(reader: Reader) -> None:
    visual, count = reader.visual()
    pages = list(reader.rows(visual, lambda _: None))
    assert (visual, count) == (OLD, sum(len(page.ids) for page in pages))
    assert all((page.vectors == 1.0).all() for page in pages)
