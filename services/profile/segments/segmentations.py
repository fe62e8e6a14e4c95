"""The segments of every catalogue, as this replica knows them: what callers put and list, and who belongs where.

They are few, small and change once in a day, and every fold of a taste asks for them. So all are held in memory, and
`refresh`, which the canary calls every few seconds, sees what other replicas were given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from services.errors import InvalidInput, NotFound, Refused
from services.profile.catalogue.items import AWAY
from services.profile.collaborative.given_vector import GivenVector
from services.profile.identifiers import catalogue_name, identifier
from services.profile.segments.features import Recipe
from services.profile.segments.segment import NO_SEGMENTS, Segment, Segmentation, SegmentInterest, segmentation
from services.profile.segments.segment_store import SegmentStore
from services.spaces import Space

DEFAULT_PAGE = 20
MAX_PAGE = 100


@dataclass(frozen=True)
class GivenSegment:
    """A segment as it came. `segment` lacks its vectors: `centre`, and one for each of `weights`."""

    segment: Segment
    centre: GivenVector
    interests: Sequence[GivenVector]
    weights: Sequence[float]


@dataclass(frozen=True)
class SegmentPage:
    """Some segments; `token` for the next page, empty when there is none."""

    segments: Sequence[Segment]
    space: str
    token: str


@dataclass(frozen=True)
class _Held:
    """`version`: of what is in the store; `segments`: what of it counts here."""

    version: str
    segments: Segmentation


class Segmentations:
    """`visual`: the present space of a catalogue. `min_people`: below which a segment is nobody's. May be used by
    several threads."""

    def __init__(
        self, store: SegmentStore, visual: Callable[[str], Space], min_people: int, half_life_days: float
    ) -> None:
        self._store = store
        self._visual = visual
        self._min_people = min_people
        self._half_life_days = half_life_days
        self._known: dict[str, _Held] = {}
        self._is_read = False

    def recipe(self, visual: Space) -> Recipe:
        """How people become numbers, where items are in `visual`."""
        return Recipe(visual, self._half_life_days)

    def of(self, catalogue: str) -> Segmentation:
        """Those that were known at the last `refresh`."""
        held = self._known.get(catalogue)
        return held.segments if held else NO_SEGMENTS

    def find(self, catalogue: str, segment_id: str) -> Segment:
        """Raises NotFound for one that is unknown or of too few people."""
        found = self.of(catalogue).find(identifier(segment_id, "segment"))
        if found is None:
            raise NotFound("segment", segment_id, within=f"catalogue {catalogue!r}")
        return found

    def refresh(self) -> None:
        """Reads those that have changed. Raises NotReady when the store cannot answer now."""
        known: dict[str, _Held] = {}
        for catalogue, version in self._store.segment_versions().items():
            held = self._known.get(catalogue)
            known[catalogue] = held if held and held.version == version else self._read(catalogue)
        self._known, self._is_read = known, True

    def _read(self, catalogue: str) -> _Held:
        """Without those that are too small by this service's bound, which may have risen since they were put."""
        stored = self._store.segments(catalogue)
        large = tuple(each for each in stored.segments if each.people >= self._min_people)
        return _Held(stored.version, Segmentation(stored.space, large))

    def put(self, catalogue: str, given: Sequence[GivenSegment]) -> int:
        """Replaces the segments of a catalogue; how many there are then: those of too few people are dropped.

        Raises InvalidInput naming the field, SpaceMismatch for centres or interests of another space than the
        catalogue's, Refused (SEGMENTS_TOO_SMALL) when all are dropped, and as `Items.resolve`.
        """
        visual = self._visual(catalogue_name(catalogue, "catalogue"))
        people = self.recipe(visual).space
        decoded = [_decoded(each, f"segments[{at}]", people, visual) for at, each in enumerate(given)]
        known = segmentation(decoded, people.name, self._min_people)
        if given and not known.segments:
            raise Refused(
                f"every segment given is of fewer than {self._min_people} people (VISREC_PROFILE_SEGMENT_MIN_PEOPLE): "
                "those before stay; none at all takes them away",
                reason="SEGMENTS_TOO_SMALL",
            )
        self._store.put_segments(catalogue, known)
        self.refresh()
        return len(known.segments)

    def page(self, catalogue: str, size: int, token: str) -> SegmentPage:
        """Largest first. 0: 20 of them; at most 100. Raises InvalidInput for a negative size, and for a token that is
        none or of segments that have been replaced since; NotFound for a catalogue that does not exist; NotReady when
        no segments could be read yet."""
        if size < 0:
            raise InvalidInput("page_size", "must not be negative")
        known = self._read_of(catalogue_name(catalogue, "catalogue"))
        version, _, place = token.rpartition(":")
        if token and (version != known.version or not place.isdecimal() or len(place) > 4):
            raise InvalidInput(
                "page_token", "is not a token of these segments; they may have been replaced: begin again"
            )
        start = int(place or 0)
        end = start + min(size or DEFAULT_PAGE, MAX_PAGE)
        rest = f"{known.version}:{end}" if end < len(known.segments) else ""
        return SegmentPage(known.segments[start:end], known.space, rest)

    def _read_of(self, catalogue: str) -> Segmentation:
        if not self._is_read:
            self.refresh()
        known = self.of(catalogue)
        if not known.segments:
            with suppress(*AWAY):
                self._visual(catalogue)
        return known


def _decoded(given: GivenSegment, at: str, people: Space, visual: Space) -> Segment:
    if given.segment.people < 0:
        raise InvalidInput(f"{at}.people", "must not be negative")
    centre = given.centre.decoded(people, f"{at}.centre")
    vectors = [each.decoded(visual, f"{at}.interests[{number}].vector") for number, each in enumerate(given.interests)]
    interests = tuple(SegmentInterest(vector, weight) for vector, weight in zip(vectors, given.weights, strict=True))
    return replace(
        given.segment,
        centre=centre,
        interests=interests,
        interests_space=visual.name if interests else "",
    )


NO_CENTRE = np.zeros(0, dtype=np.float16)
"""Of a segment that was not decoded yet."""
