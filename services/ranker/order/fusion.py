"""Fusion: what each signal says of each candidate, to scores that are sums one can read.

For an item x, with signal weights W that sum to 1 over the signals in use,

    score(x) = sum over signals  W_s * value_s(x)  +  sum over rules  amount_r(x)

    photo          sum over blocks of the photo's parts
    seeds          sum over seeds of (w_i / sum |w|) * parts of seed i; a negative seed pushes away
    session        the loudest positive event, a_i * parts, less the loudest negative one; a_i = |weight_i| / greatest
    taste          the interest that speaks loudest: max over i of  a_i * (parts of interest i)
    collaborative  parts of the person's vector in the collaborative space
    segment, popularity, freshness    their value, 0 to 1

Interests are alternatives (somebody who likes lamps and sofas does not look for a lamp-sofa), hence the maximum, as in
PinnerSage (Pal et al., KDD 2020), which searches with each medoid by itself. a_i = (weight_i / greatest weight)^(1/10)
tempers: a small interest is heard nearly as well as a large one. The exponent is the best of three on simulated
shoppers, see services/profile/README.md. What was done in a session are alternatives, too, but the latest one is meant.

Values are calibrated by fixed curves (`calibration`), never fitted to the candidates, so a score does not depend on
which others were found, and the top N is a prefix of the top N+1. Pure: no clock, no randomness, no transport.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.ranker.finding.candidates import Candidates, Likeness, Query
from services.ranker.order.calibration import IDENTITY, Curves
from services.ranker.ranking import Column, Ranking
from services.ranker.scenes.scene import COLLABORATIVE, PHOTO, SEEDS, SESSION, SIGNALS, TASTE

Float64 = NDArray[np.float64]

POPULARITY_HALF = 10.0
"""Decayed count at which popularity is worth one half of what it can be worth at most."""

TEMPER = 0.1
"""Exponent of an interest's relative weight; 0 would make all interests equal."""


@dataclass(frozen=True)
class Table:
    """Every term of every score: c columns of n candidates.

    weights, values  (c, n) float64; the score is the sum of weights * values, added one column after the other
    """

    columns: Sequence[Column]
    weights: Float64
    values: Float64

    def scores(self) -> Float64:
        """(n,)."""
        if not self.columns:
            return np.zeros(self.values.shape[1])
        # One after the other, as a reader of the parts adds them up; `sum` may go by pairs.
        contributions = self.weights * self.values
        scores: Float64 = contributions[0]
        for contribution in contributions[1:]:
            scores += contribution
        return scores

    def ranking(self, ids: Sequence[str], rows: Sequence[int], scores: Float64) -> Ranking:
        """The ranking in which the candidates of these rows stand in this order."""
        at = np.array(rows, dtype=np.intp)
        return Ranking(
            [ids[row] for row in rows],
            scores[at],
            self.columns,
            self.weights.take(at, axis=1).T,
            self.values.take(at, axis=1).T,
        )


def weighted_sum(candidates: Candidates, weights: Mapping[str, float], curves: Curves = IDENTITY) -> Table:
    """The terms of the sums above. `weights`: signal to W_s > 0, summing to 1; a signal that is not named does not
    count, and is best left out of the candidates."""
    n = len(candidates.ids)
    columns: list[Column] = []
    term_weights: list[Float64] = []
    values: list[Float64] = []
    spoken = {query.signal: likeness for likeness in candidates.spaces for query in likeness.queries}
    for signal in SIGNALS:
        weight = weights.get(signal, 0.0)
        if not weight:
            continue
        if signal in candidates.numbers:
            columns.append(Column(signal))
            term_weights.append(np.full((1, n), weight))
            values.append(_curved(candidates.numbers[signal], signal, curves)[None])
        elif signal in spoken:
            chosen, said = _said(spoken[signal], signal, curves)
            columns += [Column(signal, query.name, block) for query in chosen for block in spoken[signal].blocks]
            factors = weight * _FACTORS[signal](said, chosen)
            term_weights.append(np.repeat(factors, said.shape[1], axis=0))
            values.append(said.reshape(said.shape[0] * said.shape[1], n))
    for name, amounts in candidates.boosts:
        columns.append(Column(name))
        term_weights.append((amounts != 0).astype(np.float64)[None])
        values.append(amounts[None])
    if not columns:
        return Table((), np.zeros((0, n)), np.zeros((0, n)))
    return Table(columns, np.concatenate(term_weights), np.concatenate(values))


