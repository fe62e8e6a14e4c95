"""Curves that tell how rare a likeness is in a catalogue, for the ranker's calibration. Pure.

    y(x) = log10(1 / (2 (1 - F(x)))) / 4     above the median of F, the distribution over the catalogue; 0 at the
                                             median, 1 where one in 20,000 is above
    y(x) = -log10(1 / (2 F(x))) / 4          below it

The distribution function itself would be flat where ranking happens, at the top.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

DECADES = 4.0
KNOTS = 33
DIGITS = 6
"""Of a cosine; vectors are kept with three. Knots that are closer would make slopes of rounding noise."""

END = 0.1
"""How much rarer the end of what a cosine can be is than anything that was seen."""

AT_ONCE = 10_000
"""Pairs that are compared at the same time, some 15 MB of a space of 384 dimensions."""

SIGNALS = ("photo", "seeds", "session", "taste")
"""What compares vectors of the visual space with those of items. Interests are centres of a few items and lie a little
closer to everything; they have the same curve, so that they compete with photos on one scale."""


@dataclass(frozen=True)
class Curve:
    """Piecewise linear through (`at`, `to`): `at` rises, `to` never falls."""

    at: tuple[float, ...]
    to: tuple[float, ...]


def fitted(values: Sequence[float] | Float64, knots: int = KNOTS) -> Curve | None:
    """The curve of these cosines; None for fewer than two different ones. Quantiles that coincide become one knot."""
    sample = np.sort(np.round(np.asarray(values, dtype=np.float64), DIGITS))
    if not len(sample):
        return None
    # Closer towards both ends, where the values are that decide; the last ones are one in 2n.
    share = 1.0 / (1.0 + np.exp(-np.linspace(-1, 1, knots) * np.log(max(2.0 * len(sample), 4.0))))
    rarity = np.where(share < 0.5, np.log10(2 * np.minimum(share, 0.5)), -np.log10(2 * np.minimum(1 - share, 0.5)))
    places, first = np.unique(np.quantile(sample, share), return_index=True)
    if len(places) < 2:
        return None
    at, to = places.tolist(), (rarity[first] / DECADES).tolist()
    if at[0] > -1:
        at, to = [-1.0, *at], [to[0] - END, *to]
    if at[-1] < 1:
        at, to = [*at, 1.0], [*to, to[-1] + END]
    return Curve(tuple(at), tuple(to))


def cosines(vectors: NDArray[np.float32], blocks: Mapping[str, int], pairs: int, seed: int) -> dict[str, Float64]:
    """Of each block, the cosines of so many pairs of different rows, taken by chance. `vectors`: (n, D), each block of
    unit norm; `blocks`: names to dimensions, in order. n < 2: none."""
    if len(vectors) < 2:
        return {}
    random = np.random.default_rng(seed)
    one = random.integers(len(vectors), size=pairs)
    other = (one + random.integers(1, len(vectors), size=pairs)) % len(vectors)
    starts = np.cumsum([0, *blocks.values()])[:-1]
    parts = [
        np.add.reduceat(vectors[one[at : at + AT_ONCE]] * vectors[other[at : at + AT_ONCE]], starts, axis=1)
        for at in range(0, pairs, AT_ONCE)
    ]
    return dict(zip(blocks, np.concatenate(parts).T.astype(np.float64), strict=True))


def with_curves(before: str, catalogue: str, space: str, curves: Mapping[str, Curve]) -> tuple[str, str]:
    """The text of the calibration with these curves, by block, of a catalogue in a space, those of other catalogues as
    they were in `before` (empty: none); and its version, which follows from what is in it. Raises ValueError for a
    `before` that is no calibration."""
    try:
        catalogues = dict(json.loads(before)["catalogues"]) if before else {}
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError("the file is there and is no calibration") from error
    blocks = {block: {"at": curve.at, "to": curve.to} for block, curve in curves.items()}
    catalogues[catalogue] = {"space": space, "curves": dict.fromkeys(SIGNALS, blocks)}
    told = json.dumps(catalogues, sort_keys=True)
    version = f"curves-{hashlib.sha256(told.encode()).hexdigest()[:12]}"
    return json.dumps({"version": version, "catalogues": catalogues}, indent=1, sort_keys=True) + "\n", version
