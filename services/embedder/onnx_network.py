"""The real network: a manifest's graph on onnxruntime, and the blocks that need no head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from services.embedder import colour, style
from services.embedder.framing import Pixels
from services.embedder.manifest import BlockPlan, Input, Manifest
from services.embedder.model import canary_picture
from services.embedder.network import Network
from services.embedder.seen import Seen
from services.errors import Refused
from services.spaces import Float32

_DTYPES: Final = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}


class OnnxNetwork(Network):
    """`graph` is an ONNX file's bytes. One run uses `threads` threads. `overflows`:
    this processor has no VNNI, and multiplying uint8 by int8 overflows. onnxruntime then makes the weights uint8: the
    same numbers at less than half the speed (it cannot tell itself whether that is needed).

    Raises Refused when the graph is not as the manifest says, or a provider is not there.
    """

    def __init__(
        self, manifest: Manifest, graph: bytes, *, threads: int, providers: Sequence[str], overflows: bool = False
    ) -> None:
        self._manifest = manifest
        self._plans = [plan for plan in manifest.blocks if plan.kind in ("colour", "style")]
        self._outputs = [name for name in manifest.outputs.model_dump().values() if name]
        self._session = _open(graph, threads, providers, overflows=overflows)
        self.side = manifest.input.pixels
        self._check()

    def look(self, pixels: Pixels, *, regions: bool = True) -> Seen:
        names = self._manifest.outputs
        # Without an output for the activity, it is summed up from the map.
        fetched = [name for name in self._outputs if regions or not names.activity or name != names.map]
        found = self._run(pixels, fetched)
        features = found[names.features].reshape(len(pixels), -1)
        maps = found.get(names.map) if names.map else None
        if names.activity:
            activity: Float32 | None = found[names.activity]
        else:
            activity = None if maps is None else maps.sum(axis=1)
        texture = found[names.texture] if names.texture else None
        own = {plan.name: _own_block(plan, pixels, activity, texture) for plan in self._plans}
        return Seen(features, own, maps if regions else None)

    def _run(self, pixels: Pixels, outputs: Sequence[str]) -> dict[str, Float32]:
        fed = {self._manifest.input.name: prepare(pixels, self._manifest.input)}
        return dict(zip(outputs, self._session.run(outputs, fed), strict=True))

    def _check(self) -> None:
        """Looks at two pictures: what a graph announces may be symbolic, what it answers not."""
        manifest, side = self._manifest, self.side
        _check_names(self._session, manifest)
        canary = canary_picture(side)
        pixels = np.stack([canary, canary[::-1]])
        try:
            found = self._run(pixels, self._outputs)
        except Exception as problem:  # onnxruntime raises kinds of its own, without a common base
            what = f"it does not take two pictures of {side}x{side} pixels; export it with a batch axis of any size"
            raise _wrong(manifest, f"{what} ({problem})") from problem
        for output, tensor in found.items():
            if tensor.dtype != np.float32 or tensor.ndim < 2 or len(tensor) != 2:
                raise _wrong(manifest, f"{output} is {tensor.dtype} {tensor.shape}, not float32 (2, …)")
        features = found[manifest.outputs.features]
        if features.size != 2 * features.shape[1]:
            raise _wrong(manifest, f"{manifest.outputs.features} is {features.shape}, not (2, F)")
        if manifest.fit and manifest.fit.features != features.shape[1]:
            raise _wrong(manifest, f"it has {features.shape[1]} features, was fitted with {manifest.fit.features}")
        _check_regions(manifest, features.reshape(2, -1), found)
        if name := manifest.outputs.texture:
            _check_texture(manifest, name, found[name])


def prepare(pixels: Pixels, wanted: Input) -> NDArray[Any]:
    """(n, side, side, 3) uint8 -> what the graph takes."""
    if wanted.dtype == "uint8":
        tensor: NDArray[Any] = pixels
    else:
        mean, deviation = np.array(wanted.mean, np.float32), np.array(wanted.deviation, np.float32)
        tensor = (pixels - mean) / deviation
    return tensor if wanted.layout == "NHWC" else np.ascontiguousarray(tensor.transpose(0, 3, 1, 2))


def _own_block(plan: BlockPlan, pixels: Pixels, activity: Float32 | None, texture: Float32 | None) -> Float32:
    """(n, dimension), centred as far as it is fitted."""
    if plan.kind == "colour":
        block = colour.describe(pixels, activity)
    else:
        assert texture is not None, "the manifest says where the texture is"
        block = style.statistics(texture)
        block = block if plan.matrix is None else block @ plan.matrix.T
    return block if plan.mean is None else block - plan.mean.astype(np.float32)


def _open(graph: bytes, threads: int, providers: Sequence[str], *, overflows: bool) -> onnxruntime.InferenceSession:
    missing = sorted(set(providers) - set(onnxruntime.get_available_providers()))
    if missing:
        there = ", ".join(onnxruntime.get_available_providers())
        raise Refused(f"VISREC_EMBEDDER_PROVIDERS: this onnxruntime has no {missing[0]}; it has {there}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Waiting threads would burn the processor that the other workers need.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.x64quantprecision", "1" if overflows else "0")
    try:
        return onnxruntime.InferenceSession(graph, options, providers=list(providers))
    except Exception as problem:  # as above
        raise Refused(f"onnxruntime cannot load the model: {problem}", reason="MODEL_WRONG") from problem


def _check_names(session: onnxruntime.InferenceSession, manifest: Manifest) -> None:
    inputs = {each.name: _DTYPES.get(each.type, each.type) for each in session.get_inputs()}
    outputs = {each.name for each in session.get_outputs()}
    wanted = manifest.input
    if inputs != {wanted.name: wanted.dtype}:
        raise _wrong(manifest, f"it takes {inputs}, the manifest says {{{wanted.name!r}: {wanted.dtype!r}}}")
    for name in manifest.outputs.model_dump().values():
        if name and name not in outputs:
            raise _wrong(manifest, f"it has no output {name!r}; it has {', '.join(sorted(outputs))}")


def _check_regions(manifest: Manifest, features: Float32, found: Mapping[str, Float32]) -> None:
    """The map, and its sum over the channels, where there are any."""
    name, activity = manifest.outputs.map, manifest.outputs.activity
    if not name:
        return
    maps = found[name]
    if maps.ndim != 4 or maps.shape[:2] != features.shape:
        raise _wrong(manifest, f"{name} is {maps.shape}, not (2, {features.shape[1]}, rows, columns)")
    if not np.allclose(maps.mean(axis=(2, 3)), features, rtol=1e-3, atol=1e-3):
        raise _wrong(manifest, f"{manifest.outputs.features} is not the mean of {name} over its regions")
    total = maps.sum(axis=1)
    if activity and (found[activity].shape != total.shape or not np.allclose(found[activity], total, 1e-3, 1e-3)):
        raise _wrong(manifest, f"{activity} is not the sum of {name} over its channels")


def _check_texture(manifest: Manifest, name: str, texture: Float32) -> None:
    if texture.ndim != 4:
        raise _wrong(manifest, f"{name} is {texture.shape}, not (2, channels, rows, columns)")
    numbers = style.statistics(texture).shape[1]
    for plan in manifest.blocks:
        if plan.matrix is not None and plan.matrix.shape[1] != numbers:
            raise _wrong(manifest, f"{name} has {numbers} statistics, block {plan.name} was fitted with others")


def _wrong(manifest: Manifest, what: str) -> Refused:
    return Refused(f"the graph of {manifest.name} is not as its manifest says: {what}", reason="MODEL_WRONG")
