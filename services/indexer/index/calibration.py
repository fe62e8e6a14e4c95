"""Measures, on a part itself, what a recall takes.

The queries are rows of the part, each without itself among its neighbours. Scans are held against comparing everything,
walks against long scans, for every mix that they may serve; for others than those scans do what the worst takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from math import ceil

import numpy as np
from numpy.typing import NDArray

from services.indexer.index.effort import Effort, Measured
from services.indexer.index.flat import Near
from services.indexer.index.port import Accuracy, Proceed
from services.indexer.index.settled import SettledPart
from services.spaces import Float32, Space

TARGETS = {Accuracy.FAST: 0.92, Accuracy.BALANCED: 0.98}
"""Recall@10 to be measured here so that 0.90 and 0.97 hold for queries that are no rows of the part."""

GROWN = 2
"""So many times as many rows as were measured make another measurement worth its time."""

LEAST_ROWS = 4096
"""Fewer are compared as quickly."""

NEIGHBOURS = 10
QUERIES = 64
SCANNED = (50, 100, 200, 300, 400, 600, 800, 1200, 1800, 2700, 4000, 6000, 9000)
EFS = (48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
LONG_SCAN = 4096
SAFETY = 1.5
"""The neighbours of a row are found more easily than those of a picture that is new: so many times the effort is made.
"""
SEED = 5

ALIKE = 1e-5
"""Scores that differ by less are equal: they were added up in another order."""

Rows = NDArray[np.int64]
Search = Callable[[Float32, int], Near]
"""(n, D) weighed queries and an effort -> (n, NEIGHBOURS + 1) scores and rows."""


def due(part: SettledPart) -> bool:
    """Whether the part has outgrown what was measured."""
    if part.refined is None or part.rows < LEAST_ROWS:
        return False
    known = part.effort
    return part.rows >= GROWN * known.rows or (part.walkable is not None and not len(known.walks.mixes))


def calibrated(part: SettledPart, space: Space, proceed: Proceed) -> Effort:
    """What recalls take in this part, which must have a sketch."""
    refined = part.refined
    assert refined
    chosen = np.random.default_rng(SEED).choice(part.rows, min(part.rows, QUERIES), replace=False)
    queries = Queries(part.vectors(chosen), chosen, space, proceed)
    exact: Search = lambda weighed, _: part.flat.compare(weighed, NEIGHBOURS + 1, None)  # noqa: E731
    scan: Search = lambda weighed, rows: refined.nearest(weighed, NEIGHBOURS + 1, rows)  # noqa: E731
    scans = _measured(queries, scanned_mixes(space), scan, SCANNED, (exact, 0))
    graph = part.walkable
    if graph is None:
        return Effort(scans, Measured.nothing(len(space.blocks)), part.rows)
    walk: Search = lambda weighed, ef: graph.nearest(weighed, NEIGHBOURS + 1, ef)  # noqa: E731
    return Effort(scans, _measured(queries, walked_mixes(space), walk, EFS, (scan, LONG_SCAN)), part.rows)


def walked_mixes(space: Space) -> Iterator[Float32]:
    """Weights of which the absolute values sum to 1: the default, each block, and pairs and triples in several
    proportions. A walk is not for blocks that push away: its links know only likeness."""
    seen: set[tuple[float, ...]] = set()
    for weights in _grid(len(space.blocks)):
        mix = np.array(weights, np.float32) / sum(weights)
        key = tuple(np.round(mix, 3).tolist())
        if key not in seen:
            seen.add(key)
            yield mix
    yield space.weights({})


def scanned_mixes(space: Space) -> Iterator[Float32]:
    """Those of walks, for which a scan need not do as much as for the worst of all, and each block pushing away."""
    count = len(space.blocks)
    yield from walked_mixes(space)
    for block in range(count):
        against = np.full(count, 1 / count, np.float32)
        against[block] *= -1
        if count > 1:
            yield against


class Queries:
    """`vectors` (n, D) of the rows `own` (n,), as queries."""

    def __init__(self, vectors: Float32, own: Rows, space: Space, proceed: Proceed) -> None:
        self.vectors = vectors
        self.own = own
        self.space = space
        self.proceed = proceed

    def neighbours(self, mix: Float32, search: Search, effort: int) -> Float32:
        """(n, NEIGHBOURS) scores of what a search finds for each, best first, without the query's own row; -inf where
        it finds no more."""
        self.proceed()
        scores, rows = search(self.space.weigh(self.vectors, mix), effort)
        scores = np.where((rows < 0) | (rows == self.own[:, None]), np.float32(-np.inf), scores)
        return -np.sort(-scores, axis=1)[:, :NEIGHBOURS]

    def recall(self, mix: Float32, search: Search, effort: int, true: Float32) -> float:
        """Share of the true neighbours that are found, or others that are as near: of duplicates any will do. Queries
        that have nothing of what the mix looks at count for nothing, for everything is as near to them."""
        asking = self.space.weigh(self.vectors, mix).any(axis=1)
        there = np.isfinite(true)
        least = np.where(there, true, np.inf).min(axis=1, keepdims=True)
        found = self.neighbours(mix, search, effort) >= least - ALIKE
        wanted = there.sum(axis=1)
        asking &= wanted > 0
        return float(np.mean(found.sum(axis=1)[asking] / wanted[asking])) if asking.any() else 1.0


def _measured(
    queries: Queries, mixes: Iterable[Float32], search: Search, efforts: Sequence[int], truth: tuple[Search, int]
) -> Measured:
    """For each mix and accuracy the least of the efforts, ascending, that suffices."""
    wanted = np.array(list(mixes), np.float32)
    enough = {accuracy: np.zeros(len(wanted), np.int32) for accuracy in TARGETS}
    for number, mix in enumerate(wanted):
        true = queries.neighbours(mix, *truth)
        for effort in efforts:
            recall = queries.recall(mix, search, effort, true)
            for accuracy, target in TARGETS.items():
                if recall >= target and not enough[accuracy][number]:
                    enough[accuracy][number] = ceil(SAFETY * effort)
            if recall >= max(TARGETS.values()):
                break
    return Measured(wanted, enough)


def _grid(blocks: int) -> Iterator[tuple[float, ...]]:
    """Every combination of a few weights for up to three blocks; for more, single blocks and pairs."""
    levels = (0.0, 0.1, 0.3, 1.0)
    if blocks <= 3:
        yield from (weights for weights in product(levels, repeat=blocks) if max(weights) == 1)
        return
    for one, other, weight in product(range(blocks), range(blocks), levels):
        yield tuple(1.0 if block == one else weight if block == other else 0.0 for block in range(blocks))
