"""What the layers are taught: to bring together what belongs together, and not to forget what looks alike within it.

The first is the supervised contrastive loss (Khosla et al., NeurIPS 2020, the variant with the sum outside of the
logarithm). Alone it draws a group to one point. The second keeps, for each photo, how near the others of its group are
to it by the features as they were: the Kullback-Leibler divergence between both neighbourhoods (Passalis and Tefas,
ECCV 2018). It looks within groups only, so groups are free to part.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

KEPT_TEMPERATURE = 0.05


def contrast(vectors: Tensor, related: Tensor, temperature: float) -> Tensor:
    """Of (n, d) `vectors` of unit norm, and (n, n) which are `related`, none to itself: one number, 0 without any. The
    lower the `temperature`, the more the nearest of the others count."""
    itself = torch.eye(len(vectors), dtype=torch.bool)
    logits = (vectors @ vectors.T / temperature).masked_fill(itself, float("-inf"))
    log_shares = functional.log_softmax(logits, dim=1)
    counts = related.sum(dim=1)
    told = torch.where(related, log_shares, 0.0).sum(dim=1) / counts.clamp(min=1)
    return -told.sum() / (counts > 0).sum().clamp(min=1)


def forgotten(vectors: Tensor, before: Tensor, related: Tensor) -> Tensor:
    """Of (n, d) `vectors` and (n, F) what they were `before`, both of unit norm: 0 where each has its related ones in
    the same proportions as before."""
    several = related.sum(dim=1) > 1
    if not several.any():
        return vectors.sum() * 0
    barred = ~related[several]
    old, new = (
        functional.log_softmax((each[several] @ each.T / KEPT_TEMPERATURE).masked_fill(barred, -1e4), dim=1)
        for each in (before, vectors)
    )
    return functional.kl_div(new, old, log_target=True, reduction="batchmean")
