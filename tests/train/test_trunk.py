"""Room for what the frozen layers say."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest

from services.embedder.architecture import LITE0
from services.embedder.weights import Weights
from train.photos import Photos
from train.trunk import Trunk


def test_a_disk_without_room_is_found_before_the_first_photo(weights: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write into mapped memory would find it otherwise, and no program outlives that."""
    asked: list[int] = []

    def full(_: int, offset: int, length: int) -> None:
        asked.append(offset + length)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    names = ["nowhere.png"] * 5
    photos = Photos(Path(), names, names, [], np.zeros(5, bool))
    with pytest.raises(OSError, match="No space"), Trunk(weights, LITE0, 1).maps(photos, lambda _: None):
        pass
    assert asked == [5 * 192 * 7 * 7 * 2]
