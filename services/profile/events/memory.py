"""What is remembered of events that are no longer kept one by one: a few centres with their mass. Pure.

The oldest events of a person go into it block by block. Masses decay by the long half-life alone, so that decay
composes and nothing has to be known of single events any more: a session that is this old is history.

A centre is the mean of its items and not of unit norm: its length says how alike they were, and so whether what comes
later is of the same kind is decided as if its items were still there (Ward's criterion needs means and counts only).
Numbers are rounded when they are settled, to what `pack` writes: so a memory that was stored and one that was not are
equal, and it does not matter how many blocks were settled at once.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from services.errors import Internal
from services.profile.events.event import Event, EventType
from services.profile.taste.groups import Group, Weighed, clustered, items
from services.profile.taste.liking import Source, TasteRules
from services.spaces import Float16, Space, canonical

FORMAT = 1
"""First byte of a packed memory; it changes when the rest does."""

MOST_CENTRES = 8
"""In each space. With 384 dimensions and ids of 20 letters they take 7 KB."""
MOST_DISLIKED = 2
"""Of these."""
MOST_SPACES = 2
"""As many as an event has vectors in."""
LEAST_MASS = 0.01
"""In clicks: a centre that has faded below is forgotten. Of one like that takes seven half-lives."""


@dataclass(frozen=True)
class Centre:
    """`mass`: in clicks, as of the end of the memory; negative: it is of what is disliked. `count`: of how many items.
    `vector`: (D,) float16, their weighted mean. `sources`: those that count most first."""

    mass: float
    count: float
    vector: Float16
    sources: tuple[Weighed, ...] = ()


@dataclass(frozen=True)
class Memory:
    """`events`: of how many; `until_ms`: the time of the last of them. `centres`: by the name of their space, of most
    mass first."""

    events: int = 0
    until_ms: int = 0
    centres: Mapping[str, tuple[Centre, ...]] = field(default_factory=dict)


EMPTY = Memory()


def settle(memory: Memory, events: Sequence[Event], spaces: Mapping[str, Space], rules: TasteRules) -> Memory:
    """The memory with `events` gone into it: the oldest there are, in the order of their time, all of them later than
    what is in it already. `spaces`: those that they have vectors in."""
    if not events:
        return memory
    until = max(memory.until_ms, events[-1].time_ms)
    names = [*spaces, *(name for name in memory.centres if name not in spaces)]
    centres: dict[str, tuple[Centre, ...]] = {}
    for name in names[:MOST_SPACES]:
        groups = recalled(memory, name, until, rules)
        if name in spaces:
            groups += items(events, spaces[name], until, rules)
            groups = _clustered(groups, spaces[name], rules)
        if found := _strongest(groups):
            centres[name] = found
    return Memory(memory.events + len(events), until, centres)


def recalled(memory: Memory, space: str, at_ms: int, rules: TasteRules) -> list[Group]:
    """What is left of it at a later time, in a space."""
    left = rules.long_term(at_ms - memory.until_ms)
    return [
        Group(
            mass=centre.mass * left,
            count=centre.count,
            total=centre.mass * left * centre.vector.astype(np.float64),
            sources=tuple(Weighed(each.source, each.weight * left) for each in centre.sources),
        )
        for centre in memory.centres.get(space, ())
    ]


def sources(memory: Memory, space: str) -> list[str]:
    """Items by which it can be told in a space, by name, if it cannot yet."""
    if not space or space in memory.centres:
        return []
    centres = next(iter(memory.centres.values()), ())
    return list(
        dict.fromkeys(each.source.item_id for centre in centres for each in centre.sources if each.source.item_id)
    )


def moved(memory: Memory, to: Space, vectors: Mapping[str, Float16]) -> Memory:
    """The same memory in another space as well, as far as its sources tell: the best that can be had of items that are
    not known any more. `vectors`: of sources by item id, in that space. Centres that none is known of are lost."""
    if to.name in memory.centres or not memory.centres:
        return memory
    found = []
    for centre in next(iter(memory.centres.values())):
        known = [each for each in centre.sources if each.weight > 0 and each.source.item_id in vectors]
        if known:
            weights = np.array([each.weight for each in known])
            rows = np.stack([vectors[each.source.item_id].astype(np.float64) for each in known])
            mean = canonical((weights @ rows / weights.sum()).astype(np.float32))
            found.append(Centre(centre.mass, centre.count, mean, tuple(known)))
    kept = {name: centres for name, centres in list(memory.centres.items())[-1:] if found}
    return Memory(memory.events, memory.until_ms, {to.name: tuple(found)} | kept if found else memory.centres)


def _clustered(groups: Sequence[Group], space: Space, rules: TasteRules) -> list[Group]:
    """What is liked and what is disliked, each for itself."""
    sides = ([each for each in groups if each.mass > 0], [each for each in groups if each.mass < 0])
    return [each for side in sides for each in clustered(side, space, rules.merge_below, rules.max_sources)]


def _strongest(groups: Sequence[Group]) -> tuple[Centre, ...]:
    ranked = sorted((each for each in groups if abs(each.mass) >= LEAST_MASS), key=lambda each: -abs(each.mass))
    disliked = [each for each in ranked if each.mass < 0][:MOST_DISLIKED]
    liked = [each for each in ranked if each.mass > 0][: MOST_CENTRES - len(disliked)]
    return tuple(_centre(each) for each in ranked if any(each is kept for kept in (*liked, *disliked)))


def _centre(group: Group) -> Centre:
    sources = tuple(Weighed(each.source, _rounded(each.weight)) for each in group.sources)
    return Centre(group.mass, _rounded(group.count), canonical(group.mean.astype(np.float32)), sources)


def _rounded(number: float) -> float:
    return float(np.float32(number))


_HEAD = struct.Struct("<BQqB")  # format, events, until_ms, spaces
_SPACE = struct.Struct("<BHB")  # bytes of the name, dimension, centres
_CENTRE = struct.Struct("<dfB")  # mass, count, sources
_SOURCE = struct.Struct("<BfH")  # type, weight, bytes of the id


def pack(memory: Memory) -> bytes:
    """The form in which it is kept: fixed heads, words in UTF-8, vectors as little-endian float16."""
    parts = [_HEAD.pack(FORMAT, memory.events, memory.until_ms, len(memory.centres))]
    for name, centres in memory.centres.items():
        word = name.encode()
        parts += [_SPACE.pack(len(word), len(centres[0].vector), len(centres)), word]
        parts += [part for centre in centres for part in _packed(centre)]
    return b"".join(parts)


def _packed(centre: Centre) -> Iterator[bytes]:
    yield _CENTRE.pack(centre.mass, centre.count, len(centre.sources)) + centre.vector.astype("<f2").tobytes()
    for each in centre.sources:
        word = each.source.item_id.encode()
        yield _SOURCE.pack(each.source.type or 0, each.weight, len(word)) + word


def unpack(data: bytes) -> Memory:
    """The inverse of `pack`; of nothing the empty one. Raises Internal for a format this version does not know."""
    if not data:
        return EMPTY
    if data[:1] != bytes([FORMAT]):
        raise Internal("a stored memory has a format this version does not know", reason="UNKNOWN_FORMAT")
    _, events, until_ms, spaces = _HEAD.unpack_from(data)
    reader = _Reader(data, _HEAD.size)
    return Memory(events, until_ms, dict(reader.space() for _ in range(spaces)))


@dataclass
class _Reader:
    """`at`: the next byte."""

    data: bytes
    at: int

    def space(self) -> tuple[str, tuple[Centre, ...]]:
        length, dimension, centres = self._numbers(_SPACE)
        return self._word(length), tuple(self._centre(dimension) for _ in range(centres))

    def _centre(self, dimension: int) -> Centre:
        mass, count, sources = self._numbers(_CENTRE)
        vector = np.frombuffer(self.data, dtype="<f2", count=dimension, offset=self.at)
        self.at += vector.nbytes
        return Centre(mass, count, vector, tuple(self._source() for _ in range(sources)))

    def _source(self) -> Weighed:
        type_, weight, length = self._numbers(_SOURCE)
        return Weighed(Source(self._word(length), EventType(type_)), weight)

    def _numbers(self, form: struct.Struct) -> tuple[int, ...]:
        self.at += form.size
        return form.unpack_from(self.data, self.at - form.size)

    def _word(self, length: int) -> str:
        self.at += length
        return self.data[self.at - length : self.at].decode()
