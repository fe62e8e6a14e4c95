"""How much each block matters to somebody: who shops by colour likes things that are alike in colour. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.profile.groups import Group
from services.profile.taste import TasteRules
from services.spaces import Space


def block_weights(items: Sequence[Group], space: Space, rules: TasteRules) -> Mapping[str, float]:  # noqa: ARG001
    """By the name of the block; empty: as to everybody."""
    return {}
