"""A vector space: named blocks side by side, and the only arithmetic that is allowed on its vectors.

A vector is the concatenation of its blocks, each of unit Euclidean norm (or all zero: this picture has nothing to say
there). The stored value is float16 and is the canonical one: every score, part and evidence map is computed from it.

A query weighs its blocks, w_b (any finite sign, not all zero), and the score of an item is

    score(q, x) = sum_b  w_b / sum_b' |w_b'|  *  <q_b, x_b>            in [-1, 1]

so scaling the query's blocks once makes one inner product over the whole vector the score, and its per-block terms the
parts. Nothing here knows where vectors come from. numpy only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from services.errors import InvalidInput, SpaceMismatch

Float32 = NDArray[np.float32]
Float16 = NDArray[np.float16]

_SPACE_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}@[0-9a-f]{8,64}")
_BLOCK_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")

MAX_DIMENSION = 4096
"""Largest total dimension of a space: 8 KiB an item in float16."""

MIN_NORM = 1e-6
"""Below this a block counts as zero: dividing by its norm would amplify rounding noise into a direction."""


@dataclass(frozen=True)
class Block:
    """One named part of a vector. `default_weight` is the w_b of a query that names no weights, finite, >= 0."""

    name: str
    dimension: int
    default_weight: float = 1.0


@dataclass(frozen=True)
class Space:
    """`name` is `family@digest`: the digest is over everything that makes the numbers what they are (model, heads,
    means), so two spaces of equal name are comparable and two of different names never are.

    Raises InvalidInput when the name, a block or the total dimension is out of bounds.
    """

    name: str
    blocks: tuple[Block, ...]
    _slices: Mapping[str, slice] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not _SPACE_NAME.fullmatch(self.name):
            raise InvalidInput(
                "space.name",
                f"{self.name[:80]!r} is not of the form family@digest, a digest of 8 to 64 of 0-9 and a-f",
            )
        if not self.blocks:
            raise InvalidInput("space.blocks", "a space needs at least one block")
        slices: dict[str, slice] = {}
        start = 0
        for number, block in enumerate(self.blocks):
            at = f"space.blocks[{number}]"
            if not _BLOCK_NAME.fullmatch(block.name) or block.name in slices:
                raise InvalidInput(f"{at}.name", "must be unique, of a-z, 0-9 and _, at most 32 letters")
            if not 1 <= block.dimension <= MAX_DIMENSION:
                raise InvalidInput(f"{at}.dimension", f"must be 1 to {MAX_DIMENSION}")
            if not (np.isfinite(block.default_weight) and block.default_weight >= 0):
                raise InvalidInput(f"{at}.default_weight", "must be finite and not negative")
            slices[block.name] = slice(start, start + block.dimension)
            start += block.dimension
        if start > MAX_DIMENSION:
            raise InvalidInput("space.blocks", f"{start} dimensions in all, at most {MAX_DIMENSION}")
        self._check_weights()
        object.__setattr__(self, "_slices", slices)

    def _check_weights(self) -> None:
        """A search that names no weights must look at something."""
        if not 0 < sum(block.default_weight for block in self.blocks) < float("inf"):
            raise InvalidInput("space.blocks", "at least one default weight must be above 0", reason="ZERO_WEIGHTS")

    @cached_property
    def dimension(self) -> int:
        """Length of a vector of this space."""
        return sum(block.dimension for block in self.blocks)

    @cached_property
    def block_starts(self) -> NDArray[np.intp]:
        """Shape (blocks,): the first position of each block, as `np.add.reduceat` wants it."""
        return np.array([self._slices[block.name].start for block in self.blocks], dtype=np.intp)

    @cached_property
    def _block_of(self) -> NDArray[np.intp]:
        """Shape (D,): the number of the block that each position is in."""
        return np.repeat(np.arange(len(self.blocks)), [block.dimension for block in self.blocks])

    @cached_property
    def default_weights(self) -> Float32:
        """`weights` of a query that names none; always the same array, which nobody may change. Raises as `weights`."""
        weights = self._shares([block.default_weight for block in self.blocks], "block_weights")
        weights.setflags(write=False)
        return weights

    @cached_property
    def _default_factors(self) -> Float32:
        """Shape (D,): the default weight of the block that each position is in."""
        return self.default_weights[self._block_of]

    def slices(self) -> Iterator[tuple[Block, slice]]:
        """Each block with its place in the vector, in order."""
        for block in self.blocks:
            yield block, self._slices[block.name]

    def require(self, name: str) -> None:
        """Raises SpaceMismatch unless `name` is this space."""
        if name != self.name:
            raise SpaceMismatch(expected=self.name, given=name)

    def normalise(self, vectors: Float32) -> Float32:
        """(..., D) -> (..., D) float32, each block of unit norm; one whose norm is below `MIN_NORM` becomes zero."""
        out = np.asarray(vectors, dtype=np.float32)
        return self._scaled(out, np.sqrt(np.add.reduceat(out * out, self.block_starts, axis=-1)))

    def _scaled(self, vectors: Float32, norms: Float32) -> Float32:
        """Each block divided by its norm; `norms` (..., blocks)."""
        if norms.ndim == 1 and min(norms.tolist()) >= MIN_NORM:  # a query: the same numbers in half the time
            factors = 1 / norms
        else:
            factors = np.where(norms >= MIN_NORM, 1 / np.maximum(norms, np.float32(MIN_NORM)), np.float32(0))
        return np.asarray(vectors * factors[..., self._block_of], dtype=np.float32)

    def combine(self, blocks: Mapping[str, Float32]) -> Float32:
        """Block name -> (..., dimension of the block) to one normalised (..., D) float32. Every block must be given."""
        return self.normalise(np.concatenate([blocks[block.name] for block in self.blocks], axis=-1))

    def decode(self, data: bytes, field_path: str) -> Float32:
        """Little-endian float32 bytes of the contract -> normalised (D,) float32.

        Raises InvalidInput, naming `field_path`, for a wrong length, a value that is not finite (or is beyond 1e15,
        whose square overflows), or a vector that is zero in every block.
        """
        if len(data) != 4 * self.dimension:
            raise InvalidInput(
                field_path,
                f"{len(data)} bytes given, space {self.name} needs {4 * self.dimension} ({self.dimension} float32)",
                reason="WRONG_DIMENSION",
            )
        vector = np.frombuffer(data, dtype="<f4")
        with np.errstate(over="ignore", invalid="ignore"):
            sums = np.add.reduceat(vector * vector, self.block_starts)
        # The sums of squares say of nearly every vector that all is well; NaN is not less than anything.
        if not sum(sums.tolist()) < 1e30:
            self._require_finite(vector, field_path)
        norms = np.sqrt(sums)
        if max(norms.tolist()) < MIN_NORM:
            raise InvalidInput(field_path, "a zero vector has no direction to compare", reason="ZERO_VECTOR")
        return self._scaled(vector, norms)

    def decode_all(self, data: Sequence[bytes], field_paths: Sequence[str]) -> Float32:
        """`decode` of several, (n, D), to the same bits: most of what one takes is what it costs to begin. Raises as
        `decode` does, of the first that is wrong."""
        if len(data) < 2 or any(len(each) != 4 * self.dimension for each in data):
            vectors = [self.decode(each, path) for each, path in zip(data, field_paths, strict=True)]
            return np.array(vectors, np.float32).reshape(len(data), self.dimension)
        given = np.frombuffer(b"".join(data), "<f4").reshape(len(data), self.dimension)
        with np.errstate(over="ignore", invalid="ignore"):
            sums = np.add.reduceat(given * given, self.block_starts, axis=1)
        norms = np.sqrt(sums)
        if not sum(sums.ravel().tolist()) < 1e30 or min(norms.max(axis=1).tolist()) < MIN_NORM:
            return np.array([self.decode(each, path) for each, path in zip(data, field_paths, strict=True)], np.float32)
        return self._scaled(given, norms)

    def _require_finite(self, vector: Float32, field_path: str) -> None:
        if not np.isfinite(vector).all() or np.abs(vector).max() > 1e15:
            raise InvalidInput(field_path, "every value must be finite and within 1e15", reason="NOT_FINITE")

    def weights(self, given: Mapping[str, float], field_path: str = "block_weights") -> Float32:
        """Shape (blocks,), float32, sum of absolute values 1: what each block's inner product is multiplied by.

        `given` maps block names to w_b; an empty map means the blocks' default weights, and a block that a non-empty
        map does not name weighs 0. Raises InvalidInput for an unknown block, a value that is not finite, or a sum of
        absolute values of zero.
        """
        if not given:
            return self.default_weights
        unknown = sorted(set(given) - set(self._slices))
        if unknown:
            known = ", ".join(self._slices)
            raise InvalidInput(f"{field_path}[{unknown[0]!r}]", f"no such block in {self.name}; it has {known}")
        return self._shares([given.get(block.name, 0.0) for block in self.blocks], field_path)

    def _shares(self, chosen: list[float], field_path: str) -> Float32:
        weights = np.array(chosen, dtype=np.float64)
        total = np.abs(weights).sum()
        if not np.isfinite(total):
            raise InvalidInput(field_path, "every weight must be finite", reason="NOT_FINITE")
        if total < 1e-9:
            raise InvalidInput(field_path, "the weights sum to zero: nothing would be compared", reason="ZERO_WEIGHTS")
        return np.asarray(weights / total, dtype=np.float32)

    def weigh(self, query: Float32, weights: Float32) -> Float32:
        """(..., D) query and (blocks,) weights -> (..., D), whose inner product with an item is the item's score."""
        factors = self._default_factors if weights is self.__dict__.get("default_weights") else weights[self._block_of]
        return np.asarray(query * factors, dtype=np.float32)

    def parts(self, weighed: Float32, items: Float16 | Float32) -> Float32:
        """(D,) weighed query and (n, D) canonical items -> (n, blocks) float32, the exact terms of each score."""
        terms = items.astype(np.float32) * weighed
        parts: Float32 = np.add.reduceat(terms, self.block_starts, axis=1, dtype=np.float32)
        return parts


def canonical(vectors: Float32) -> Float16:
    """The stored form, float16. Values are within [-1, 1], so the rounding error of an inner product of two unit
    blocks stays below 1e-3."""
    return np.asarray(vectors, dtype=np.float16)


def encode(vector: Float32 | Float16) -> bytes:
    """Any vector -> little-endian float32 bytes of the contract."""
    return np.ascontiguousarray(vector, dtype="<f4").tobytes()
