"""Whether a photo of one domain finds what goes with it in another: nDCG@10 over pairs that exist (`trips`).

*Naive*: likeness of content as it is. *Centred*: less the mean of each domain; *half*: less half of it. *Learned*: the
block `kind` of a head whose groups are pairs of other products (five parts in turn), with nothing said about domains:
pairs that cross them make what tells domains apart scatter within groups, which its directions leave out. *Popular*:
how often other products are linked to it; *both*: that and learned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.quality.figure import Figure, Section
from bench.quality.question import K
from bench.quality.trips import Links, Trip
from bench.quality.vectors import Vectors
from jobs.head.directions import Scatter
from jobs.head.gate import interval
from jobs.head.groups import Groups

SHRINK, SIZE = 0.7, 8
"""Of some hundred pairs."""
FOLDS, SEED = 5, 1
HALF = 0.5

Scores = NDArray[np.float64]
Flags = NDArray[np.bool_]


def measure(linked: Links | None, trips: Sequence[Trip], vectors: Vectors) -> Section:
    """Every trip; `linked`: luma's, if there are any."""
    figures = of_links(linked, vectors) if linked else []
    for trip in trips:
        source, target = (vectors.block("content", side) for side in (trip.source, trip.target))
        scores = {
            "naive": source @ target.T,
            "half": _alike(source, target, HALF),
            "centred": _alike(source, target, 1),
        }
        gains = {how: ndcg(each, trip.right) for how, each in scores.items()}
        figures += _figures(trip.name, by_chance(trip.right), gains, "half")
    return Section("across domains: nDCG@10 (gain: of learned or half over naive)", figures)


def of_links(linked: Links, vectors: Vectors) -> list[Figure]:
    """Each product into each department that it has links into."""
    content = vectors.block("content", linked.products)
    raw = np.array([np.frombuffer(vectors.raw[each.name], "<f2") for each in linked.products])
    departments = np.array(linked.departments)
    means = np.array([content[departments == each].mean(axis=0) for each in departments])
    half, centred = _unit(content - HALF * means), _unit(content - means)
    part = np.random.default_rng(SEED).integers(FOLDS, size=len(departments))
    found: dict[str, list[float]] = {}
    chance: list[float] = []
    for fold in range(FOLDS):
        pairs = [(one, other) for (one, _), others in linked.linked.items() if part[one] != fold for other in others]
        kind = Scatter.of(raw, Groups.of(pairs, len(raw))).telling(SHRINK, SIZE)(raw).astype(np.float64)
        times = Counter(other for _, other in pairs)
        popular = np.log1p([times[row] for row in range(len(raw))])
        ways = {
            "naive": content @ content.T,
            "half": half @ half.T,
            "centred": centred @ centred.T,
            "learned": kind @ kind.T,
            "popular": np.tile(popular, (len(raw), 1)),
            "both": popular + kind @ kind.T,
        }
        for (one, department), others in linked.linked.items():
            if part[one] == fold:
                there = np.flatnonzero(departments == department)
                right = np.isin(there, list(others))[None]
                chance.append(by_chance(right))
                for how, scores in ways.items():
                    found.setdefault(how, []).append(float(ndcg(scores[None, one, there], right)[0]))
    marks = {how: np.array(values) for how, values in found.items()}
    return _figures("links", float(np.mean(chance)), marks, "learned")


def ndcg(scores: Scores, right: Flags) -> Scores:
    """(queries, targets) -> of each query that has a right target: discounted gain of its first ten, of what it could
    be (Järvelin and Kekäläinen, TOIS 20, 2002)."""
    asked = right.any(axis=1)
    scores, right = scores[asked], right[asked]
    order = np.argsort(-scores, axis=1, kind="stable")[:, :K]
    worth = 1 / np.log2(np.arange(2, K + 2))
    gain = (np.take_along_axis(right, order, axis=1) * worth[: order.shape[1]]).sum(axis=1)
    return np.asarray(gain / np.cumsum(worth)[np.minimum(right.sum(axis=1), K) - 1])


def by_chance(right: Flags) -> float:
    """What any order brings on average."""
    asked = right[right.any(axis=1)]
    worth = np.cumsum(1 / np.log2(np.arange(2, K + 2)))
    whole = worth[min(K, right.shape[1]) - 1]
    return float(np.mean(asked.mean(axis=1) * whole / worth[np.minimum(asked.sum(axis=1), K) - 1]))


def _alike(source: Scores, target: Scores, share: float) -> Scores:
    one, other = (_unit(side - share * side.mean(axis=0)) for side in (source, target))
    return np.asarray(one @ other.T)


def _unit(rows: Scores) -> Scores:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9))


def _figures(what: str, chance: float, marks: dict[str, Scores], better: str) -> list[Figure]:
    asked = len(marks["naive"])
    low, high = interval(marks[better] - marks["naive"])
    means = [Figure(what, how, float(values.mean()), asked) for how, values in marks.items()]
    bounds = [Figure(what, "gain", low, asked), Figure(what, "to", high, asked)]
    return [Figure(what, "chance", chance, asked), *means, *bounds]
