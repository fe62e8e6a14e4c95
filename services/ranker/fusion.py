"""Fusion: what each signal says of each candidate, to one ordered answer in which every score is a sum one can read.

For an item x, with signal weights W that sum to 1 over the signals in use,

    score(x) = sum over signals  W_s * value_s(x)

    photo       sum over blocks of the photo's exact parts
    seeds       sum over seeds of (w_i / sum |w|) * parts of seed i; a negative seed pushes away
    taste       the interest that speaks loudest: max over i of  a_i * (parts of interest i)
    popularity  p / (p + POPULARITY_HALF), p = the decayed count of positive events

Interests are alternatives (somebody who likes lamps and sofas does not look for a lamp-sofa), hence the maximum, as in
PinnerSage (Pal et al., KDD 2020), which searches with each medoid by itself. a_i = (weight_i / greatest weight)^(1/10)
tempers: a small interest is heard nearly as well as a large one. The exponent is the best of three on simulated
shoppers, see services/profile/README.md.

The curves are fixed and never fitted to the candidates, so an item's score does not depend on which others were found,
and the top N is a prefix of the top N+1. Pure: no clock, no randomness, no transport.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.ranker.scenes import PHOTO, POPULARITY, SEEDS, SIGNALS, TASTE

Float64 = NDArray[np.float64]

POPULARITY_HALF = 10.0
"""Decayed count at which popularity is worth one half of what it can be worth at most."""

TEMPER = 0.1
"""Exponent of an interest's relative weight; 0 would make all interests equal."""


@dataclass(frozen=True)
class Query:
    """One vector query: its signal (photo, seeds or taste), its name in the answer, and its weight within the signal
    (photo: 1; seeds: any sign; taste: the interest's share, > 0)."""

    signal: str
    name: str
    weight: float = 1.0


@dataclass(frozen=True)
class Candidates:
    """What was found, and what is true of it.

    ids         n different item ids
    queries     q queries
    blocks      names of the b blocks
    parts       (n, q, b) float64, exact: weighed inner product of each block, without the query's own weight
    popularity  (n,) float64, decayed counts, >= 0; all zero when unknown
    """

    ids: Sequence[str]
    queries: Sequence[Query]
    blocks: Sequence[str]
    parts: Float64
    popularity: Float64


@dataclass(frozen=True)
class Part:
    """One term of a score: contribution = weight * value. `query` and `block` are empty for popularity."""

    signal: str
    query: str
    block: str
    weight: float
    value: float
    contribution: float


@dataclass(frozen=True)
class Ranked:
    """An item in its place. `score` is the sum of the contributions of `parts`, added in their order."""

    item_id: str
    score: float
    parts: tuple[Part, ...]


def fuse(candidates: Candidates, weights: Mapping[str, float], n: int) -> list[Ranked]:
    """The best `n` candidates, best first, equal scores by id. `weights`: signal to W_s, summing to 1; a signal that is
    not named does not count. Every candidate must be within `candidates` once."""
    terms = _terms(candidates, weights)
    scores = np.zeros(len(candidates.ids))
    # One term after the other, not np.sum, whose pairwise order would round differently from the order of the parts.
    for term in terms:
        scores += term.weight * term.values
    order = sorted(range(len(candidates.ids)), key=lambda row: (-scores[row], candidates.ids[row]))
    return [Ranked(candidates.ids[row], float(scores[row]), _parts(terms, row)) for row in order[:n]]


@dataclass(frozen=True)
class _Term:
    """One column of all scores. `weight` and `values` are (n,)."""

    signal: str
    query: str
    block: str
    weight: Float64
    values: Float64


def _terms(candidates: Candidates, weights: Mapping[str, float]) -> list[_Term]:
    terms: list[_Term] = []
    for signal in SIGNALS:
        if not (weight := weights.get(signal, 0.0)):
            continue
        if signal == POPULARITY:
            value = candidates.popularity / (candidates.popularity + POPULARITY_HALF)
            terms.append(_Term(POPULARITY, "", "", np.full(len(candidates.ids), weight), value))
            continue
        chosen = [number for number, query in enumerate(candidates.queries) if query.signal == signal]
        if not chosen:
            continue
        shares = _SHARES[signal](candidates, chosen)
        for column, number in enumerate(chosen):
            for at, block in enumerate(candidates.blocks):
                name, values = candidates.queries[number].name, candidates.parts[:, number, at]
                terms.append(_Term(signal, name, block, weight * shares[:, column], values))
    return terms


def _parts(terms: Sequence[_Term], row: int) -> tuple[Part, ...]:
    """Terms of weight zero (interests that are not the loudest) add exactly nothing and are left out."""
    parts = []
    for term in terms:
        weight, value = float(term.weight[row]), float(term.values[row])
        if weight:
            parts.append(Part(term.signal, term.query, term.block, weight, value, weight * value))
    return tuple(parts)


def _photo_shares(candidates: Candidates, chosen: Sequence[int]) -> Float64:
    return np.ones((len(candidates.ids), len(chosen)))


def _seed_shares(candidates: Candidates, chosen: Sequence[int]) -> Float64:
    weights = np.array([candidates.queries[number].weight for number in chosen])
    weights /= np.abs(weights).max()  # so that no sum of finite weights overflows
    return np.tile(weights / np.abs(weights).sum(), (len(candidates.ids), 1))


def _taste_shares(candidates: Candidates, chosen: Sequence[int]) -> Float64:
    weights = np.array([candidates.queries[number].weight for number in chosen])
    tempered = (weights / weights.max()) ** TEMPER
    loudness = candidates.parts[:, chosen, :].sum(axis=2) * tempered
    shares = np.zeros((len(candidates.ids), len(chosen)))
    loudest = loudness.argmax(axis=1)
    shares[np.arange(len(loudest)), loudest] = tempered[loudest]
    return shares


_SHARES = {PHOTO: _photo_shares, SEEDS: _seed_shares, TASTE: _taste_shares}
"""For each vector signal: (n, queries of the signal), the factor of each query in each item's value."""
