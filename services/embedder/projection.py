"""Vectors in a space from what was kept of photos: raw features, and a vector from which other blocks are taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.embedder.head import Head, Own
from services.embedder.seen import Seen
from services.errors import InvalidInput, VisrecError
from services.spaces import Float32


@dataclass(frozen=True, eq=False)
class Kept:
    """Of one photo. `raw`: (F,) float16 as bytes. `vector`: float32 as bytes, of the space that the head `origin`
    makes; `origin` may be why there is no such head, and is None when no vector was kept."""

    raw: bytes
    vector: bytes = b""
    origin: Head | VisrecError | None = None


def project(kept: Sequence[Kept], head: Head, raw_dimension: int) -> list[Float32 | VisrecError]:
    """For each photo its vector (D,) in the head's space, unit norm in each block, or why there is none."""
    owned = [rule.name for rule in head.rules if isinstance(rule, Own)]
    results: list[Float32 | VisrecError] = []
    features: list[Float32] = []
    blocks: dict[str, list[Float32]] = {name: [] for name in owned}
    for number, photo in enumerate(kept):
        at = f"photos[{number}]"
        try:
            raw = _raw(photo.raw, raw_dimension, f"{at}.raw_features")
            found = _own_blocks(photo, owned, at)
        except VisrecError as problem:
            results.append(problem)
            continue
        features.append(raw)
        for name, block in found.items():
            blocks[name].append(block)
        results.append(raw)  # its place, until all are made at once
    if features:
        seen = Seen(np.stack(features), {name: np.stack(rows) for name, rows in blocks.items()})
        made = iter(head.vectors(seen))
        results = [one if isinstance(one, VisrecError) else next(made) for one in results]
    return results


def _raw(data: bytes, dimension: int, at: str) -> Float32:
    if len(data) != 2 * dimension:
        message = f"{len(data)} bytes given, {2 * dimension} are needed ({dimension} float16)"
        raise InvalidInput(at, message, reason="WRONG_DIMENSION")
    raw = np.frombuffer(data, "<f2").astype(np.float32)
    if not np.isfinite(raw).all():
        raise InvalidInput(at, "every value must be finite", reason="NOT_FINITE")
    return raw


def _own_blocks(photo: Kept, names: Sequence[str], at: str) -> dict[str, Float32]:
    """The blocks that are not made of features, from the vector. Raises InvalidInput when it has not all of them."""
    if not names:
        return {}
    if isinstance(photo.origin, VisrecError):
        raise photo.origin
    places = _places(photo.origin) if photo.origin else {}
    missing = next((name for name in names if name not in places), None)
    if photo.origin is None or missing is not None:
        message = f"a vector is needed that has the block {missing!r}"
        raise InvalidInput(f"{at}.vector", message, reason="BLOCK_MISSING")
    vector = photo.origin.space.decode(photo.vector, f"{at}.vector.data")
    return {name: vector[places[name]] for name in names}


def _places(head: Head) -> dict[str, slice]:
    """Where the model's own blocks stand in vectors of a head, by the model's names for them."""
    places = [place for _, place in head.space.slices()]
    return {rule.name: place for rule, place in zip(head.rules, places, strict=True) if isinstance(rule, Own)}
