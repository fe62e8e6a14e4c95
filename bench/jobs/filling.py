"""The catalogue and the people, put into running services."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from time import monotonic, sleep
from typing import TypeVar

from google.rpc.status_pb2 import Status

from bench.failure import BenchFailed
from bench.fleet import Fleet
from bench.indexer.shared import Shared
from bench.indexer.space import Space
from bench.jobs.crowd import Crowd, who
from bench.jobs.goods import Goods, Some, name
from bench.profile.town import Say
from jobs.pages import Patience
from visrec.connection import Connection
from visrec.v1 import common_pb2, embedder_pb2, indexer_pb2, profile_pb2

CATALOGUE = "shop"
CALLERS = 4
EVENTS = 1000
"""Of a call, at most."""
PATIENCE = Patience(300.0, sleep, monotonic)
"""A service that has enough to do says so, and is asked again."""

T = TypeVar("T")


def fill(fleet: Fleet, items: int, people: int, say: Say) -> None:
    """So many of each, into services that have neither. Raises BenchFailed, VisrecCallError."""
    with Connection(fleet.targets, 120.0) as connection:
        model = connection.call(connection.embedder.GetModel, embedder_pb2.GetModelRequest()).model
        goods = Goods(items, Space.of(model.spaces[0]))
        create = indexer_pb2.CreateCatalogueRequest(catalogue=CATALOGUE, space=goods.space.message())
        connection.call(connection.indexer.CreateCatalogue, create)

        def put(some: Some) -> None:
            request = _ingest(goods, some)
            answer = PATIENCE.through(lambda: connection.call(connection.indexer.IngestItems, request))
            _require(each.status for each in answer.results)
            say(f"filling: items, {some.first:,} of {items:,}")

        _all(goods, put)
        crowd = Crowd(CATALOGUE, goods.categories, goods.looks, datetime.now(UTC))

        def come(number: int) -> None:
            user = crowd.facts(number).message(who(number))
            PATIENCE.through(lambda: connection.call(connection.profile.PutUser, profile_pb2.PutUserRequest(user=user)))

        say("filling: people")
        _all(range(people), come)

        def record(events: list[profile_pb2.Event]) -> None:
            request = profile_pb2.RecordEventsRequest(events=events)
            answer = PATIENCE.through(lambda: connection.call(connection.profile.RecordEvents, request))
            _require(each.status for each in answer.results)
            say(f"filling: what people did, to {events[-1].user_id} of {people:,}")

        _all(_recorded(crowd, people), record)
    say("filling: the index settles")
    fleet.settle()


def _ingest(goods: Goods, some: Some) -> indexer_pb2.IngestItemsRequest:
    items = [
        indexer_pb2.IngestItem(
            item=indexer_pb2.Item(id=name(number), domain=CATALOGUE, category=f"c{goods.categories[number]}"),
            vectors=[common_pb2.Vector(space=goods.space.name, data=vector.astype("<f4").tobytes())],
            raw_features=[raw.astype("<f2").tobytes()],
        )
        for number, (raw, vector) in enumerate(zip(some.raw, some.vectors, strict=True), start=some.first)
    ]
    return indexer_pb2.IngestItemsRequest(catalogue=CATALOGUE, items=items)


def _recorded(crowd: Crowd, people: int) -> Iterator[list[profile_pb2.Event]]:
    """A call of some people at a time, each whole, so that nobody's events overtake each other."""
    call: list[profile_pb2.Event] = []
    for number in range(people):
        theirs = [event.message() for event in crowd.events(number)]
        if len(call) + len(theirs) > EVENTS:
            yield call
            call = []
        call += theirs
    yield call


def _all(things: Iterable[T], work: Callable[[T], None]) -> None:
    """From some callers at a time."""
    shared = Shared(things)

    def caller() -> None:
        for thing in shared:
            work(thing)

    with ThreadPoolExecutor(CALLERS) as pool:
        callers = [pool.submit(shared.guarded, caller) for _ in range(CALLERS)]
        shared.guarded(lambda: [each.result() for each in callers])


def _require(statuses: Iterable[Status]) -> None:
    refused = next((each for each in statuses if each.code), None)
    if refused is not None:
        raise BenchFailed(f"while filling: {refused.message}")
