"""What diversity costs and brings: the same photos asked of the ranker with more and more of it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from rich.console import Console
from rich.progress import track

from bench.quality.figure import Figure, Section
from bench.quality.index import share
from bench.quality.picture import Picture
from bench.quality.question import K, Question
from bench.quality.vectors import Vectors
from visrec.connection import Connection
from visrec.v1 import ranker_pb2

DIVERSITIES = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7)


def measure(connection: Connection, questions: list[Question], vectors: Vectors, console: Console) -> Section:
    """From the catalogues that `index.ask` has filled: which share of the ten has the label; how alike the ten are, as
    their mean cosine with the blocks weighed by the defaults; how near they are to the photo, as the mean score; and
    what putting them in order takes of the ranker. Raises VisrecCallError."""
    figures: list[Figure] = []
    for question in questions:
        for diversity in DIVERSITIES:
            title = f"Asking {question.name}, diversity {diversity}"
            found = np.array([
                list(_asked(connection, question, vectors, query, diversity))
                for query in track(question.queries, title, console=console)
            ]).mean(axis=0)  # fmt: skip
            what, asked = f"{question.name}, diversity {diversity}", len(question.queries)
            figures += [
                Figure(what, "precision@10", found[0], asked),
                Figure(what, "alike", found[1], asked),
                Figure(what, "score", found[2], asked),
                Figure(what, "order, ms", found[3], asked, unit="points"),
            ]
    return Section("diversity of ten recommendations for a photo", figures)


def _asked(
    connection: Connection, question: Question, vectors: Vectors, query: Picture, diversity: float
) -> Iterator[float]:
    vector = vectors.by_name[query.name]
    request = ranker_pb2.RecommendRequest(
        catalogue=question.name.partition(":")[0],
        photo_vector=vector.message(),
        n=K,
        diversity=diversity,
        exclude_item_ids=[query.name],
        signal_weights={"popularity": 0.0},
        skip_freezing=True,
    )
    answer = connection.call(connection.ranker.Recommend, request)
    shown = answer.recommendations
    yield share(shown, query.labels[question.label]) / K
    yield _likeness(vectors, [each.item.id for each in shown])
    yield float(np.mean([each.score for each in shown]))
    yield sum(cost.ms for cost in answer.costs if cost.stage == "fuse")


def _likeness(vectors: Vectors, names: list[str]) -> float:
    """The mean cosine of all pairs."""
    weights = np.repeat(
        [block.default_weight for block in vectors.space.blocks], [block.dimension for block in vectors.space.blocks]
    )
    rows = np.array([vectors.by_name[name].numbers for name in names]) * np.sqrt(weights)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return float((np.sum(rows @ rows.T) - len(rows)) / (len(rows) * (len(rows) - 1)))
