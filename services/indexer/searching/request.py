"""What a search asks for, as plain data, with its bounds: those of `visrec.v1.SearchRequest`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.errors import InvalidInput
from services.indexer.filters import NO_FILTER, Filter
from services.indexer.index.port import Accuracy
from services.indexer.item import check_item_ids

MAX_QUERIES = 64
MAX_LIMIT = 1000
DEFAULT_LIMIT = 10
LEAST_OF_SEVERAL = 100
MAX_EXCLUDED = 10_000
MAX_ALSO_SCORED = 1000


@dataclass(frozen=True, slots=True)
class Query:
    """What to be near to: `vector` (little-endian float32 of `space`) or `item_id`, exactly one of them."""

    name: str
    space: str = ""
    vector: bytes | None = None
    item_id: str | None = None
    weight: float = 1.0
    block_weights: Mapping[str, float] = field(default_factory=dict)

    def check(self, at: str) -> None:
        """Raises InvalidInput, naming a field below `at`, for all that needs no space."""
        if len(self.name) > 64:
            raise InvalidInput(f"{at}.name", "at most 64 letters")
        if (self.vector is None) == (self.item_id is None):
            raise InvalidInput(f"{at}.target", "needs exactly one of vector and item_id")
        if not math.isfinite(self.weight):
            raise InvalidInput(f"{at}.weight", "must be finite", reason="NOT_FINITE")


@dataclass(frozen=True, slots=True)
class Caps:
    """How alike hits may be: at most so many of a group and of a category, and none nearer to a better one than the
    cosine `collapse_above`; 0: no bound."""

    per_group: int = 0
    per_category: int = 0
    collapse_above: float = 0.0

    def __bool__(self) -> bool:
        """False when nothing is bounded."""
        return bool(self.per_group or self.per_category or self.collapse_above)

    def check(self) -> None:
        """Raises InvalidInput."""
        if not 0 <= self.collapse_above <= 1:  # NaN is not within anything
            raise InvalidInput("collapse_above", "must be 0 to 1")


NO_CAPS = Caps()


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """Fields and bounds are those of `visrec.v1.SearchRequest`. `ordered`: the order of the hits matters, and which
    query found each."""

    queries: Sequence[Query] = ()
    filter: Filter = NO_FILTER
    exclude: Sequence[str] = ()
    limit: int = DEFAULT_LIMIT
    union: bool = False
    also_score: Sequence[str] = ()
    score_only: bool = False
    accuracy: Accuracy = Accuracy.BALANCED
    caps: Caps = NO_CAPS
    ordered: bool = True

    @property
    def loose(self) -> bool:
        """Whether all that was found comes back as it was found."""
        return self.union and not self.ordered and not self.caps

    @property
    def depth(self) -> int:
        """How many of its nearest items each query of positive weight brings. Where several decide, what is best for
        all of them together may be far down the list of each."""
        return self.limit if self.union or len(self.queries) <= 1 else max(self.limit, LEAST_OF_SEVERAL)

    @property
    def work(self) -> int:
        """How many scores it may ask for, about."""
        return max(1, len(self.queries)) * (self.depth + len(self.also_score))

    def check(self) -> None:
        """Raises InvalidInput for all that needs no space."""
        if self.filter:
            self.filter.check("filter")
        if self.exclude:
            check_item_ids(self.exclude, "exclude_item_ids", least=0, most=MAX_EXCLUDED)
        if self.also_score:
            check_item_ids(self.also_score, "also_score_item_ids", least=0, most=MAX_ALSO_SCORED)
        if not 1 <= self.limit <= MAX_LIMIT:
            raise InvalidInput("limit", f"must be 1 to {MAX_LIMIT}")
        self.caps.check()
        self._check_queries()

    def _check_queries(self) -> None:
        if len(self.queries) > MAX_QUERIES:
            raise InvalidInput("queries", f"{len(self.queries)} given, at most {MAX_QUERIES}")
        names: set[str] = set()
        for number, query in enumerate(self.queries):
            query.check(f"queries[{number}]")
            if query.name in names:
                raise InvalidInput(f"queries[{number}].name", "is that of another query, too")
            names.add(query.name)
        if self.score_only and not self.also_score:
            raise InvalidInput("also_score_item_ids", "score_only needs some")
        if not (self.also_score or any(query.weight > 0 for query in self.queries)):
            raise InvalidInput("queries", "needs a query of positive weight, or also_score_item_ids")
