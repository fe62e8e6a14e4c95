"""How good a space is, asked of items that nothing was fitted to. Pure.

precision   of each query: the share of related items among its ten nearest, of as many as there are where there are
            fewer than ten.
fidelity    of each query: of its ten nearest by the raw features among related items, the share that are among the ten
            nearest related ones in the space, too. It falls where a space knows groups apart and nothing within them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from jobs.head.directions import AT_ONCE, Float16, Float32, Float64
from jobs.head.groups import Flags, Groups, Rows

K = 10
QUERIES_AT_ONCE = 128


@dataclass(frozen=True, eq=False)
class View:
    """Vectors as a query sees them: `blocks`, each (n, d) float16 of unit norm, and their weights."""

    blocks: tuple[Float16, ...]
    weights: tuple[float, ...]

    def scores(self, rows: Rows) -> Float32:
        """(rows, n), of the given rows against all."""
        found = np.zeros((len(rows), len(self.blocks[0])), dtype=np.float32)
        for block, weight in zip(self.blocks, self.weights, strict=True):
            if weight:
                queries = np.float32(weight) * block[rows].astype(np.float32)
                for start in range(0, len(block), AT_ONCE):
                    found[:, start : start + AT_ONCE] += queries @ block[start : start + AT_ONCE].astype(np.float32).T
        return found


@dataclass(frozen=True, eq=False)
class Marks:
    """Of each query, (queries,)."""

    precision: Float64
    fidelity: Float64


class _Part(NamedTuple):
    """Some queries: (q,) their rows, and (q, n) what is related, barred, and nearest by raw features; (q,) how many of
    K there are."""

    rows: Rows
    related: Flags
    barred: Flags
    wanted: Flags
    possible: Rows


@dataclass(frozen=True, eq=False)
class Exam:
    """`groups` say what is related. `raw`: (n, F) features of unit norm. `variants`: (n,) items of the same number are
    one thing and never each other's neighbours. `queries`: rows that are asked; one without related items is not.
    `shelf`: (n,) the rows that can be found. `apart`: (n,)
    rows of the same number are not looked for either; None: all are."""

    groups: Groups
    raw: Float16
    variants: Rows
    queries: Rows
    shelf: Flags
    apart: Rows | None = None

    def marks(self, view: View, like_raw: View | None = None) -> Marks:
        """Precision of `view`, and the fidelity of `like_raw` (None: the same)."""
        precision, fidelity = [np.zeros(0)], [np.zeros(0)]
        for part in self._parts:
            scores = view.scores(part.rows)
            inner = scores if like_raw is None else like_raw.scores(part.rows)
            nearest = _nearest(np.where(part.barred, -np.inf, scores))
            hits = np.take_along_axis(part.related, nearest, axis=1).sum(axis=1)
            kept = _first(np.where(part.related, inner, -np.inf), part.possible)
            precision.append(hits / part.possible)
            fidelity.append((kept & part.wanted).sum(axis=1) / part.possible)
        return Marks(np.concatenate(precision), np.concatenate(fidelity))

    @cached_property
    def _parts(self) -> list[_Part]:
        """The same for every view."""
        return list(self._asked())

    def _asked(self) -> Iterator[_Part]:
        raw = View((self.raw,), (1.0,))
        for start in range(0, len(self.queries), QUERIES_AT_ONCE):
            rows = self.queries[start : start + QUERIES_AT_ONCE]
            barred = (self.variants[rows][:, None] == self.variants) | ~self.shelf
            if self.apart is not None:
                barred |= self.apart[rows][:, None] == self.apart
            related = self.groups.related(rows) & ~barred
            asked = related.any(axis=1)
            if asked.any():
                rows, related, barred = rows[asked], related[asked], barred[asked]
                possible = np.minimum(related.sum(axis=1), K)
                wanted = _first(np.where(related, raw.scores(rows), -np.inf), possible)
                yield _Part(rows, related, barred, wanted, possible)


def unit(raw: Float16) -> Float16:
    """(n, F) features -> of unit norm."""
    made = np.empty_like(raw)
    for start in range(0, len(raw), AT_ONCE):
        part = raw[start : start + AT_ONCE].astype(np.float32)
        made[start : start + AT_ONCE] = part / np.maximum(np.linalg.norm(part, axis=1, keepdims=True), 1e-6)
    return made


def _nearest(scores: Float32) -> Rows:
    """(rows, K) with the highest scores, in no order."""
    width = scores.shape[1]
    return np.argpartition(-scores, min(K, width) - 1, axis=1)[:, :K]


def _first(scores: Float32, counts: Rows) -> Flags:
    """(rows, n): those with the highest scores, `counts` of each row, at most K."""
    chosen = _nearest(scores)
    order = np.argsort(-np.take_along_axis(scores, chosen, axis=1), axis=1)
    chosen = np.take_along_axis(chosen, order, axis=1)
    found = np.zeros(scores.shape, dtype=np.bool_)
    np.put_along_axis(found, chosen, np.arange(chosen.shape[1]) < counts[:, None], axis=1)
    return found
