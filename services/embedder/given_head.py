"""A head that was given: what it is, whether it suits the model, the name of the space that it makes, and its bytes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from services.embedder.head import Head, Linear, Own, Rule
from services.embedder.model import Model
from services.errors import InvalidInput
from services.spaces import Block, Float32, Space

MAX_DESCRIPTION_LETTERS: Final = 1024

MAX_VALUE: Final = 1e6
"""Of matrices and means: squares of what comes of larger ones leave float32."""

_SPACE_FIELD: Final = re.compile(r"space\.blocks\[(\d+)\]")
_FAMILY: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}")


@dataclass(frozen=True, eq=False)
class GivenBlock:
    """One block: the model's own of that name, or normalise(matrix . features - mean). `matrix` (dimension, F) and
    `mean` (dimension,) float32; both None for an own one."""

    block: Block
    matrix: Float32 | None = None
    mean: Float32 | None = None

    @property
    def own(self) -> bool:
        """It needs no numbers."""
        return self.matrix is None


@dataclass(frozen=True, eq=False)
class GivenHead:
    """The family of its space, what it was learned from, for people, and the blocks in their order."""

    family: str
    description: str
    blocks: tuple[GivenBlock, ...]

    def space(self, model_digest: str) -> Space:
        """The space that it makes of what the model sees. Raises InvalidInput when a block or their sum is out of
        bounds."""
        digest = hashlib.sha256(f"{model_digest}\n{self.family}".encode())
        for each in self.blocks:
            digest.update(json.dumps([each.block.name, each.block.dimension, each.block.default_weight]).encode())
            digest.update(_numbers(each))
        return Space(f"{self.family}@{digest.hexdigest()[:16]}", tuple(each.block for each in self.blocks))

    def check(self, model: Model) -> None:
        """Raises InvalidInput, naming the field of the request, when it does not suit the model."""
        if not _FAMILY.fullmatch(self.family):
            raise InvalidInput("head.family", "must be of a-z, 0-9, _ and -, at most 32 letters, a letter first")
        if len(self.description) > MAX_DESCRIPTION_LETTERS:
            raise InvalidInput("head.description", f"at most {MAX_DESCRIPTION_LETTERS} letters")
        if not self.blocks:
            raise InvalidInput("head.blocks", "a head needs at least one block")
        try:
            self.space(model.card.digest)
        except InvalidInput as problem:
            at = _SPACE_FIELD.sub(r"head.blocks[\1].block", problem.field).replace("space.blocks", "head.blocks")
            raise InvalidInput(at, problem.description, reason=problem.reason) from problem
        for number, each in enumerate(self.blocks):
            _check_block(each, model, f"head.blocks[{number}]")
        if not any(each.block.default_weight for each in self.blocks):
            raise InvalidInput(
                "head.blocks", "every default weight is 0: a query without weights would compare nothing"
            )

    def head(self, model_digest: str) -> Head:
        """Ready to make vectors."""
        return Head(self.space(model_digest), tuple(_rule(each) for each in self.blocks))

    def about(self, created_us: int) -> bytes:
        """All but the numbers, as JSON. `created_us` is Unix time in microseconds."""
        blocks = [[each.block.name, each.block.dimension, each.block.default_weight, each.own] for each in self.blocks]
        fields = {
            "family": self.family,
            "description": self.description,
            "created_us": created_us,
            "blocks": blocks,
        }
        return json.dumps(fields).encode()

    def numbers(self) -> bytes:
        """Of each linear block its matrix, row by row, and its mean, little-endian float32."""
        return b"".join(_numbers(each) for each in self.blocks)


def unpack(about: bytes, numbers: bytes, raw_dimension: int) -> GivenHead:
    """What `about` and `numbers` wrote, for a model of so many features."""
    read = json.loads(about)
    values, at = np.frombuffer(numbers, dtype="<f4"), 0
    blocks = []
    for name, dimension, weight, own in read["blocks"]:
        block = Block(name, dimension, weight)
        if own:
            blocks.append(GivenBlock(block))
            continue
        end = at + dimension * raw_dimension
        matrix = values[at:end].reshape(dimension, raw_dimension)
        blocks.append(GivenBlock(block, matrix, values[end : end + dimension]))
        at = end + dimension
    return GivenHead(read["family"], read["description"], tuple(blocks))


def blocks_of(about: bytes) -> tuple[dict[str, Any], tuple[Block, ...]]:
    """The fields of `about`, and its blocks, without any numbers."""
    read = json.loads(about)
    return read, tuple(Block(name, dimension, weight) for name, dimension, weight, _ in read["blocks"])


def _check_block(each: GivenBlock, model: Model, at: str) -> None:
    dimension = each.block.dimension
    if each.own:
        own = model.own_blocks
        known = own.get(each.block.name)
        if known is None:
            raise InvalidInput(f"{at}.block.name", f"the model has no block of its own of that name, but {_list(own)}")
        if known != dimension:
            raise InvalidInput(f"{at}.block.dimension", f"the model's own {each.block.name} has {known}")
        return
    assert each.matrix is not None
    assert each.mean is not None
    for name, numbers in (("matrix", each.matrix), ("mean", each.mean)):
        if not np.isfinite(numbers).all():
            raise InvalidInput(f"{at}.{name}", "every value must be finite", reason="NOT_FINITE")
        if np.abs(numbers).max() > MAX_VALUE:
            raise InvalidInput(f"{at}.{name}", f"every value must be within {MAX_VALUE:g}", reason="TOO_LARGE")
    if not each.matrix.any():
        raise InvalidInput(f"{at}.matrix", "all zero: every picture would be the same", reason="ZERO_MATRIX")


def _rule(each: GivenBlock) -> Rule:
    if each.matrix is None or each.mean is None:
        return Own(each.block.name)
    return Linear(each.matrix, each.mean)


def _numbers(each: GivenBlock) -> bytes:
    if each.matrix is None or each.mean is None:
        return b""
    return each.matrix.astype("<f4").tobytes() + each.mean.astype("<f4").tobytes()


def _list(names: Mapping[str, int]) -> str:
    return ", ".join(names) or "none"
