"""Groups of people who like alike: what is known of each, and who belongs to which. Pure.

Finding them is the work of a job (`python -m jobs segments`), for it needs everybody at once; telling which one a
person belongs to needs nobody but them, and is done here, when their taste is folded. A group of too few people is
nobody's: it is not kept, not shown and not assigned, for to describe it would be to describe them.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np

from services.errors import Internal, InvalidInput
from services.profile.identifiers import identifier, text
from services.spaces import Float16, Float32

MAX_SEGMENTS = 256
MAX_DESCRIPTION_LETTERS = 512
MAX_TYPICAL = 20
MAX_INTERESTS = 5

FORMAT = 1
"""First byte of packed segments; it changes when the rest does."""

_ID = re.compile(r"[a-z0-9_-]{1,48}")
_HEAD = struct.Struct("<BI")  # format, bytes of the JSON that follows; the vectors come after it


@dataclass(frozen=True)
class SegmentInterest:
    """Something people of a segment like. `vector`: (D,) canonical float16; `weight` > 0."""

    vector: Float16
    weight: float


@dataclass(frozen=True)
class Segment:
    """`centre`: (F,) float16 of unit norm, what people are compared with. `interests` are all of `interests_space`."""

    segment_id: str
    description: str
    people: int
    centre: Float16
    typical: tuple[str, ...] = ()
    interests: tuple[SegmentInterest, ...] = ()
    interests_space: str = ""


@dataclass(frozen=True)
class Segmentation:
    """All segments of a catalogue, largest first. `space`: of the features that the centres are in; empty: there are
    none. `version` differs when anything of it does."""

    space: str = ""
    segments: tuple[Segment, ...] = ()
    _by_id: dict[str, Segment] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_id", {each.segment_id: each for each in self.segments})

    @cached_property
    def version(self) -> str:
        """Sixteen letters; empty without segments."""
        return hashlib.sha256(pack(self)).hexdigest()[:16] if self.segments else ""

    @cached_property
    def _centres(self) -> Float32:
        return np.stack([each.centre for each in self.segments]).astype(np.float32)

    def find(self, segment_id: str) -> Segment | None:
        """The segment of that name."""
        return self._by_id.get(segment_id)

    def filed(self, segment: Segment | None) -> str:
        """The name under which it is kept of a person that they are in a segment of this version; empty for none."""
        return f"{self.version}:{segment.segment_id}" if segment else ""

    def nearest(self, features: Float32, space: str) -> Segment | None:
        """The segment whose centre has the greatest inner product with (F,) `features`; of equal ones the first.

        None when there are none, in another space than `space`, and for somebody who is like none of them: of whom
        nothing is known, or nothing that any has in common.
        """
        if not self.segments or space != self.space:
            return None
        likeness = self._centres @ features
        best = int(np.argmax(likeness))
        return self.segments[best] if likeness[best] > 0 else None


NO_SEGMENTS = Segmentation()


def segment_of(filed: str) -> str:
    """The id of a segment from the name it is filed under."""
    return filed.rpartition(":")[2]


def segmentation(given: Sequence[Segment], space: str, min_people: int) -> Segmentation:
    """What is kept of `given`: those of at least `min_people`, largest first.

    Raises InvalidInput, naming the field, for what the contract does not allow. Centres are to be of one `space`, of
    one length and unit norm, which is the caller's to see to.
    """
    if len(given) > MAX_SEGMENTS:
        raise InvalidInput("segments", f"{len(given)} given, at most {MAX_SEGMENTS}")
    for number, segment in enumerate(given):
        _check(segment, f"segments[{number}]")
    if len({segment.segment_id for segment in given}) < len(given):
        raise InvalidInput("segments", "two have the same segment_id")
    large = [segment for segment in given if segment.people >= min_people]
    kept = sorted(large, key=lambda segment: (-segment.people, segment.segment_id))
    return Segmentation(space if kept else "", tuple(kept))


def _check(segment: Segment, at: str) -> None:
    if not _ID.fullmatch(segment.segment_id):
        raise InvalidInput(f"{at}.segment_id", "must be a-z, 0-9, _ and -, 1 to 48 letters")
    text(segment.description, f"{at}.description", MAX_DESCRIPTION_LETTERS)
    if len(segment.typical) > MAX_TYPICAL:
        raise InvalidInput(f"{at}.typical_item_ids", f"{len(segment.typical)} given, at most {MAX_TYPICAL}")
    for number, item_id in enumerate(segment.typical):
        identifier(item_id, f"{at}.typical_item_ids[{number}]")
    if len(segment.interests) > MAX_INTERESTS:
        raise InvalidInput(f"{at}.interests", f"{len(segment.interests)} given, at most {MAX_INTERESTS}")
    for number, interest in enumerate(segment.interests):
        if not (np.isfinite(interest.weight) and interest.weight > 0):
            raise InvalidInput(f"{at}.interests[{number}].weight", "must be finite and greater than 0")


def pack(known: Segmentation) -> bytes:
    """A fixed head, the words as JSON, then for each segment its centre and its interests as little-endian float16."""
    words = [
        {
            "id": each.segment_id,
            "description": each.description,
            "people": each.people,
            "typical": each.typical,
            "interests": [interest.weight for interest in each.interests],
            "interests_space": each.interests_space,
            "dimension": len(each.interests[0].vector) if each.interests else 0,
        }
        for each in known.segments
    ]
    dimension = len(known.segments[0].centre) if known.segments else 0
    facts = {"space": known.space, "dimension": dimension, "segments": words}
    head = json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode()
    vectors = [v for each in known.segments for v in (each.centre, *(interest.vector for interest in each.interests))]
    return _HEAD.pack(FORMAT, len(head)) + head + b"".join(vector.astype("<f2").tobytes() for vector in vectors)


def unpack(data: bytes) -> Segmentation:
    """The inverse of `pack`. Raises Internal for a format this version does not know."""
    if data[:1] != bytes([FORMAT]):
        raise Internal("stored segments have a format this version does not know", reason="UNKNOWN_FORMAT")
    _, length = _HEAD.unpack_from(data)
    start = _HEAD.size + length
    facts = json.loads(data[_HEAD.size : start])
    numbers = np.frombuffer(data, dtype="<f2", offset=start)
    segments, at = [], 0
    for words in facts["segments"]:
        ends = np.cumsum([at, facts["dimension"], *[words["dimension"]] * len(words["interests"])])
        centre, *vectors = (numbers[begin:end] for begin, end in pairwise(ends))
        at = int(ends[-1])
        interests = tuple(SegmentInterest(v, w) for v, w in zip(vectors, words["interests"], strict=True))
        segments.append(
            Segment(
                segment_id=words["id"],
                description=words["description"],
                people=words["people"],
                centre=centre,
                typical=tuple(words["typical"]),
                interests=interests,
                interests_space=words["interests_space"],
            )
        )
    return Segmentation(facts["space"], tuple(segments))
