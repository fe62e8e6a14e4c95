"""Candidates and weights for properties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.ranker.finding.candidates import Candidates, Likeness, Query
from services.ranker.finding.material import rescaled
from services.ranker.order.calibration import Curve, Curves
from services.ranker.others.ports import Found
from services.ranker.scenes.scene import (
    COLLABORATIVE,
    FRESHNESS,
    PHOTO,
    POPULARITY,
    SEEDS,
    SEGMENT,
    SESSION,
    SIGNALS,
    TASTE,
)
from services.spaces import Block, Float16, Space
from tests.ranker.fakes import FakeTraits

BLOCKS = ("content", "colour")
QUERIES = (
    Query(PHOTO, "photo"),
    Query(SEEDS, "seed-1", 1.0),
    Query(SEEDS, "seed-2", -0.5),
    Query(SESSION, "session-1", 2.0),
    Query(SESSION, "session-2", -3.0),
    Query(SESSION, "session-3", 0.5),
    Query(TASTE, "interest-1", 0.7),
    Query(TASTE, "interest-2", 0.3),
)
REPELLING = {number for number, query in enumerate(QUERIES) if query.weight < 0}
SHARES = np.tile([0.75, 0.25], (len(QUERIES), 1))
TOGETHER = Query(COLLABORATIVE, COLLABORATIVE)
PLAIN = (SEGMENT, POPULARITY, FRESHNESS)
SPACE = Space("toy@00000001", (Block("content", 2), Block("colour", 2)))

Weights = Mapping[str, float]

weights = st.dictionaries(st.sampled_from(SIGNALS), st.floats(0.01, 1), min_size=1).map(rescaled)


@st.composite
def candidates(draw: st.DrawFn, least: int = 1, most: int = 12, digits: int = 0) -> Candidates:
    """Of two spaces, with every signal and two rules. `digits` of their values; 0: some, so that some are equal."""
    ids = draw(st.lists(st.text("abcdef", min_size=1, max_size=3), unique=True, min_size=least, max_size=most))
    n = len(ids)

    # From one seed: to draw hundreds of numbers one by one takes a hundred times as long.
    random = np.random.default_rng(draw(st.integers(0, 2**32)))

    def numbers(least: float, greatest: float, *shape: int) -> NDArray[np.float64]:
        return random.uniform(least, greatest, shape).round(digits or draw(st.integers(1, 3)))

    return Candidates(
        ids,
        [
            Likeness(QUERIES, BLOCKS, numbers(-1, 1, n, len(QUERIES), len(BLOCKS)), SHARES),
            Likeness([TOGETHER], ["factors"], numbers(-1, 1, n, 1, 1), np.ones((1, 1))),
        ],
        {signal: numbers(0, 1, n) for signal in PLAIN},
        [("rule:up", random.choice([0.0, 0.2], n)), ("rule:down", random.choice([0.0, -0.3], n))],
    )


@st.composite
def curve(draw: st.DrawFn) -> Curve:
    at = sorted(draw(st.sets(st.integers(-10, 10), min_size=2, max_size=6)))
    to = sorted(draw(st.lists(st.floats(-2, 2), min_size=len(at), max_size=len(at))))
    return Curve(tuple(place / 10 for place in at), tuple(to))


curves = st.builds(
    lambda of: Curves("v1", "", of),
    st.dictionaries(
        st.sampled_from(
            [(PHOTO, "content"), (TASTE, "colour"), (SESSION, "content"), (POPULARITY, ""), (COLLABORATIVE, "factors")]
        ),
        curve(),
    ),
)


@st.composite
def kinds(draw: st.DrawFn, n: int) -> list[FakeTraits]:
    """Categories and groups of n items, some without."""
    names = st.sampled_from(["", "x", "y"])
    return [FakeTraits(category=draw(names), group_id=draw(names)) for _ in range(n)]


@st.composite
def vectors(draw: st.DrawFn, n: int) -> Float16:
    """(n, 4) canonical vectors of SPACE, some equal."""
    angles = draw(st.lists(st.integers(0, 7), min_size=2 * n, max_size=2 * n))
    turned = np.array(angles, np.float64).reshape(n, 2) * np.pi / 8
    both = np.concatenate(
        [np.cos(turned[:, :1]), np.sin(turned[:, :1]), np.cos(turned[:, 1:]), np.sin(turned[:, 1:])], 1
    )
    return np.asarray(both, np.float16)


def chosen_rows(found: Candidates, rows: Sequence[int]) -> Candidates:
    """The same candidates in another order, or fewer of them."""
    at = list(rows)
    return Candidates(
        [found.ids[row] for row in at],
        [replace(space, parts=space.parts[at]) for space in found.spaces],
        {signal: values[at] for signal, values in found.numbers.items()},
        [(name, amounts[at]) for name, amounts in found.boosts],
    )


def found_of(
    given: Candidates, with_vectors: Float16 | None = None, traits: Sequence[FakeTraits] | None = None
) -> Found:
    """What placing needs beside the candidates."""
    return Found(given.ids, BLOCKS, np.zeros((len(given.ids), 0, 0)), "", with_vectors, traits)
