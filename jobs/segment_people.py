"""The job `segments`: reads everybody's features, finds segments, puts them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from jobs.discretion import told
from jobs.kmeans import Float32, unit
from jobs.pages import Pages, Patience
from jobs.people import Liked, Somebody, sample
from jobs.segmenting import Found, Rules, Scales, Segment, renamed, segment
from visrec.connection import Connection
from visrec.errors import VisrecCallError
from visrec.v1 import common_pb2, indexer_pb2, profile_pb2

PAGE = 500
LISTED = 100
TOO_SMALL = "SEGMENTS_TOO_SMALL"
"""The reason of a service that would keep none of the segments that it is given."""
MIN_WORD_SHARE = 0.05
"""A word that is less of what somebody likes does not say who they are."""


class NoSegments(Exception):
    """There is nothing to put, and why."""


@dataclass(frozen=True)
class Report:
    """`people`: who consent and of whom something is known; `looked_at` of them were clustered. `put`: how many
    segments the service keeps; None: nothing was put."""

    found: Found
    people: int
    looked_at: int
    put: int | None


@dataclass(frozen=True)
class SegmentJob:
    """Segments of one catalogue. `most_people`: that are looked at, a random sample of all where there are more."""

    connection: Connection
    catalogue: str
    rules: Rules
    patience: Patience
    most_people: int = 50_000

    def run(self, on_people: Callable[[int], None], *, put: bool = True) -> Report:
        """`on_people` is told how many more were read.

        When people fall into no segments, those before are taken away: they hold a share of people who may have been
        erased, or have withdrawn their consent, since.

        Raises NoSegments, pages.BrokenOff when the reading was, VisrecCallError when the segments could not be put.
        """
        people, total = sample(self._people(on_people), self.most_people)
        spaces = {somebody.space for somebody in people}
        if len(spaces) > 1:
            raise NoSegments("the catalogue moved to another space while people were read; run this again")
        found = segment(people, total, self._scales(), self.rules)
        if not found.segments:
            raise NoSegments(_why_none(found, total, self.rules) + (self._cleared() if put else ""))
        space = spaces.pop()
        found = replace(found, segments=renamed(found.segments, self._known(space)))
        kept = self._put_found(found.segments, space) if put else None
        return Report(found, total, len(people), kept)

    def _people(self, on_people: Callable[[int], None]) -> Iterator[Somebody]:
        def ask(token: str) -> profile_pb2.ExportFeaturesResponse:
            request = profile_pb2.ExportFeaturesRequest(catalogue=self.catalogue, page_size=PAGE, page_token=token)
            return self.connection.call(self.connection.profile.ExportFeatures, request)

        for page in Pages(ask, self.patience, ahead=True):
            on_people(len(page.users))
            yield from map(_somebody, page.users)

    def _scales(self) -> Scales:
        request = indexer_pb2.ListSpacesRequest(catalogue=self.catalogue)
        listed = self.connection.call(self.connection.indexer.ListSpaces, request)
        return {state.space.name: _scale(state.space.blocks) for state in listed.spaces}

    def _known(self, space: str) -> dict[str, Float32]:
        """The centres there are now, by the ids of their segments."""

        def ask(token: str) -> profile_pb2.ListSegmentsResponse:
            request = profile_pb2.ListSegmentsRequest(catalogue=self.catalogue, page_size=LISTED, page_token=token)
            return self.connection.call(self.connection.profile.ListSegments, request)

        listed = [each for page in Pages(ask, self.patience) for each in page.segments]
        return {each.segment_id: unit(_numbers(each.centre.data)) for each in listed if each.centre.space == space}

    def _put_found(self, segments: Sequence[Segment], space: str) -> int:
        try:
            return self._put(segments, space)
        except VisrecCallError as refused:
            if refused.reason != TOO_SMALL:
                raise
            largest = max(each.people for each in segments)
            raise NoSegments(
                f"the largest of {len(segments)} groups has {largest} people, fewer than the service's "
                f"VISREC_PROFILE_SEGMENT_MIN_PEOPLE{self._cleared()}"
            ) from refused

    def _cleared(self) -> str:
        """Takes the segments away that there are, and says so if there were any: people in them may be gone."""
        request = profile_pb2.ListSegmentsRequest(catalogue=self.catalogue, page_size=1)
        before = self.connection.call(self.connection.profile.ListSegments, request).segments
        self._put((), "")
        return "; there are no segments any more" if before else ""

    def _put(self, segments: Sequence[Segment], space: str) -> int:
        messages = [_message(each, space) for each in segments]
        request = profile_pb2.PutSegmentsRequest(catalogue=self.catalogue, segments=messages)
        return self.connection.call(self.connection.profile.PutSegments, request).segments


def _why_none(found: Found, total: int, rules: Rules) -> str:
    if not found.choice.tried:
        least = 2 * rules.min_people
        return (
            f"{told(total)} people consent to segments and are known; two segments need {least} at least. Who agrees "
            "is put by `visrec user put USER --personalisation --segments`, and known by what they say and do"
        )
    best = found.choice.tried[0]
    return (
        f"people do not fall into groups: the best silhouette, of {best.k} groups, is {best.silhouette:.3f}, and noise "
        f"has {found.choice.by_chance:.3f}"
    )


def _somebody(message: profile_pb2.UserFeatures) -> Somebody:
    words = tuple(tag.word for tag in message.tags if tag.weight >= MIN_WORD_SHARE)
    interests = tuple(Liked(each.vector.space, _numbers(each.vector.data), each.weight) for each in message.interests)
    features = unit(_numbers(message.features.data)) if message.features.data else np.zeros(1, dtype=np.float32)
    return Somebody(
        message.pseudonym,
        message.features.space,
        features,
        tuple(message.facts),
        words,
        tuple(message.item_ids),
        interests,
    )


def _message(found: Segment, space: str) -> profile_pb2.Segment:
    interests = [
        profile_pb2.Interest(
            vector=common_pb2.Vector(space=liked.space, data=_bytes(liked.vector)), weight=liked.weight
        )
        for liked in found.interests
    ]
    return profile_pb2.Segment(
        segment_id=found.name,
        description=found.portrait.description,
        people=found.people,
        typical_item_ids=found.portrait.typical,
        centre=common_pb2.Vector(space=space, data=_bytes(found.centre)),
        interests=interests,
    )


def _scale(blocks: Iterable[common_pb2.Block]) -> Float32:
    given = list(blocks)
    total = sum(block.default_weight for block in given)
    roots = [(block.default_weight / total) ** 0.5 for block in given]
    return np.repeat(np.array(roots, dtype=np.float32), [block.dimension for block in given])


def _numbers(data: bytes) -> Float32:
    return np.frombuffer(data, dtype="<f4").astype(np.float32)


def _bytes(vector: Float32) -> bytes:
    return np.ascontiguousarray(vector, dtype="<f4").tobytes()
