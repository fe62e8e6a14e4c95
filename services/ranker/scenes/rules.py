"""Business rules: what may be in an answer at all, what is raised, and of what there may be how much.

Filters are passed down to the indexer, where they cost least. A boost is a part of the score with a name of its own, so
it is seen in every sum. Bounds on how many are kept by `diversity`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from services.errors import InvalidInput
from services.ranker.others.ports import Condition, Traits
from services.ranker.scenes.name import check_name

MAX_BOOSTS = 16
MAX_VALUES = 64
MAX_WORD = 256
TOLD_VALUES = 3
AVAILABLE = "available"

Bound = TypeVar("Bound", int, float)

_CURRENCY = re.compile(r"[A-Z]{3}")
_FIELD = re.compile(r"id|domain|category|group_id|tags|currency|availability|attributes\.[a-z0-9_]{1,32}")


@dataclass(frozen=True)
class PriceBounds:
    """`currency`: ISO 4217. The bounds are included, finite and not negative; None does not bind, one of them does."""

    currency: str
    at_least: float | None = None
    at_most: float | None = None

    def check(self, path: str) -> None:
        """Raises InvalidInput; `path` is where the bounds stand."""
        if not _CURRENCY.fullmatch(self.currency):
            raise InvalidInput(f"{path}.currency", "must be three upper-case letters of ISO 4217, such as EUR")
        if self.at_least is None and self.at_most is None:
            raise InvalidInput(path, "needs at_least, at_most or both")
        for name, bound in (("at_least", self.at_least), ("at_most", self.at_most)):
            if bound is not None and not (math.isfinite(bound) and bound >= 0):
                raise InvalidInput(f"{path}.{name}", "must be finite and not negative")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise InvalidInput(f"{path}.at_most", "must not be less than at_least")


@dataclass(frozen=True)
class Boost:
    """`amount` is added to the score of the items whose `field` has one of `values`; -1 to 1, not 0."""

    name: str
    field: str
    values: Sequence[str]
    amount: float

    def check(self, path: str) -> None:
        """Raises InvalidInput; `path` is where the boost stands."""
        check_name(self.name, f"{path}.name")
        if not _FIELD.fullmatch(self.field):
            raise InvalidInput(f"{path}.field", "no field of words of that name")
        if not 1 <= len(self.values) <= MAX_VALUES or not all(0 < len(word) <= MAX_WORD for word in self.values):
            raise InvalidInput(f"{path}.values", f"needs 1 to {MAX_VALUES} values of 1 to {MAX_WORD} letters")
        if not (-1 <= self.amount <= 1 and self.amount):
            raise InvalidInput(f"{path}.amount", "must be -1 to 1 and not 0")

    @property
    def signal(self) -> str:
        """What its part of a score is called."""
        return f"rule:{self.name}"

    @property
    def condition(self) -> str:
        """What an item has to have, for people; of many values the first."""
        more = ", …" if len(self.values) > TOLD_VALUES else ""
        return f"{self.field} = {', '.join(self.values[:TOLD_VALUES])}{more}"

    def amounts(self, traits: Sequence[Traits]) -> NDArray[np.float64]:
        """(n,) what it adds to each of n items."""
        wanted = frozenset(self.values)
        hits = [not wanted.isdisjoint(each.words(self.field)) for each in traits]
        return np.where(hits, self.amount, 0.0) if hits else np.zeros(0)


@dataclass(frozen=True)
class Rules:
    """0 stands for no bound. `near_duplicate_cosine`: of items that are nearer than this only the better one."""

    only_available: bool = False
    prices: tuple[PriceBounds, ...] = ()
    boosts: tuple[Boost, ...] = ()
    max_per_category: int = 0
    max_per_group: int = 0
    near_duplicate_cosine: float = 0.0

    def check(self, path: str = "rules") -> None:
        """Raises InvalidInput, naming the field."""
        for price in self.prices:
            price.check(f"{path}.price")
        if len(self.boosts) > MAX_BOOSTS:
            raise InvalidInput(f"{path}.boosts", f"{len(self.boosts)} boosts, at most {MAX_BOOSTS}")
        names: set[str] = set()
        for number, boost in enumerate(self.boosts):
            boost.check(f"{path}.boosts[{number}]")
            if boost.name in names:
                raise InvalidInput(f"{path}.boosts[{number}].name", "no name twice")
            names.add(boost.name)
        for name, bound in (("max_per_category", self.max_per_category), ("max_per_group", self.max_per_group)):
            if bound < 0:
                raise InvalidInput(f"{path}.{name}", "must not be negative")
        if not 0 <= self.near_duplicate_cosine <= 1:
            raise InvalidInput(f"{path}.near_duplicate_cosine", "must be 0 to 1")

    def over(self, others: Rules) -> Rules:
        """These on top of `others`: both hold, of two bounds the narrower. A boost replaces one of its name."""
        if others == NO_RULES:
            return self
        own = {boost.name for boost in self.boosts}
        return replace(
            self,
            only_available=self.only_available or others.only_available,
            prices=(*others.prices, *self.prices),
            boosts=(*(boost for boost in others.boosts if boost.name not in own), *self.boosts),
            max_per_category=_narrower(self.max_per_category, others.max_per_category),
            max_per_group=_narrower(self.max_per_group, others.max_per_group),
            near_duplicate_cosine=_narrower(self.near_duplicate_cosine, others.near_duplicate_cosine),
        )

    def conditions(self) -> tuple[Condition, ...]:
        """What every item of the answer has to pass, for the indexer's filter."""
        passed = [Condition("availability", (AVAILABLE,))] if self.only_available else []
        for price in self.prices:
            passed.append(Condition("currency", (price.currency,)))
            passed.append(Condition("price", at_least=price.at_least, at_most=price.at_most))
        return tuple(passed)

    @property
    def look_at_items(self) -> bool:
        """Whether they read more of an item than its id and its vector."""
        return bool(self.boosts or self.max_per_category or self.max_per_group)


NO_RULES = Rules()


def _narrower(one: Bound, other: Bound) -> Bound:
    return min(one, other) if one and other else max(one, other)
