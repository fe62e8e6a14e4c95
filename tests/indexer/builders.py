"""Small worlds for the indexer's tests: a space of two blocks, items, records, and what Hypothesis makes of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count

import numpy as np
from hypothesis import strategies as st

from services.errors import InvalidPicture, NotFound, NotReady, VisrecError
from services.indexer.definition import Definition, RandomBytes
from services.indexer.item import Availability, Item, Record
from services.indexer.writing.embedder import Embedder, Kept, Look, Photo
from services.spaces import Block, Float16, Float32, Space, canonical

SPACE = Space("visual@0123abcd", (Block("content", 12), Block("colour", 4, 0.5)))
OTHER_SPACE = Space("visual@99999999", SPACE.blocks)
HEAD_SPACE = Space("learned@11111111", (Block("content", 8), Block("colour", 4, 0.5)))
"""Another one that a toy embedder knows."""

RAW = 10
"""Raw features of a toy embedder."""

NOW_US = 1_700_000_000_000_000


def definition(name: str = "shop", partitions: int = 1, space: Space = SPACE) -> Definition:
    return Definition(name, space, partitions, NOW_US, "00112233")


def vectors(*seeds: int, space: Space = SPACE) -> Float16:
    """(len(seeds), D) canonical; the same seed gives the same vector."""
    raw = [np.random.default_rng(seed).normal(size=space.dimension) for seed in seeds]
    return canonical(space.normalise(np.array(raw, np.float32)))


def record(item_id: str, *seeds: int, created_us: int = NOW_US, space: Space = SPACE, **fields: object) -> Record:
    """An item with one photo for each seed."""
    item = Item(item_id, **fields)  # type: ignore[arg-type] # a test says what it means
    return Record(item, vectors(*(seeds or (len(item_id),)), space=space), created_us)


def seen(one: Record, raw: Float16 | None = None, **others: Float16) -> Record:
    """With raw features, and vectors in further spaces by the family of their names."""
    spaces = {"visual": OTHER_SPACE.name, "learned": HEAD_SPACE.name}
    return replace(one, others={spaces[family]: rows for family, rows in others.items()}, raw=raw)


def raw_features(*seeds: int) -> Float16:
    """(len(seeds), RAW)."""
    return np.array([np.random.default_rng(seed).random(RAW) for seed in seeds], np.float16)


def counted_bytes(first: int = 1) -> RandomBytes:
    """Random bytes of which no two are alike, and which are the same in every run."""
    numbers = count(first)
    return lambda length: next(numbers).to_bytes(length, "big")


class ToyEmbedder(Embedder):
    """The vector of a photo is a function of its bytes. Refuses b"bad…"; answers nothing while `down`.

    Makes vectors in `heads` from raw features: `content` is what they begin with, `colour` that of the kept vector.
    """

    def __init__(self, space: Space = SPACE) -> None:
        self.space = space
        self.heads = {HEAD_SPACE.name: HEAD_SPACE}
        self.down = False
        self.embedded = self.projected = 0

    def default_space(self) -> Space:
        if self.down:
            raise NotReady("the embedder is down")
        return self.space

    def embed(self, photos: Sequence[Photo], space: Space, *, raw: bool = False) -> list[Look | VisrecError]:
        if self.down:
            return [NotReady("the embedder is down") for _ in photos]
        if space.name != self.space.name and space.name not in self.heads:
            return [NotFound("space", space.name) for _ in photos]
        self.embedded += len(photos)
        found = [(self.one(photo.data, space), photo.data) for photo in photos]
        return [
            one if isinstance(one, VisrecError) else Look(one, self.raw(data) if raw else None) for one, data in found
        ]

    def project(self, kept: Sequence[Kept], origin: Space, space: Space) -> list[Float32 | VisrecError]:
        if self.down:
            raise NotReady("the embedder is down")
        if space.name not in self.heads:
            raise NotFound("space", space.name)
        self.projected += len(kept)
        return [self.projected_one(one, space) for one in kept]

    def projected_one(self, kept: Kept, space: Space) -> Float32:
        content, colour = (block.dimension for block in space.blocks)
        raw = kept.raw[:content].astype(np.float32)
        return space.combine({"content": raw, "colour": kept.vector[-colour:].astype(np.float32)})

    def raw(self, data: bytes) -> Float16:
        features: Float16 = raw_features(int.from_bytes(hashlib.sha256(data).digest()[4:8], "big"))[0]
        return features

    def one(self, data: bytes, space: Space) -> Float32 | VisrecError:
        if data.startswith(b"bad"):
            return InvalidPicture("photo.data", "is not a picture")
        seed = int.from_bytes(hashlib.sha256(data).digest()[:4], "big")
        vector: Float32 = vectors(seed, space=space)[0].astype(np.float32)
        return vector

    @contextmanager
    def outage(self) -> Iterator[None]:
        self.down = True
        yield
        self.down = False


words = st.sampled_from(["", "dress", "Dress", "red", "blau", "ß"])
numbers = st.floats(allow_nan=False, allow_infinity=False, width=32)
instants = st.integers(min_value=-(10**15), max_value=10**15)
attributes = st.dictionaries(
    st.sampled_from(["size", "fit"]),
    words | numbers | st.booleans() | st.lists(words, max_size=3).map(tuple),
    max_size=2,
)


@st.composite
def items(draw: st.DrawFn, item_id: str = "item") -> Item:
    return Item(
        id=item_id,
        domain=draw(words),
        category=draw(words),
        group_id=draw(words),
        title=draw(st.text(max_size=20)),
        tags=tuple(draw(st.lists(words, max_size=3))),
        price=draw(st.none() | st.floats(min_value=0, max_value=1e6)),
        currency=draw(st.sampled_from(["", "EUR", "USD"])),
        attributes=draw(attributes),
        availability=draw(st.sampled_from(Availability)),
        time_us=draw(st.none() | instants),
        image_references=tuple(draw(st.lists(st.sampled_from(["a.jpg", "b.jpg"]), max_size=2))),
    )
