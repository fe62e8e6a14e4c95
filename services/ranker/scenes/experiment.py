"""Experiments: other weights of a scene, tried on some of the people.

Who has which is a hash of the experiment's name and of the person's id: nothing is kept, somebody has the same variant
each time and on every replica, and two experiments are drawn independently (Tang et al., KDD 2010, call the name the
salt of a layer). Exposure begins with the answer, not with what the person consents to, so that consent, which may
depend on what they were shown, cannot tell the groups apart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.errors import InvalidInput
from services.ranker.scenes.name import check_name

CONTROL = "control"
"""The variant of those who have the scene's own weights."""

MAX_VARIANTS = 8
SLACK = 1e-9
"""By which shares may sum to more than 1: three thirds in binary."""


@dataclass(frozen=True)
class Variant:
    """`share`: of people, 0 to 1. `signals`, `blocks`: as those of a scene; empty: those of the scene."""

    name: str
    share: float
    signals: Mapping[str, float] = field(default_factory=dict)
    blocks: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Experiment:
    """What the variants leave of 1 is the share of CONTROL."""

    name: str
    variants: Sequence[Variant]

    def variant_of(self, user_id: str) -> Variant:
        """Theirs; CONTROL without weights for those whom none of the variants has."""
        at = draw(self.name, user_id)
        for variant in self.variants:
            at -= variant.share
            if at < 0:
                return variant
        return Variant(CONTROL, max(0.0, 1.0 - sum(each.share for each in self.variants)))

    def check(self, path: str) -> None:
        """Raises InvalidInput for names and shares that cannot be; `path` is where it stands."""
        check_name(self.name, f"{path}.name")
        if not 1 <= len(self.variants) <= MAX_VARIANTS:
            raise InvalidInput(f"{path}.variants", f"needs 1 to {MAX_VARIANTS} beside {CONTROL!r}")
        names = {CONTROL}
        for number, variant in enumerate(self.variants):
            at = f"{path}.variants[{number}]"
            check_name(variant.name, f"{at}.name")
            if variant.name in names:
                raise InvalidInput(f"{at}.name", f"no name twice, and not {CONTROL!r}")
            names.add(variant.name)
            if not 0 < variant.share <= 1:
                raise InvalidInput(f"{at}.share", "must be more than 0 and at most 1")
        if sum(variant.share for variant in self.variants) > 1 + SLACK:
            raise InvalidInput(f"{path}.variants", "the shares sum to more than 1")


def draw(name: str, user_id: str) -> float:
    """0 to 1, even over people, the same for the same two."""
    digest = hashlib.blake2b(user_id.encode(), key=name.encode(), digest_size=7).digest()
    return int.from_bytes(digest, "big") / float(1 << 56)
