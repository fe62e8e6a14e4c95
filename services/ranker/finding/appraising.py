"""Appraising: what is to be known of each candidate beside its vectors: how popular and how new it is, which rules
hold."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.errors import NotFound
from services.ranker.finding.candidates import Candidates, Float64, decayed, saturated
from services.ranker.finding.material import Material, without
from services.ranker.finding.searching import Haul
from services.ranker.limits import Limits
from services.ranker.order.fusion import POPULARITY_HALF
from services.ranker.others.ports import Found, Profile
from services.ranker.scenes.rules import Rules
from services.ranker.scenes.scene import FRESHNESS, POPULARITY, SEGMENT
from services.ranker.stages import Stages

RULES = "rules"
"""Named among the dropped when the items could not be looked at, so rules that read them did not hold."""


class Appraiser:
    """Asks the profile. `now`: seconds since 1970."""

    def __init__(self, profile: Profile, now: Callable[[], float], limits: Limits) -> None:
        self._profile = profile
        self._now = now
        self._limits = limits

    async def appraise(
        self, stages: Stages, material: Material, haul: Haul, rules: Rules
    ) -> tuple[Mapping[str, float], Candidates]:
        """The weights of the signals that are left, summing to 1, and the candidates with all that is known of them."""
        found, weights = haul.found, material.weights
        numbers: dict[str, Float64] = {}
        lost = list(haul.lost)
        for signal, segment in ((SEGMENT, material.segment), (POPULARITY, "")):
            if signal in weights:
                asked = self._profile.popularity(material.ask.catalogue, found.ids, segment)
                counts = await self._counted(stages, signal, asked)
                if counts is None:
                    lost.append(signal)
                else:
                    numbers[signal] = saturated(counts, POPULARITY_HALF)
        if FRESHNESS in weights and found.traits is not None:
            times = np.array([each.time_s for each in found.traits], dtype=np.float64)
            numbers[FRESHNESS] = decayed(times, self._now(), self._limits.fresh_half_life_s)
        elif FRESHNESS in weights:
            stages.drop(FRESHNESS, "INDEXER_UNAVAILABLE", "the times of the items are not known now")
            lost.append(FRESHNESS)
        left = without(weights, *lost) if lost else weights
        return left, Candidates(found.ids, haul.spaces, numbers, _boosts(stages, found, rules))

    async def _counted(
        self, stages: Stages, signal: str, counts: Coroutine[Any, Any, NDArray[np.float64]]
    ) -> NDArray[np.float64] | None:
        try:
            return await stages.spare("popular", "profile", [signal], counts, self._limits.profile_share)
        except NotFound:
            stages.drop(signal, "NO_SEGMENT", "the person's segment is not there any more")
            return None


def _boosts(stages: Stages, found: Found, rules: Rules) -> Sequence[tuple[str, Float64]]:
    if found.traits is not None:
        return [(boost.signal, boost.amounts(found.traits)) for boost in rules.boosts]
    if rules.look_at_items and found.ids:
        stages.drop(RULES, "INDEXER_UNAVAILABLE", "the items could not be looked at, so boosts and caps do not hold")
    return ()
