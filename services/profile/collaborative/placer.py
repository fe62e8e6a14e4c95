"""Collaborative vectors of people, as a job puts them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.errors import InvalidInput, NotFound, Refused, SpaceMismatch, VisrecError
from services.profile.catalogue.items import Items
from services.profile.collaborative.given_vector import GivenVector
from services.profile.collaborative.vector_store import Placed, Placing, VectorStore
from services.profile.identifiers import catalogue_name, identifier
from services.spaces import Space

MAX_VECTORS = 1000
MAX_SPACES = 8
"""Of one call: the catalogue is asked about each."""


@dataclass(frozen=True)
class GivenPlace:
    """Whose vector."""

    user_id: str
    vector: GivenVector


class Placer:
    """Puts people where a job says."""

    def __init__(self, store: VectorStore, items: Items) -> None:
        self._store = store
        self._items = items

    def put(
        self, catalogue: str, given: Sequence[GivenPlace], learned_ms: int | None = None
    ) -> list[VisrecError | None]:
        """None for each vector that was put, or why it was not: InvalidInput naming the field, SpaceMismatch for a
        space that the catalogue does not have, NotFound for the person, Refused for one who does not consent, or of
        whom something was forgotten since it was learned (LEARNED_BEFORE).

        Raises InvalidInput for none or too many, or of too many spaces, and as `Items.resolve`.
        """
        catalogue_name(catalogue, "catalogue")
        if not 1 <= len(given) <= MAX_VECTORS:
            raise InvalidInput("vectors", f"{len(given)} vectors, 1 to {MAX_VECTORS} are allowed")
        named = dict.fromkeys(each.vector.space for each in given if each.vector.space)
        if len(named) > MAX_SPACES:
            raise InvalidInput("vectors", f"they are of {len(named)} spaces, at most {MAX_SPACES} are allowed")
        visual = self._items.resolve(catalogue, []).space.name
        spaces = {name: self._space(catalogue, name) for name in named}
        results: list[VisrecError | None] = [None] * len(given)
        good: dict[int, Placed] = {}
        for number, each in enumerate(given):
            try:
                good[number] = _placed(each, f"vectors[{number}]", spaces, visual)
            except VisrecError as problem:
                results[number] = problem
        ends = self._store.put_vectors(catalogue, list(good.values()), learned_ms)
        for number, end in zip(good, ends, strict=True):
            results[number] = _problem(end, given[number].user_id)
        return results

    def _space(self, catalogue: str, name: str) -> Space | SpaceMismatch:
        try:
            return self._items.resolve(catalogue, [], name).space
        except SpaceMismatch as problem:
            return problem


def _placed(given: GivenPlace, at: str, spaces: Mapping[str, Space | SpaceMismatch], visual: str) -> Placed:
    identifier(given.user_id, f"{at}.user_id")
    if not given.vector.space:
        raise InvalidInput(f"{at}.vector.space", "is required")
    space = spaces[given.vector.space]
    if isinstance(space, SpaceMismatch):
        raise SpaceMismatch(space.expected, space.given, field=f"{at}.vector")
    if space.name == visual:
        raise InvalidInput(
            f"{at}.vector.space",
            "is the one behind `visual`; it has to be the one behind `collaborative`, or one that it is to move to",
        )
    return Placed(given.user_id, space.name, given.vector.decoded(space, f"{at}.vector"))


def _problem(end: Placing, user_id: str) -> VisrecError | None:
    match end:
        case Placing.UNKNOWN_USER:
            return NotFound("user", user_id, "PutUser makes one")
        case Placing.REFUSED:
            return Refused("this person did not consent to personalisation", reason="CONSENT_MISSING")
        case Placing.OUTDATED:
            return Refused("learned before this person was erased or took a consent back", reason="LEARNED_BEFORE")
        case _:
            return None
