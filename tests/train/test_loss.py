"""What the losses ask for."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from train.loss import contrast, forgotten

TWO_GROUPS = torch.block_diag(torch.ones(3, 3), torch.ones(3, 3)).bool() & ~torch.eye(6, dtype=torch.bool)


def vectors(seed: int) -> torch.Tensor:
    return functional.normalize(torch.tensor(np.random.default_rng(seed).normal(size=(6, 4)), dtype=torch.float32))


def test_groups_that_are_apart_cost_less() -> None:
    apart = functional.normalize(torch.eye(4)[[0, 0, 0, 1, 1, 1]] + 0.01 * vectors(1))
    assert contrast(apart, TWO_GROUPS, 0.1) < contrast(vectors(2), TWO_GROUPS, 0.1)


def test_nothing_related_costs_nothing() -> None:
    nobody = torch.zeros(6, 6, dtype=torch.bool)
    assert contrast(vectors(1), nobody, 0.1) == 0
    assert forgotten(vectors(1), vectors(2), nobody) == 0


def test_what_stayed_as_it_was_is_not_forgotten() -> None:
    one = vectors(1)
    assert forgotten(one, one, TWO_GROUPS).abs() < 1e-6
    assert forgotten(vectors(2), one, TWO_GROUPS) > 0.01


def test_groups_may_part_without_being_forgotten() -> None:
    one = vectors(1)
    parted = torch.cat([torch.cat([one[:3], torch.zeros(3, 4)], 1), torch.cat([torch.zeros(3, 4), one[3:]], 1)])
    assert forgotten(parted, one, TWO_GROUPS).abs() < 1e-6


def test_gradients_are_finite() -> None:
    free = vectors(3).requires_grad_()
    (contrast(functional.normalize(free), TWO_GROUPS, 0.1) + forgotten(free, vectors(1), TWO_GROUPS)).backward()
    assert free.grad is not None
    assert torch.isfinite(free.grad).all()
