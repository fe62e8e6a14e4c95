"""Filters that let a known share of the rows pass: any rows, or those that lie far from what is asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.indexer import filling
from bench.indexer.data import HIGHEST_PRICE, Bools, Rows, prices
from bench.indexer.space import Float32
from visrec.v1 import common_pb2

STEP_ROWS = 20_000

Means = NDArray[np.float64]


@dataclass(frozen=True)
class Sieve:
    """A filter as a caller says it, and the rows (n,) that it lets pass."""

    message: common_pb2.Filter
    passing: Bools


def anywhere(rows: Rows, share: float) -> Sieve:
    """A share of the rows that has nothing to do with their vectors: those up to a price."""
    return Sieve(common_pb2.Filter(must=[_cheap(share)]), _up_to(len(rows), share))


class Far:
    """Makes sieves of the categories that lie farthest from an aim."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._counts = np.bincount(rows.categories)
        self._means = _means(rows, len(self._counts))

    def sieve(self, aim: Float32, share: float) -> Sieve:
        """A share of the rows: of as many of the farthest categories as are needed, those up to a price."""
        order = np.argsort(self._means @ aim)
        order = order[self._counts[order] > 0]
        wanted, reached = share * len(self._rows), np.cumsum(self._counts[order])
        chosen = order[: int(np.searchsorted(reached, wanted)) + 1]
        part = min(1.0, wanted / float(self._counts[chosen].sum()))
        words = common_pb2.KeywordTest(any_of=[filling.category(number) for number in chosen.tolist()])
        within = common_pb2.Condition(field="category", keyword=words)
        passing = np.isin(self._rows.categories, chosen) & _up_to(len(self._rows), part)
        return Sieve(common_pb2.Filter(must=[within, _cheap(part)]), passing)


def _cheap(share: float) -> common_pb2.Condition:
    return common_pb2.Condition(field="price", range=common_pb2.NumericRange(at_most=share * HIGHEST_PRICE))


def _up_to(count: int, share: float) -> Bools:
    return prices(np.arange(count)) <= share * HIGHEST_PRICE


def _means(rows: Rows, categories: int) -> Means:
    """(categories, D)."""
    sums = np.zeros((categories, rows.space.dimension))
    for start in range(0, len(rows), STEP_ROWS):
        step, of = rows.vectors[start : start + STEP_ROWS], rows.categories[start : start + STEP_ROWS]
        order = np.argsort(of, kind="stable")
        known, firsts = np.unique(of[order], return_index=True)
        sums[known] += np.add.reduceat(step[order].astype(np.float32), firsts, axis=0)
    return sums / np.maximum(np.bincount(rows.categories, minlength=categories), 1)[:, None]
