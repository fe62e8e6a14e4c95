"""Calibration: fixed curves that bring what signals say onto one scale, so that their weights mean what they say.

A cosine of 0.6 is everyday in one block and nearly the same picture in another. A curve says instead how rare such a
value is in the catalogue; the job `calibrate` fits them (jobs/curves.py has the formula). Curves are piecewise linear
between quantiles and never fall, so what was above stays above.

A curve belongs to one signal and one block and is laid over *each part*, not over the sum of a signal: with s_b the
block's share in the query (w_b / sum |w|) and c_b its cosine, the part s_b * c_b becomes s_b * f(c_b). So parts still
add up exactly. A curve over the sum would leave something that belongs to no block, and every way to divide it among
them would be made up.

Curves are fixed for the whole catalogue and all requests, never fitted to the candidates: a score does not depend on
which others were found.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

MAX_KNOTS = 256
LEAST_STEP = 1e-9
"""Between knots; less would make slopes that are not finite."""


@dataclass(frozen=True)
class Curve:
    """Piecewise linear through (`at`, `to`), m >= 2 knots; beyond its ends it goes on as the nearest piece does.

    `at` rises by LEAST_STEP at least, `to` never falls.
    """

    at: tuple[float, ...]
    to: tuple[float, ...]

    def __post_init__(self) -> None:
        if not 2 <= len(self.at) <= MAX_KNOTS or len(self.at) != len(self.to):
            raise ValueError(f"a curve needs 2 to {MAX_KNOTS} knots, and as many values")
        if not np.isfinite((self.at, self.to)).all():
            raise ValueError("the knots of a curve must be finite")
        if not all(other - one >= LEAST_STEP for one, other in pairwise(self.at)):
            raise ValueError(f"the places of a curve's knots must rise, by {LEAST_STEP} at least")
        if not all(one <= other for one, other in pairwise(self.to)):
            raise ValueError("a curve must not fall")

    def __call__(self, values: Float64) -> Float64:
        """Any shape, to the same."""
        at, to = self.at, self.to
        inside = np.interp(values, at, to)
        first, last = (to[1] - to[0]) / (at[1] - at[0]), (to[-1] - to[-2]) / (at[-1] - at[-2])
        beyond = np.minimum(values - at[0], 0.0) * first + np.maximum(values - at[-1], 0.0) * last
        return np.asarray(inside + beyond, dtype=np.float64)


@dataclass(frozen=True)
class Curves:
    """Those of one catalogue: `of` maps (signal, block) to a curve, block empty for signals without blocks; what has
    none stays as it is. `space`: in which they were fitted, empty for any. `version`: empty when there are no
    curves."""

    version: str = ""
    space: str = ""
    of: Mapping[tuple[str, str], Curve] = field(default_factory=lambda: MappingProxyType({}))

    def fit(self, space: str) -> Curves:
        """These, or none where they belong to another space."""
        return self if self.space in ("", space) else IDENTITY


IDENTITY = Curves()

ANY = "*"
"""Stands for every catalogue that is not named."""


@dataclass(frozen=True)
class Calibration:
    """The curves of every catalogue."""

    catalogues: Mapping[str, Curves] = field(default_factory=lambda: MappingProxyType({}))

    def of(self, catalogue: str, space: str) -> Curves:
        """The curves of a catalogue that is searched in `space`; those of `*` for one that is not named."""
        return (self.catalogues.get(catalogue) or self.catalogues.get(ANY) or IDENTITY).fit(space)


def read(text: str) -> Calibration:
    """The calibration that a job wrote, as JSON.

        {"version": "2026-11-28", "catalogues": {"shop": {"space": "visual@1f0c9a2b", "curves":
            {"photo": {"content": {"at": [0, 1], "to": [0, 1]}}, "popularity": {"": {...}}}}}}

    Raises ValueError, telling where, for anything else.
    """
    told = json.loads(text)
    try:
        version = told["version"]
        if not (isinstance(version, str) and version):
            raise ValueError("version: must be a word")
        return Calibration({name: _curves(version, name, each) for name, each in told["catalogues"].items()})
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a calibration: {error!r}") from error


def _curves(version: str, catalogue: str, told: Mapping[str, Any]) -> Curves:
    curves: dict[tuple[str, str], Curve] = {}
    for signal, blocks in told["curves"].items():
        for block, knots in blocks.items():
            try:
                curves[signal, block] = Curve(tuple(map(float, knots["at"])), tuple(map(float, knots["to"])))
            except ValueError as error:
                raise ValueError(f"catalogues.{catalogue}.curves.{signal}.{block}: {error}") from error
    return Curves(version, told.get("space", ""), MappingProxyType(curves))
