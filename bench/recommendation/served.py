"""The same question to the running services: they are told what is known, `jobs collaborative` learns from it, and the
ranker is asked what it recommends to everybody, with the weights that were chosen.

Times are moved so that what is known ends now. Kinds and years of films are the vectors of the catalogue. There are no
segments, so their weight goes to popularity, which halves as validation chose for the split.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from bench.failure import BenchFailed
from bench.fleet import started
from bench.recommendation import metrics
from bench.recommendation.log import Floats, Ints, Log, Split
from bench.recommendation.movielens import Movies
from bench.recommendation.tuning import K, Settings
from jobs.learn_collaborative import CollaborativeJob
from jobs.pages import Patience
from visrec.client import Client
from visrec.connection import Connection
from visrec.items import NewItem
from visrec.people import Event, Facts
from visrec.v1 import common_pb2, indexer_pb2, ranker_pb2
from visrec.vectors import Vector

CATALOGUE = "films"
BLOCKS = ("kinds", "years")
SPACE = "films@0000000000000001"
AGO = timedelta(minutes=1)
PATIENCE_S = 60.0

Begin = Callable[[str, float | None], Callable[[float], None]]
"""As for a job: is told of each phase."""


def served(test: Split, people: Ints, movies: Movies, settings: Settings, begin: Begin) -> Floats:
    """nDCG@10 of each of these people. Raises BenchFailed, VisrecCallError."""
    environment = {
        "VISREC_PROFILE_POPULAR_HALF_LIFE_HOURS": f"{24 * settings.half_life_days:g}",
        "VISREC_PROFILE_MAX_EVENTS_PER_MINUTE": "10000",  # films are rated by the page
        "VISREC_PROFILE_WINDOW": "1000",
    }
    with started(environment) as fleet, Client.connect(fleet.targets) as client, Connection(fleet.targets) as wire:
        request = indexer_pb2.CreateCatalogueRequest(catalogue=CATALOGUE, space=_space(movies))
        wire.call(wire.indexer.CreateCatalogue, request)
        report = client.ingest(CATALOGUE, _films(movies))
        if report.failed:
            raise BenchFailed(f"{len(report.failed)} films failed, first: {report.failed[0].error}")
        _tell(client, test.known, begin)
        patience = Patience(PATIENCE_S, time.sleep, time.monotonic)
        CollaborativeJob(wire, CATALOGUE, patience, settings.recipe).run(begin)
        step = begin("recommended", len(people))
        top = np.array([_asked(wire, int(person), settings, step) for person in people], dtype=np.intp)
    return metrics.ndcg(top, test.wanted()[people])


def _tell(client: Client, known: Log, begin: Begin) -> None:
    step = begin("people put", known.people_count)
    for person in range(known.people_count):
        client.put_user(_name(person), Facts(personalisation=True))
        step(1)
    step = begin("events recorded", len(known.days))
    for result in client.record(_events(known)):
        if result.status.code:
            raise BenchFailed(f"an event failed: {result.status.message}")
        step(1)


def _events(known: Log) -> Iterator[Event]:
    last = datetime.now(UTC) - AGO
    for at, (person, item) in enumerate(zip(known.people.tolist(), known.items.tolist(), strict=True)):
        yield Event(
            _name(person),
            "like" if known.liked[at] else "view",
            CATALOGUE,
            str(item),
            time=last - timedelta(days=float(known.days[-1] - known.days[at])),
            event_id=str(at),
        )


def _asked(wire: Connection, person: int, settings: Settings, step: Callable[[float], None]) -> Sequence[int]:
    weights = dict(settings.weights)
    weights["popularity"] = weights["popularity"] + weights.pop("segment")
    request = ranker_pb2.RecommendRequest(
        catalogue=CATALOGUE, user_id=_name(person), n=K, signal_weights={**weights, "segment": 0.0}, skip_freezing=True
    )
    answer = wire.call(wire.ranker.Recommend, request)
    step(1)
    found = [int(each.item.id) for each in answer.recommendations]
    if len(found) < K:
        raise BenchFailed(f"{_name(person)} got {len(found)} films; dropped: {list(answer.dropped)}")
    return found


def _space(movies: Movies) -> common_pb2.Space:
    kinds = movies.kinds.shape[1]
    sizes = (kinds, movies.features.shape[1] - kinds)
    return common_pb2.Space(
        name=SPACE,
        blocks=[
            common_pb2.Block(name=name, dimension=size, default_weight=1.0)
            for name, size in zip(BLOCKS, sizes, strict=True)
        ],
    )


def _films(movies: Movies) -> Iterator[NewItem]:
    for item, row in enumerate(movies.features):
        yield NewItem(str(item), vectors=[Vector(SPACE, row.tolist())])


def _name(person: int) -> str:
    return f"viewer-{person}"
