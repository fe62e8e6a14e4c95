"""The use case of counting: how many items there are of each value of a field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.errors import InvalidInput
from services.indexer.filters import ATTRIBUTE, FIELDS, NO_FILTER, Filter
from services.indexer.index.port import Proceed, View
from services.indexer.item import Kind

MAX_FIELDS = 16
MAX_VALUES = 1000
DEFAULT_VALUES = 20

COUNTED = tuple(name for name, kind in FIELDS.items() if kind is Kind.WORD and name != "id")
"""Fields whose values are counted, beside attributes: all of words, except the id, of which each has one."""


@dataclass(frozen=True)
class FacetsRequest:
    """Fields and bounds are those of `visrec.v1.GetFacetsRequest`."""

    fields: Sequence[str]
    filter: Filter = NO_FILTER
    limit: int = DEFAULT_VALUES

    def check(self) -> None:
        """Raises InvalidInput."""
        if not 1 <= len(self.fields) <= MAX_FIELDS:
            raise InvalidInput("fields", f"{len(self.fields)} given, must be 1 to {MAX_FIELDS}")
        for number, field in enumerate(self.fields):
            at = f"fields[{number}]"
            if field in FIELDS and field not in COUNTED:
                known = ", ".join(COUNTED)
                raise InvalidInput(at, f"{field} is not counted; {known} and attributes.NAME are")
            if field not in FIELDS and not ATTRIBUTE.fullmatch(field):
                raise InvalidInput(at, f"{field[:80]!r} is none of {', '.join(COUNTED)} or attributes.NAME")
            if field in self.fields[:number]:
                raise InvalidInput(at, f"{field[:80]!r} is asked for twice")
        if not 1 <= self.limit <= MAX_VALUES:
            raise InvalidInput("limit", f"must be 1 to {MAX_VALUES}")
        self.filter.check("filter")


class Facet(NamedTuple):
    """`counts`: the most frequent values with their numbers of items, equal ones by value; `distinct`: how many there
    are in all."""

    field: str
    counts: list[tuple[str, int]]
    distinct: int


def count_facets(request: FacetsRequest, view: View, proceed: Proceed) -> list[Facet]:
    """One for each field, in order. `proceed` is called between them and within, and raises to give up."""
    request.check()
    eligible = view.eligible(request.filter)
    found = []
    for field in request.fields:
        proceed()
        counts = view.facets(field, eligible, proceed)
        ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
        found.append(Facet(field, ordered[: request.limit], len(ordered)))
    return found
