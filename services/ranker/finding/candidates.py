"""What was found, and what is true of it: the candidates of one answer, out of one space or two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.ranker.others.ports import Found

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Query:
    """One vector query: its signal (one of those with vectors), its name in the answer, and its weight within the
    signal: taste: the interest's share, > 0; seeds and session: any but 0, negative pushes away; photo and
    collaborative: 1."""

    signal: str
    name: str
    weight: float = 1.0


@dataclass(frozen=True)
class Likeness:
    """What the search in one space says of n candidates.

    queries  q queries; those of one signal side by side
    blocks   names of the b blocks
    parts    (n, q, b) float, exact: weighed inner product of each block, without the query's own weight
    shares   (q, b) float64: what the cosine of each block was weighed by; None: not known, which no calibrated signal
             may be
    """

    queries: Sequence[Query]
    blocks: Sequence[str]
    parts: NDArray[np.float64] | NDArray[np.float32]
    shares: Float64 | None = None


@dataclass(frozen=True)
class Candidates:
    """n different items in any order, and what each signal knows of them.

    spaces   one or two, of different signals
    numbers  for each signal without vectors its (n,) values, 0 to 1
    boosts   for each rule its name and (n,) amounts, 0 where it does not apply
    """

    ids: Sequence[str]
    spaces: Sequence[Likeness] = ()
    numbers: Mapping[str, Float64] = field(default_factory=dict)
    boosts: Sequence[tuple[str, Float64]] = ()


def saturated(counts: Float64, half: float) -> Float64:
    """Counts >= 0 to 0..1; `half` of them to 1/2."""
    return counts / (counts + half)


def decayed(times_s: Float64, now_s: float, half_life_s: float) -> Float64:
    """Times of items to their freshness: 1 for now and later, half of it each half-life before; 0 for an unknown
    time."""
    ages = np.maximum(now_s - times_s, 0.0)
    return np.where(times_s > 0, np.exp2(-ages / half_life_s), 0.0)


def missing(found: Found, others: Found) -> list[str]:
    """The items of `others` that are not in `found`."""
    known = set(found.ids)
    return [item_id for item_id in others.ids if item_id not in known]


def aligned(parts: Sequence[Found], ids: Sequence[str]) -> Float64:
    """The parts of several searches of one space as those of `ids`, (n, q, b). What has no vector there is like
    nothing: zero."""
    rows = {item_id: row for row, item_id in enumerate(ids)}
    out = np.zeros((len(ids), *parts[0].parts.shape[1:]))
    for found in parts:
        chosen = [(row, rows[item_id]) for row, item_id in enumerate(found.ids) if item_id in rows]
        if chosen:
            source, target = np.array(chosen).T
            out[target] = found.parts[source]
    return out
