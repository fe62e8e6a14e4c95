"""How good a space is, asked of items that nothing was fitted to. Pure.

precision   of each query: the share of related items among its ten nearest, of as many as there are where there are
            fewer than ten.
fidelity    of each query: of its ten nearest by the raw features among related items, the share that are among the ten
            nearest related ones in the space, too. It falls where a space knows groups apart and nothing within them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import NamedTuple

import numpy as np

from jobs.head.directions import AT_ONCE, Float16, Float32, Float64
from jobs.head.groups import Flags, Groups, Rows

K = 10
QUERIES_AT_ONCE = 128
BLOCK = 64


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
    """Of each query, (queries,). `things`: what it is a variant of, as the exam numbers them."""

    precision: Float64
    fidelity: Float64
    things: Rows

    @property
    def asked_things(self) -> int:
        """How many different ones were asked."""
        return len(np.unique(self.things))


class _Part(NamedTuple):
    """q queries: their `rows` (q,), and how many of K are `possible` (q,). `related`: (q, m) columns, filled up with
    -1; `wanted`: (q, K) those of them that are nearest by raw features, filled up with -1."""

    rows: Rows
    related: Rows
    wanted: Rows
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

    def only(self, kept: Flags) -> Exam:
        """Among the rows that are `kept`, (n,), numbered by their place among them."""
        return Exam(
            self.groups.renumbered(kept),
            self.raw[kept],
            self.variants[kept],
            (np.cumsum(kept) - 1)[self.queries[kept[self.queries]]],
            self.shelf[kept],
            None if self.apart is None else self.apart[kept],
        )

    def marks(self, view: View, like_raw: View | None = None) -> Marks:
        """Precision of `view`, and the fidelity of `like_raw` (None: the same)."""
        inner = None if like_raw is None else self.scores(like_raw)
        return self.marked(self.scores(view), inner)

    def scores(self, view: View) -> Iterator[Float32]:
        """Of some queries after others against all rows, for `marked`."""
        return (view.scores(part.rows) for part in self._parts)

    def marked(self, scores: Iterable[Float32], like_raw: Iterable[Float32] | None = None) -> Marks:
        """As `marks`, by scores that are known."""
        precision, fidelity = [np.zeros(0)], [np.zeros(0)]
        inner = repeat(None) if like_raw is None else like_raw
        for part, each, other in zip(self._parts, scores, inner, strict=False):
            hits = np.take_along_axis(_flags(part.related, each.shape), self._found(part.rows, each), axis=1)
            kept = _first(each if other is None else other, part.related, part.possible)
            both = (kept[:, :, None] == part.wanted[:, None, :]) & (kept >= 0)[:, :, None]
            precision.append(hits.sum(axis=1) / part.possible)
            fidelity.append(both.sum(axis=(1, 2)) / part.possible)
        things = self.variants[np.concatenate([np.zeros(0, dtype=np.intp), *(part.rows for part in self._parts)])]
        return Marks(np.concatenate(precision), np.concatenate(fidelity), things)

    def _found(self, rows: Rows, scores: Float32) -> Rows:
        """(q, K) what is nearest of all that may be found."""
        return _nearest(np.where(self._barred(rows), -np.inf, scores))

    def _barred(self, rows: Rows) -> Flags:
        """(rows, n)."""
        barred: Flags = (self.variants[rows][:, None] == self.variants) | ~self.shelf
        if self.apart is not None:
            barred |= self.apart[rows][:, None] == self.apart
        return barred

    @cached_property
    def _parts(self) -> list[_Part]:
        """The same for every view."""
        return list(self._asked())

    def _asked(self) -> Iterator[_Part]:
        raw = View((self.raw,), (1.0,))
        for start in range(0, len(self.queries), QUERIES_AT_ONCE):
            rows = self.queries[start : start + QUERIES_AT_ONCE]
            flags = self.groups.related(rows) & ~self._barred(rows)
            asked = flags.any(axis=1)
            if asked.any():
                rows, related = rows[asked], _columns(flags[asked])
                possible = np.minimum((related >= 0).sum(axis=1), K)
                yield _Part(rows, related, _first(raw.scores(rows), related, possible), possible)


def unit(raw: Float16) -> Float16:
    """(n, F) features -> of unit norm."""
    made = np.empty_like(raw)
    for start in range(0, len(raw), AT_ONCE):
        part = raw[start : start + AT_ONCE].astype(np.float32)
        made[start : start + AT_ONCE] = part / np.maximum(np.linalg.norm(part, axis=1, keepdims=True), 1e-6)
    return made


def _nearest(scores: Float32) -> Rows:
    """(rows, K) with the highest scores, in no order; all where there are fewer. Of the K highest none is in another
    BLOCK of columns than the K whose highest are highest, so only these are looked at."""
    width = scores.shape[1]
    if width <= K * BLOCK:
        return np.argpartition(-scores, min(K, width) - 1, axis=1)[:, :K]
    whole = width // BLOCK * BLOCK
    highest = scores[:, :whole].reshape(len(scores), -1, BLOCK).max(axis=2)
    blocks = np.argpartition(-highest, K - 1, axis=1)[:, :K]
    inside = (blocks[:, :, None] * BLOCK + np.arange(BLOCK)).reshape(len(scores), -1)
    columns = np.hstack([inside, np.tile(np.arange(whole, width), (len(scores), 1))])
    chosen = np.argpartition(-np.take_along_axis(scores, columns, axis=1), K - 1, axis=1)[:, :K]
    return np.take_along_axis(columns, chosen, axis=1)


def _first(scores: Float32, columns: Rows, counts: Rows) -> Rows:
    """(rows, K) of the `columns` (rows, m) of each row, those with the highest scores, highest first; -1 beyond the
    `counts` of each row."""
    inner = np.where(columns >= 0, np.take_along_axis(scores, np.maximum(columns, 0), axis=1), -np.inf)
    chosen = _nearest(inner)
    order = np.argsort(-np.take_along_axis(inner, chosen, axis=1), axis=1)
    found = np.take_along_axis(columns, np.take_along_axis(chosen, order, axis=1), axis=1)
    return np.where(np.arange(found.shape[1]) < counts[:, None], found, -1)


def _columns(flags: Flags) -> Rows:
    """(rows, n) -> (rows, m) where each is set, filled up with -1."""
    rows, columns = np.nonzero(flags)
    counts = flags.sum(axis=1)
    found = np.full((len(flags), int(counts.max())), -1, dtype=np.intp)
    found[rows, np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)] = columns
    return found


def _flags(columns: Rows, shape: tuple[int, ...]) -> Flags:
    """The way back."""
    found = np.zeros(shape, dtype=np.bool_)
    rows, at = np.nonzero(columns >= 0)
    found[rows, columns[rows, at]] = True
    return found
