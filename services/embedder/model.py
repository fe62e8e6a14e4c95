"""A model: pixels in, vectors of its space out. `OnnxModel` is the real one, `ToyModel` a small one for tests."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from services.embedder import colour, content, images
from services.embedder.fitted import Fitted
from services.errors import NotFound, NotReady
from services.spaces import Block, Float32, Space

Precision = Literal["int8", "fp32"]
Pixels = NDArray[np.uint8]

COLOUR_WEIGHT: Final = 0.5
"""Default weight of colour beside content's 1: it reorders what is alike without overruling what it is."""

CANARY_COSINE: Final = 0.99
"""Least cosine per block between a canary's vector and the known one. Kernels of other CPUs round otherwise, which
costs under 0.002; an int8 kernel that saturates costs far more."""


@dataclass(frozen=True)
class Card:
    """What is known of a model. `digest` is SHA-256 hex over all that makes its numbers, `licence` in SPDX terms."""

    name: str
    digest: str
    precision: str
    licence: str
    input_pixels: int
    raw_dimension: int


@dataclass(frozen=True)
class Embeddings:
    """Of n pictures: `vectors` (n, D), normalised per block, and `features` (n, raw_dimension), both float32."""

    vectors: Float32
    features: Float32


class Model(ABC):
    """Safe to call from several threads at once."""

    card: Card
    space: Space

    @abstractmethod
    def embed(self, pixels: Pixels) -> Embeddings:
        """(n, input_pixels, input_pixels, 3) uint8 RGB, n >= 1. A picture's numbers do not depend on its neighbours."""

    @abstractmethod
    def known_canary(self) -> Float32:
        """(D,): the vector that `canary_picture` must have."""

    def require(self, name: str) -> Space:
        """The space of that name, the default one for an empty name. Raises NotFound."""
        if name not in ("", self.space.name):
            raise NotFound("space", name, f"this model embeds into {self.space.name}")
        return self.space

    def check(self) -> None:
        """Embeds the canary picture. Raises NotReady when its vector is not the known one: wrong numbers are worse
        than none."""
        found = self.embed(canary_picture(self.card.input_pixels)[None]).vectors[0]
        known = self.known_canary()
        for block, at in self.space.slices():
            cosine = float(found[at] @ known[at])
            if not cosine >= CANARY_COSINE:
                message = f"the canary's {block.name} is off: cosine {cosine:.4f}, at least {CANARY_COSINE} expected"
                raise NotReady(message, reason="CANARY_OFF")


class OnnxModel(Model):
    """EfficientNet-Lite0 on the CPU: content from its features, colour from its input.

    `graph` is what `network` built in `precision`, `graph_key` a digest over what it was built from; `classifier` is
    (1000, 1280). One run uses `threads` threads; several runs at once use as many each.
    """

    def __init__(
        self, graph: bytes, graph_key: str, classifier: Float32, fitted: Fitted, *, precision: Precision, threads: int
    ) -> None:
        self._session = _session(graph, threads)
        self._head = content.ContentHead.of(classifier, fitted.content_mean, fitted.content_deviation)
        self._colour_mean = fitted.colour_mean.astype(np.float32)
        self._canary = fitted.canary.get(precision)
        digest = _digest(graph_key, fitted)
        side = self._session.get_inputs()[0].shape[1]
        self.card = Card("efficientnet-lite0", digest, precision, "Apache-2.0", side, classifier.shape[1])
        self.space = Space(
            f"visual@{digest[:16]}",
            (Block("content", content.DIMENSION), Block("colour", colour.DIMENSION, COLOUR_WEIGHT)),
        )
        if self._canary is not None and precision == "int8" and not self._is_right():
            self._session = _session(graph, threads, overflows=True)

    def embed(self, pixels: Pixels) -> Embeddings:
        features: Float32 = self._session.run(["features"], {"pixels": pixels})[0]
        blocks = {"content": self._head(features), "colour": colour.describe(pixels) - self._colour_mean}
        return Embeddings(self.space.combine(blocks), features)

    def _is_right(self) -> bool:
        try:
            self.check()
        except NotReady:
            return False
        return True

    def known_canary(self) -> Float32:
        if self._canary is None:
            raise NotReady(f"no canary was fitted for {self.card.precision}", reason="CANARY_MISSING")
        return self.space.normalise(self._canary.astype(np.float32))


def _session(graph: bytes, threads: int, *, overflows: bool = False) -> onnxruntime.InferenceSession:
    """`overflows`: this processor has no VNNI, and multiplying uint8 by int8 overflows. onnxruntime then makes the
    weights uint8: the same numbers at less than half the speed (it cannot tell itself whether that is needed)."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Waiting threads would burn the processor that the other workers need.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.x64quantprecision", "1" if overflows else "0")
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


class ToyModel(Model):
    """A deterministic stand-in without a network: `content` is the picture in 4x4 greys, `colour` its mean colour and
    how much that varies, both around mid-grey. Alike pictures get alike vectors, which is all that a test asks."""

    def __init__(self) -> None:
        self.card = Card("toy", hashlib.sha256(b"toy 1").hexdigest(), "fp32", "Apache-2.0", 32, 48)
        self.space = Space(f"toy@{self.card.digest[:16]}", (Block("content", 16), Block("colour", 6, COLOUR_WEIGHT)))

    def embed(self, pixels: Pixels) -> Embeddings:
        unit = pixels.astype(np.float32) / 255 - 0.5
        tiles = unit.reshape(len(unit), 4, 8, 4, 8, 3).mean(axis=(2, 4))
        mean, spread = unit.mean(axis=(1, 2)), unit.std(axis=(1, 2))
        # The small constant keeps a plain grey picture from having no direction at all.
        blocks = {
            "content": np.asarray(tiles.mean(axis=-1).reshape(len(unit), -1) + 1e-3, dtype=np.float32),
            "colour": np.asarray(np.concatenate([mean, spread], axis=-1) + 1e-3, dtype=np.float32),
        }
        return Embeddings(self.space.combine(blocks), np.asarray(tiles.reshape(len(unit), -1), dtype=np.float32))

    def known_canary(self) -> Float32:
        vector: Float32 = self.embed(canary_picture(self.card.input_pixels)[None]).vectors[0]
        return vector


def canary_picture(side: int) -> Pixels:
    """(side, side, 3) uint8: soft waves and a disc, computed alike everywhere. No photo, but enough to move every
    layer."""
    x, y = np.meshgrid(np.linspace(0, 1, side), np.linspace(0, 1, side))
    disc = (np.hypot(x - 0.5, y - 0.45) < 0.28).astype(np.float64)
    waves = [0.5 + 0.3 * np.sin(2 * np.pi * (k * x + (3 - k) * y)) for k in (1, 2, 3)]
    tint = (0.85, 0.35, 0.15)
    channels = [(1 - disc) * wave + disc * part * (0.6 + 0.4 * y) for wave, part in zip(waves, tint, strict=True)]
    return np.asarray(np.rint(255 * np.stack(channels, axis=-1)), dtype=np.uint8)


def _digest(graph_key: str, fitted: Fitted) -> str:
    """Over everything that makes the numbers what they are, and nothing else."""
    versions = (images.FRAMING_VERSION, content.VERSION, colour.VERSION)
    arrays = (fitted.content_mean, fitted.content_deviation, fitted.colour_mean)
    parts = [graph_key, repr(versions), *(array.astype("<f4").tobytes().hex() for array in arrays)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
