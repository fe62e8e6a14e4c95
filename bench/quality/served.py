"""The same asked of the running services: what the ranker answers into a domain, and how sure it says it is.

Where `domains` computes likeness and confidence by itself, these come with the answer, by the scene `balanced`: for
photos from the ranker alone, for tastes by way of three likes at the profile service.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from rich.console import Console
from rich.progress import track

from bench import sample
from bench.failure import BenchFailed
from bench.quality.confidence import ENOUGH, Answers
from bench.quality.gain import ndcg
from bench.quality.links import Asked, Rows, threes, units
from bench.quality.picture import Picture
from bench.quality.question import K
from bench.quality.trips import Links, Trip
from bench.quality.vectors import Vectors
from visrec.client import Client
from visrec.items import NewItem
from visrec.people import Event, Facts
from visrec.v1 import profile_pb2, ranker_pb2

TRIPS, DEPARTMENTS = "trips", "departments"
"""Catalogues: of all targets, with a domain for each trip; of luma's products, with one for each department."""


def of_trips(client: Client, trips: Sequence[Trip], vectors: Vectors, console: Console) -> list[Answers]:
    """Each source into the domain of its targets. Raises BenchFailed, VisrecCallError."""
    sample.create(client, TRIPS)
    answers = []
    for trip in trips:
        items = (NewItem(each.name, vectors=[vectors.by_name[each.name]], domain=trip.name) for each in trip.target)
        sample.ingest(client, TRIPS, items, lambda: None)
        names = {each.name: row for row, each in enumerate(trip.target)}
        marks = []
        asked = np.flatnonzero(trip.right.any(axis=1)).tolist()
        for row in track(asked, f"Asking {trip.name}", console=console):
            answer = client.recommend(TRIPS, vector=vectors.by_name[trip.source[row].name], domains=[trip.name], n=K)
            marks.append(_mark(answer, names, trip.right[row].nonzero()[0].tolist()))
        answers.append(_answers(f"{trip.name} served", marks))
    return answers


def of_tastes(client: Client, linked: Links, vectors: Vectors, console: Console) -> list[Answers]:
    """What somebody with three likes in one department is told of another. Raises BenchFailed, VisrecCallError."""
    sample.create(client, DEPARTMENTS)
    sample.ingest(client, DEPARTMENTS, _products(linked, vectors), lambda: None)
    names = {each.name: row for row, each in enumerate(linked.products)}
    marks, every = [], threes(linked)
    for number, asked in enumerate(track(every, "Asking for tastes", console=console)):
        user = f"taste {number}"
        client.put_user(user, Facts(personalisation=True))
        for result in client.record(_likes(user, asked, linked.products)):
            if result.outcome != profile_pb2.EVENT_OUTCOME_LEARNED:
                raise BenchFailed(f"an event was not learned from: {result.status.message or result.outcome}")
        answer = client.recommend(
            DEPARTMENTS, user=user, domains=[asked.department], n=K, signal_weights={"popularity": 0.0}
        )
        marks.append(_mark(answer, names, asked.wanted))
    return [_answers("taste served", marks, units(linked, every))]


def _products(linked: Links, vectors: Vectors) -> Iterator[NewItem]:
    for each, department in zip(linked.products, linked.departments, strict=True):
        yield NewItem(each.name, vectors=[vectors.by_name[each.name]], domain=department)


def _likes(user: str, asked: Asked, products: Sequence[Picture]) -> list[Event]:
    return [Event(user, "like", DEPARTMENTS, products[row].name, event_id=str(row)) for row in asked.liked]


def _mark(
    answer: ranker_pb2.RecommendResponse, names: dict[str, int], wanted: Sequence[int] | frozenset[int]
) -> tuple[float, float]:
    """How sure it is, and its nDCG@10."""
    if not answer.HasField("confidence"):
        raise BenchFailed("an answer into a domain does not say how sure it is")
    scores, right = np.full((1, len(names)), -np.inf), np.zeros((1, len(names)), dtype=np.bool_)
    for each in answer.recommendations:
        scores[0, names[each.item.id]] = -each.rank
    right[0, list(wanted)] = True
    return answer.confidence, float(ndcg(scores, right)[0])


def _answers(what: str, marks: Sequence[tuple[float, float]], units: Rows | None = None) -> Answers:
    sure, gains = np.array(marks).T
    return Answers(what, sure, gains, tells=len(marks) >= ENOUGH, units=units)
