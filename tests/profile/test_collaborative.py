"""Folding people into the space of collaborative factors."""

from __future__ import annotations

import numpy as np

from services.profile.collaborative.placing import (
    REGULARISATION,
    SLACKED,
    STALE_AFTER,
    Collaborative,
    PutVector,
    fold_in,
    is_fresh,
)
from services.spaces import Block, Float16, Space, canonical

FACTORS = Space("collaborative@0123456789abcdef", (Block("factors", 8),))


def factors(direction: int, seed: int) -> Float16:
    noise = np.random.default_rng(seed).normal(0, 0.2, 8).astype(np.float32)
    noise[direction] += 1
    return canonical(FACTORS.normalise(noise))


def likeness(found: Collaborative | None, direction: int) -> float:
    assert found is not None
    return float(found.vector.astype(np.float32) @ factors(direction, 99).astype(np.float32))


def test_somebody_is_near_what_they_did() -> None:
    found = fold_in([(2.0, factors(0, seed)) for seed in range(4)], FACTORS)
    assert found is not None
    assert abs(np.linalg.norm(found.vector.astype(np.float32)) - 1) < 1e-3
    assert likeness(found, 0) > 0.7
    assert abs(likeness(found, 1)) < 0.4


def test_what_weighs_more_is_nearer() -> None:
    rated = [(1.0, factors(0, 1)), (1.0, factors(0, 2)), (5.0, factors(1, 3)), (5.0, factors(1, 4))]
    found = fold_in(rated, FACTORS)
    assert likeness(found, 1) > likeness(found, 0) > 0


def test_what_is_disliked_is_further_away() -> None:
    liked = [(2.0, canonical(FACTORS.normalise(np.eye(8, dtype=np.float32)[0] + np.eye(8, dtype=np.float32)[1])))] * 3
    disliked = [(-3.0, factors(1, seed)) for seed in range(3)]
    assert likeness(fold_in(liked + disliked, FACTORS), 1) < likeness(fold_in(liked, FACTORS), 1)


def test_it_solves_the_equation() -> None:
    """Equation 4 of Hu, Koren and Volinsky over the person's own rows: its gradient is zero there, up to scale."""
    rated = [(w, factors(d, s)) for s, (w, d) in enumerate([(2.0, 0), (0.5, 3), (-3.0, 5), (5.0, 0)])]
    items = np.stack([f for _, f in rated]).astype(np.float64)
    confidence = np.diag([abs(w) for w, _ in rated])
    preference = np.array([float(w > 0) for w, _ in rated])
    exact = np.linalg.inv(items.T @ confidence @ items + REGULARISATION * np.eye(8)) @ items.T @ confidence @ preference
    found = fold_in(rated, FACTORS)
    assert found is not None
    np.testing.assert_allclose(found.vector, exact / np.linalg.norm(exact), atol=2e-3)


def test_a_person_has_no_slack() -> None:
    """Else they would be near to whatever nobody likes."""
    slacked = Space(FACTORS.name, (Block(SLACKED, 8),))
    rated = [(2.0, factors(7, seed)) for seed in range(4)] + [(2.0, factors(1, seed)) for seed in range(4)]
    found = fold_in(rated, slacked)
    assert found is not None
    assert found.vector[-1] == 0
    assert likeness(found, 1) > 0.4


def test_the_order_of_items_does_not_matter() -> None:
    rated = [(float(1 + seed), factors(seed % 3, seed)) for seed in range(6)]
    one, other = fold_in(rated, FACTORS), fold_in(rated[::-1], FACTORS)
    assert one is not None
    assert other is not None
    np.testing.assert_allclose(one.vector, other.vector, atol=1e-3)


def test_too_few_items_and_only_dislikes_say_nothing() -> None:
    assert fold_in([(2.0, factors(0, 1))] * 2, FACTORS) is None
    assert fold_in([(-3.0, factors(0, seed)) for seed in range(5)], FACTORS) is None


def test_a_vector_that_was_put_wins_until_much_has_been_done_since() -> None:
    put = PutVector(FACTORS.name, factors(0, 1), writes=100)
    assert is_fresh(put, 100 + STALE_AFTER - 1)
    assert not is_fresh(put, 100 + STALE_AFTER)
