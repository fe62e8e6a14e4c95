"""What goes with a product, or with a taste, in another department: luma's links, in five parts, by clusters.

A *cluster* is of products that have the very same list of links into a department, or that are linked both ways: were
they in different parts, what is asked would be learned, from the twin or from the other end. Products that have some
links in common but not all stay apart: through these all of luma's hang together.

A *taste* is that of somebody who likes three products of one department: what one of them is linked to in the other is
wanted, and an item is as near to the taste as to the nearest of the three, as the ranker has it. Of those that are
asked for one department, no two like the same product.

*Learned* is the block `kind` of a head from the links of other parts; *popular* how many of those lead to an item, as
the ranker counts; *both* is their mean.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.quality.confidence import confidences
from bench.quality.gain import by_chance, ndcg
from bench.quality.trips import Links
from bench.quality.vectors import Vectors
from jobs.head.directions import Scatter
from jobs.head.groups import Groups

SHRINK, SIZE = 0.7, 8
"""Of some hundred pairs."""
FOLDS, SEED = 5, 1
HALF = 0.5
LIKED = 3
POPULARITY_HALF = 10.0
"""Of the ranker."""

Scores = NDArray[np.float64]
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Asked:
    """Rows that are liked, the department that is asked, and what is wanted there."""

    liked: Sequence[int]
    department: str
    wanted: frozenset[int]


@dataclass(frozen=True, eq=False)
class Found:
    """Of each way, (queries,): nDCG@10 and confidence; what chance brings; and (queries,) whose clusters are asked
    with: queries that have one in common are of one unit, for they are not independent."""

    gains: Mapping[str, Scores]
    sure: Mapping[str, Scores]
    chance: float
    units: Rows


def of_products(linked: Links, vectors: Vectors) -> Found:
    """Each product into each department that it has links into."""
    return _found(linked, vectors, 1)


def of_tastes(linked: Links, vectors: Vectors) -> Found:
    """Each three products of a department into each other one that all of them have links into."""
    return _found(linked, vectors, LIKED)


def threes(linked: Links) -> list[Asked]:
    """Those tastes, of all parts."""
    part = _parts(linked)
    return [asked for fold in range(FOLDS) for asked in _asked(linked, part == fold, LIKED)]


def clusters(linked: Links) -> Rows:
    """(products,) which cluster each is of."""
    first = dict[tuple[str, frozenset[int]], int]()
    pairs = list[tuple[int, int]]()
    for (one, department), others in linked.linked.items():
        pairs.append((one, first.setdefault((department, frozenset(others)), one)))
        pairs += [(one, other) for other in others if one in linked.linked.get((other, linked.departments[one]), ())]
    return _joined(pairs, len(linked.products))


def units(linked: Links, every: Sequence[Asked]) -> Rows:
    """(queries,) those that have a cluster in common, or are joined by others that have, are of one unit."""
    cluster = clusters(linked)
    owners = _joined([(cluster[one], cluster[asked.liked[0]]) for asked in every for one in asked.liked], len(cluster))
    return np.array([owners[cluster[asked.liked[0]]] for asked in every], dtype=np.intp)


def _joined(pairs: Iterable[tuple[int, int]], count: int) -> Rows:
    """(count,) the same number for all that pairs join."""
    number = np.arange(count)
    for one, other in pairs:
        number[number == number[one]] = number[other]
    return np.unique(number, return_inverse=True)[1]


def _parts(linked: Links) -> Rows:
    """(products,) in which part each is: whole clusters, those that ask dealt out in turn."""
    cluster = clusters(linked)
    asking = np.unique(cluster[[one for one, _ in linked.linked]])
    part = np.zeros(len(cluster), dtype=np.intp)
    part[np.random.default_rng(SEED).permutation(asking)] = np.arange(len(asking)) % FOLDS
    return part[cluster]


def _found(linked: Links, vectors: Vectors, liked: int) -> Found:
    departments = np.array(linked.departments)
    part = _parts(linked)
    gains, sure = defaultdict[str, list[float]](list), defaultdict[str, list[float]](list)
    chance, every = list[float](), list[Asked]()
    for fold in range(FOLDS):
        ways = _ways(linked, vectors, part != fold)
        for asked in _asked(linked, part == fold, liked):
            there = np.flatnonzero(departments == asked.department)
            right = np.isin(there, list(asked.wanted))[None]
            chance.append(by_chance(right))
            every.append(asked)
            for how, (likeness, worth) in ways.items():
                scores = (likeness[list(asked.liked)][:, there].max(axis=0) + worth[there])[None]
                gains[how].append(float(ndcg(scores, right)[0]))
                sure[how].append(float(confidences(scores)[0]))
    marks, sureness = ({how: np.array(each) for how, each in told.items()} for told in (gains, sure))
    return Found(marks, sureness, float(np.mean(chance)), units(linked, every))


def unit(rows: Scores) -> Scores:
    """(n, d) to the same, of unit length."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9))


def _asked(linked: Links, here: NDArray[np.bool_], liked: int) -> Iterator[Asked]:
    """Of products that are `here`; who is left over when they are dealt out is not asked."""
    lists = defaultdict[tuple[str, str], list[int]](list)
    for one, department in linked.linked:
        if here[one]:
            lists[linked.departments[one], department].append(one)
    random = np.random.default_rng(SEED)
    for (_, department), products in sorted(lists.items()):
        dealt = random.permutation(products)
        for at in range(0, len(dealt) - liked + 1, liked):
            some = dealt[at : at + liked].tolist()
            yield Asked(some, department, frozenset().union(*(linked.linked[one, department] for one in some)))


def _ways(linked: Links, vectors: Vectors, learned: NDArray[np.bool_]) -> dict[str, tuple[Scores, Scores]]:
    """Each as the (products, products) likeness and the (products,) worth that is added."""
    content = vectors.block("content", linked.products)
    raw = np.array([np.frombuffer(vectors.raw[each.name], "<f2") for each in linked.products])
    departments = np.array(linked.departments)
    means = np.array([content[departments == each].mean(axis=0) for each in departments])
    half, centred = unit(content - HALF * means), unit(content - means)
    pairs = [(one, other) for (one, _), others in linked.linked.items() if learned[one] for other in others]
    kind = Scatter.of(raw, Groups.of(pairs, len(raw))).telling(SHRINK, SIZE)(raw).astype(np.float64)
    times = Counter(other for _, other in pairs)
    counts = np.array([float(times[row]) for row in range(len(raw))])
    popular, nothing = counts / (counts + POPULARITY_HALF), np.zeros(len(raw))
    return {
        "naive": (content @ content.T, nothing),
        "half": (half @ half.T, nothing),
        "centred": (centred @ centred.T, nothing),
        "learned": (kind @ kind.T, nothing),
        "popular": (np.zeros_like(content @ content.T), popular),
        "both": (kind @ kind.T / 2, popular / 2),
    }
