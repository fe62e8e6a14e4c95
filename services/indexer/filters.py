"""A typed filter: which items may come back.

Each test works on one value and on a column of values alike, so that a single item and a whole index are judged by the
same code. Bounds and fields are those of `visrec.v1.Filter`.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from services.errors import InvalidInput
from services.indexer.item import Availability, Fact, Item, Kind

MAX_CONDITIONS = 64
MAX_WORDS = 1024
MAX_WORD_LETTERS = 256
"""No item has a longer one."""

FIELDS = {
    "id": Kind.WORD,
    "domain": Kind.WORD,
    "category": Kind.WORD,
    "group_id": Kind.WORD,
    "tags": Kind.WORD,
    "currency": Kind.WORD,
    "price": Kind.NUMBER,
    "availability": Kind.WORD,
    "time": Kind.INSTANT,
}

ATTRIBUTE = re.compile(r"attributes\.[a-z0-9_]{1,32}")
_AVAILABILITIES = frozenset(availability.value for availability in Availability)


class Test(ABC):
    """What one field must fulfil. `kind`: of the facts it can judge; facts of another kind fail it."""

    kind: ClassVar[Kind]
    # Its name begins with Test, which pytest would take for a class of tests.
    __test__ = False

    @abstractmethod
    def passes(self, value: Any) -> Any:
        """A value -> bool; (n,) values -> (n,) bool."""

    @abstractmethod
    def check(self, at: str) -> None:
        """Raises InvalidInput, naming a field below `at`, for bounds that make no sense."""


@dataclass(frozen=True)
class WordTest(Test):
    """Equal to one of the words. Columns of words are looked up by word, so `passes` is for single values."""

    any_of: frozenset[str]
    kind: ClassVar[Kind] = Kind.WORD

    def passes(self, value: Any) -> Any:
        return value in self.any_of

    def check(self, at: str) -> None:
        if not 1 <= len(self.any_of) <= MAX_WORDS:
            raise InvalidInput(f"{at}.keyword.any_of", f"{len(self.any_of)} words given, must be 1 to {MAX_WORDS}")
        if any(len(word) > MAX_WORD_LETTERS for word in self.any_of):
            raise InvalidInput(f"{at}.keyword.any_of", f"a word of more than {MAX_WORD_LETTERS} letters")


@dataclass(frozen=True)
class NumberTest(Test):
    """Within bounds, both included; None does not bind."""

    at_least: float | None = None
    at_most: float | None = None
    kind: ClassVar[Kind] = Kind.NUMBER

    def passes(self, value: Any) -> Any:
        return (value >= _or(self.at_least, -math.inf)) & (value <= _or(self.at_most, math.inf))

    def check(self, at: str) -> None:
        bounds = [bound for bound in (self.at_least, self.at_most) if bound is not None]
        if not bounds or any(math.isnan(bound) for bound in bounds):
            raise InvalidInput(f"{at}.range", "needs a bound, and no bound may be NaN")


@dataclass(frozen=True)
class TruthTest(Test):
    """Equal to this truth value."""

    value: bool
    kind: ClassVar[Kind] = Kind.TRUTH

    def passes(self, value: Any) -> Any:
        return value == self.value

    def check(self, at: str) -> None:
        """Any truth value will do."""


@dataclass(frozen=True)
class TimeTest(Test):
    """Not before the first instant and before the second, microseconds since 1970; None does not bind."""

    not_before_us: int | None = None
    before_us: int | None = None
    kind: ClassVar[Kind] = Kind.INSTANT

    def passes(self, value: Any) -> Any:
        least = -(2**63) if self.not_before_us is None else self.not_before_us
        most = 2**63 - 1 if self.before_us is None else self.before_us
        return (value >= least) & (value < most)

    def check(self, at: str) -> None:
        if self.not_before_us is None and self.before_us is None:
            raise InvalidInput(f"{at}.time", "needs a bound")


@dataclass(frozen=True)
class Condition:
    """One test of one field. `test` None: the request named none, which `check` refuses."""

    field: str
    test: Test | None

    def matches(self, item: Item) -> bool:
        """True when any value of the field passes."""
        return any(self._holds(fact) for fact in (Fact("id", Kind.WORD, item.id), *item.facts()))

    def _holds(self, fact: Fact) -> bool:
        if self.test is None or fact.field != self.field or fact.kind is not self.test.kind:
            return False
        return bool(self.test.passes(fact.value))

    def check(self, at: str) -> None:
        """Raises InvalidInput for an unknown field, or a test that is missing or does not suit the field."""
        if self.field not in FIELDS and not ATTRIBUTE.fullmatch(self.field):
            known = ", ".join(FIELDS)
            raise InvalidInput(f"{at}.field", f"{self.field[:80]!r} is none of {known} or attributes.NAME")
        if self.test is None:
            raise InvalidInput(at, "needs exactly one test")
        wanted = FIELDS.get(self.field, self.test.kind)
        if self.test.kind is not wanted:
            raise InvalidInput(at, f"{self.field} is a {wanted.value}: a {self.test.kind.value} test does not suit it")
        self.test.check(at)
        if self.field == "availability" and isinstance(self.test, WordTest) and self.test.any_of - _AVAILABILITIES:
            raise InvalidInput(f"{at}.keyword.any_of", f"availability is one of {', '.join(sorted(_AVAILABILITIES))}")


@dataclass(frozen=True)
class Filter:
    """All of `must`, one of `should` when there is any, none of `must_not`."""

    must: tuple[Condition, ...] = ()
    should: tuple[Condition, ...] = ()
    must_not: tuple[Condition, ...] = ()

    def __bool__(self) -> bool:
        """False when everything passes."""
        return bool(self.must or self.should or self.must_not)

    @property
    def words(self) -> int:
        """How many words its tests have."""
        tests = [condition.test for _, condition in self._conditions()]
        return sum(len(test.any_of) for test in tests if isinstance(test, WordTest))

    def matches(self, item: Item) -> bool:
        """Whether one item passes."""
        return (
            all(condition.matches(item) for condition in self.must)
            and (not self.should or any(condition.matches(item) for condition in self.should))
            and not any(condition.matches(item) for condition in self.must_not)
        )

    def check(self, at: str) -> None:
        """Raises InvalidInput, naming a field below `at`."""
        if sum(1 for _ in self._conditions()) > MAX_CONDITIONS:
            raise InvalidInput(at, f"at most {MAX_CONDITIONS} conditions in all")
        for path, condition in self._conditions():
            condition.check(f"{at}.{path}")

    def _conditions(self) -> Iterator[tuple[str, Condition]]:
        groups: Iterable[tuple[str, tuple[Condition, ...]]] = (
            ("must", self.must),
            ("should", self.should),
            ("must_not", self.must_not),
        )
        for name, conditions in groups:
            yield from ((f"{name}[{number}]", condition) for number, condition in enumerate(conditions))


NO_FILTER = Filter()
"""Lets everything pass."""


def _or(bound: float | None, default: float) -> float:
    return default if bound is None else bound
