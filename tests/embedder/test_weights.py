from __future__ import annotations

import pickle
import struct
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from services.embedder.manifest import Checkpoint, Manifest, find_manifest
from services.embedder.weights import find_checkpoint, load_checkpoint, read_checkpoint
from services.errors import Internal, Refused

MAGIC, PROTOCOL, PLATFORM = 0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}

WEIGHTS = Manifest.load(find_manifest("lite0")).weights
assert isinstance(WEIGHTS, Checkpoint)
LITE0 = WEIGHTS


def checkpoint(state: bytes, values: np.ndarray, key: str = "0") -> bytes:
    head = b"".join(pickle.dumps(part, 2) for part in (MAGIC, PROTOCOL, PLATFORM))
    storage = struct.pack("<q", values.size) + values.astype("<f4").tobytes()
    return head + state + pickle.dumps([key], 2) + storage


def one_tensor(offset: int, shape: tuple[int, ...], stride: tuple[int, ...], elements: int) -> bytes:
    """The pickle of {"w": tensor}, written by hand: protocol 0, so that it can be read here."""
    storage = f"(Vstorage\nctorch\nFloatStorage\nV0\nVcpu\nI{elements}\nNtQ"
    sizes = "".join(f"I{size}\n" for size in shape)
    steps = "".join(f"I{step}\n" for step in stride)
    return (f"(dVw\nctorch._utils\n_rebuild_tensor_v2\n({storage}I{offset}\n({sizes}t({steps}tI00\n(dtRs.").encode()


def test_the_installed_weights_are_the_pinned_ones() -> None:
    weights = load_checkpoint(find_checkpoint(LITE0.package), LITE0.sha256)
    assert weights["_conv_stem.weight"].shape == (32, 3, 3, 3)
    assert weights["_fc.weight"].shape == (1000, 1280)
    assert all(np.isfinite(tensor).all() for tensor in weights.values())


def test_another_file_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.pth"
    data = find_checkpoint(LITE0.package).read_bytes()
    other.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(Refused, match=LITE0.sha256):
        load_checkpoint(other, LITE0.sha256)


def test_a_tensor_is_read_in_its_own_strides() -> None:
    values = np.arange(6, dtype=np.float32)
    weights = read_checkpoint(checkpoint(one_tensor(0, (3, 2), (1, 3), 6), values))
    np.testing.assert_array_equal(weights["w"], values.reshape(2, 3).T)
    assert not weights["w"].flags.writeable


@pytest.mark.parametrize(
    ("offset", "shape", "stride"),
    [(0, (7,), (1,)), (1, (6,), (1,)), (0, (2, 2), (1, 5)), (-1, (2,), (1,)), (0, (2,), (-1,)), (0, (2, 3), (1,))],
)
def test_a_tensor_beyond_its_storage_is_refused(offset: int, shape: tuple[int, ...], stride: tuple[int, ...]) -> None:
    with pytest.raises(Internal):
        read_checkpoint(checkpoint(one_tensor(offset, shape, stride, 6), np.arange(6)))


@pytest.mark.parametrize(
    "name", ["os\nsystem", "builtins\neval", "torch\nload", "collections\ndeque", "numpy\nndarray"]
)
@pytest.mark.parametrize("place", [0, 3, 4])
def test_a_foreign_global_is_refused_wherever_it_stands(name: str, place: int, tmp_path: Path) -> None:
    called = tmp_path / "called"
    evil = f"c{name}\n(Vtouch {called}\ntR.".encode()
    parts = [pickle.dumps(part, 2) for part in (MAGIC, PROTOCOL, PLATFORM)]
    parts += [pickle.dumps(OrderedDict(), 2), pickle.dumps([], 2)]
    parts[place] = evil
    with pytest.raises(Internal, match="not allowed"):
        read_checkpoint(b"".join(parts))
    assert not called.exists()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04 a zip file",
        pickle.dumps(1, 2) * 5,
        checkpoint(pickle.dumps("no dictionary", 2), np.zeros(0)),
        checkpoint(one_tensor(0, (6,), (1,), 6), np.arange(6))[:-4],
        checkpoint(one_tensor(0, (6,), (1,), 6), np.arange(5)),
        checkpoint(one_tensor(0, (6,), (1,), 6), np.arange(6), key="another"),
    ],
)
def test_a_broken_checkpoint_is_refused(data: bytes) -> None:
    with pytest.raises(Internal):
        read_checkpoint(data)
