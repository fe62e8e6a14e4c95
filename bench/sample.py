"""A small catalogue with people in it, for load to meet: the configurations of deploy/ghz name its items and people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import grpc
import numpy as np
from numpy.typing import NDArray

from bench.failure import BenchFailed
from bench.pictures import picture
from visrec.client import Client
from visrec.errors import VisrecCallError
from visrec.items import NewItem
from visrec.people import Event, Facts
from visrec.v1 import common_pb2
from visrec.vectors import Vector

CATALOGUE = "load"
ITEMS = 200
PEOPLE = 20
LIKES = 5
"""Items `item-0` … `item-199`; people `load-0` … `load-19`, each of whom likes five items; and as many `writer-…`, to
record events of: whoever has seen everything can be recommended nothing."""

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}

Rows = NDArray[np.float64]

Progress = Callable[[], None]
"""Told of each item that is in."""


def photos(folder: Path | None) -> Sequence[Path | bytes]:
    """At least ITEMS photos: those of `folder`, repeated when they are too few, or made-up ones. Raises BenchFailed
    for a folder without photos."""
    if folder is None:
        return [picture(seed) for seed in range(ITEMS)]
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise BenchFailed(f"{folder}: no photos there")
    return [found[number % len(found)] for number in range(max(ITEMS, len(found)))]


def fill(client: Client, pictures: Sequence[Path | bytes], progress: Progress) -> None:
    """Ingests the photos as `item-0`, `item-1` …, and makes the people. Safe to repeat. Raises BenchFailed."""
    create(client, CATALOGUE)
    items = (NewItem(f"item-{number}", photos=[photo]) for number, photo in enumerate(pictures))
    ingest(client, CATALOGUE, items, progress)
    populate(client, CATALOGUE)


def create(client: Client, catalogue: str) -> None:
    """The catalogue, unless it is there already."""
    try:
        client.create_catalogue(catalogue)
    except VisrecCallError as error:
        if error.code is not grpc.StatusCode.ALREADY_EXISTS:
            raise


def ingest(client: Client, catalogue: str, items: Iterator[NewItem], progress: Progress) -> None:
    """Writes all of the items and waits until they can be found. Raises BenchFailed when one is refused."""
    first = next(items)
    report = client.ingest(catalogue, chain([first], items), on_outcome=lambda _: progress())
    if report.failed:
        failed = report.failed[0]
        raise BenchFailed(f"{len(report.failed)} items failed, first {failed.item_id}: {failed.error}")
    client.similar(catalogue, item_id=first.id, n=1, min_version=report.version)


def populate(client: Client, catalogue: str) -> None:
    """People with consent, and likes where they have any. Raises BenchFailed when an event is refused."""
    for number in range(PEOPLE):
        person = f"load-{number}"
        client.put_user(f"writer-{number}", Facts(personalisation=True))
        client.put_user(person, Facts(personalisation=True))
        liked = [(number * LIKES + step) % ITEMS for step in range(LIKES)]
        events = [Event(person, "like", catalogue, f"item-{item}", event_id=f"like-{item}") for item in liked]
        for result in client.record(events):
            if result.status.code:
                raise BenchFailed(f"an event failed: {result.status.message}")


def verify(client: Client) -> None:
    """What a load generator cannot see, since a call may be OK and its answer empty: recommendations come, and events
    of the writers were learned. Raises BenchFailed."""
    answers = {
        "a person": client.recommend(CATALOGUE, user="load-0"),
        "a photo": client.recommend(CATALOGUE, photo=picture(0)),
    }
    for whom, answer in answers.items():
        if not answer.recommendations:
            raise BenchFailed(f"the recommendation for {whom} is empty; dropped: {list(answer.dropped)}")
    if not any(client.taste(f"writer-{number}", CATALOGUE).events for number in range(PEOPLE)):
        raise BenchFailed("no recorded event was learned")


def vectors(space: common_pb2.Space, count: int, seed: int = 0) -> Iterator[Vector]:
    """`count` points in 100 clusters, unit length in each block, as the embedder's vectors have it."""
    random = np.random.default_rng(seed)
    clusters: list[Rows] = [_units(random.normal(size=(100, block.dimension))) for block in space.blocks]
    for _ in range(count):
        number = int(random.integers(100))
        blocks = [
            _units(centres[number] + random.normal(0, 0.7 / np.sqrt(centres.shape[1]), centres.shape[1]))
            for centres in clusters
        ]
        yield Vector(space.name, np.concatenate(blocks).tolist())


def _units(rows: Rows) -> Rows:
    """Each row (the last axis) with length 1."""
    scaled: Rows = rows / np.linalg.norm(rows, axis=-1, keepdims=True)
    return scaled