def best(ids: Sequence[str], scores: Float64, most: int) -> list[int]:
    """The rows of the best `most`, best first, equal scores by id."""
    rows = np.arange(len(ids))
    if most < len(ids):
        # All that are as good as the last one that fits, so that ids decide among equals.
        rows = np.flatnonzero(scores >= np.partition(scores, len(ids) - most)[len(ids) - most])
    rows = rows[np.argsort(-scores[rows], kind="stable")]
    sorted_scores = scores[rows]
    if (sorted_scores[1:] == sorted_scores[:-1]).any():
        return sorted(rows.tolist(), key=lambda row: (-scores[row], ids[row]))[:most]
    chosen: list[int] = rows[:most].tolist()
    return chosen


def _said(likeness: Likeness, signal: str, curves: Curves) -> tuple[list[Query], Float64]:
    """The queries of a signal, and its calibrated parts as (queries, blocks, n)."""
    chosen = [number for number, query in enumerate(likeness.queries) if query.signal == signal]
    first, last = chosen[0], chosen[-1] + 1
    said = likeness.parts[:, first:last].transpose(1, 2, 0).astype(np.float64, order="C")
    for at, block in enumerate(likeness.blocks):
        curve = curves.of.get((signal, block))
        if curve is not None and likeness.shares is not None:
            shares = likeness.shares[first:last, at, None]
            safe = np.where(shares == 0, 1.0, shares)
            said[:, at] = shares * curve(said[:, at] / safe)
    return [likeness.queries[number] for number in chosen], said


def _curved(values: Float64, signal: str, curves: Curves) -> Float64:
    curve = curves.of.get((signal, ""))
    return values if curve is None else curve(values)


def _alone(said: Float64, queries: Sequence[Query]) -> Float64:
    return np.ones((len(queries), said.shape[2]))


def _seeds(said: Float64, queries: Sequence[Query]) -> Float64:
    weights = np.array([query.weight for query in queries])
    weights /= np.abs(weights).max()  # so that no sum of finite weights overflows
    factors: Float64 = np.repeat((weights / np.abs(weights).sum())[:, None], said.shape[2], axis=1)
    return factors


def _taste(said: Float64, queries: Sequence[Query]) -> Float64:
    weights = np.array([query.weight for query in queries])
    return _loudest(said, (weights / weights.max()) ** TEMPER)


def _session(said: Float64, queries: Sequence[Query]) -> Float64:
    weights = np.array([query.weight for query in queries])
    weights /= np.abs(weights).max()
    drawing, pushing = np.maximum(weights, 0), np.maximum(-weights, 0)
    return _loudest(said, drawing) - _loudest(said, pushing)


def _loudest(said: Float64, heard: Float64) -> Float64:
    """(queries, n): for each item the `heard` of the query that speaks loudest for it, among those that are heard at
    all; 0 for the others."""
    factors = np.zeros((said.shape[0], said.shape[2]))
    if not heard.any():
        return factors
    loudness = np.where(heard[:, None] > 0, said.sum(axis=1) * heard[:, None], -np.inf)
    loudest = loudness.argmax(axis=0)
    factors[loudest, np.arange(said.shape[2])] = heard[loudest]
    return factors


_FACTORS = {PHOTO: _alone, SEEDS: _seeds, SESSION: _session, TASTE: _taste, COLLABORATIVE: _alone}
"""For each signal with vectors: calibrated (queries, blocks, n) to the (queries, n) factor of each query in each
value."""
