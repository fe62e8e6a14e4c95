from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from services.embedder.cache import GraphCache

KEY = "ab" * 32


class Builder:
    """Counts how often it was asked."""

    def __init__(self, data: bytes = b"graph") -> None:
        self.data = data
        self.asked = 0

    def __call__(self) -> bytes:
        self.asked += 1
        return self.data


def test_a_graph_is_built_once(tmp_path: Path) -> None:
    build, cache = Builder(), GraphCache(tmp_path / "models")
    assert cache.get(KEY, build) == cache.get(KEY, build) == b"graph"
    assert build.asked == 1


def test_another_key_is_another_graph(tmp_path: Path) -> None:
    cache = GraphCache(tmp_path)
    cache.get(KEY, Builder())
    assert cache.get("cd" * 32, Builder(b"other")) == b"other"


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: data + b"x", lambda _: b"", lambda _: b"short"]
)
def test_a_damaged_file_is_built_again(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    build, cache = Builder(), GraphCache(tmp_path)
    cache.get(KEY, build)
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    assert cache.get(KEY, build) == b"graph"
    assert build.asked == 2
    assert cache.get(KEY, build) == b"graph"
    assert build.asked == 2


def test_nothing_is_left_over(tmp_path: Path) -> None:
    cache = GraphCache(tmp_path)
    for _ in range(3):
        cache.get(KEY, Builder())
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_cannot_be_made_costs_speed_only(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    build, cache = Builder(), GraphCache(blocked / "models")
    assert cache.get(KEY, build) == cache.get(KEY, build) == b"graph"
    assert build.asked == 2
