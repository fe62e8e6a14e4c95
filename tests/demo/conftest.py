from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.client.fakes.fleet import Fleet, fleet
from visrec.client import Client
from visrec.items import NewItem

SHADES = {"red": (200, 40, 40), "blue": (40, 70, 200), "green": (40, 160, 60)}


@pytest.fixture
def services() -> Iterator[Fleet]:
    with fleet() as running:
        yield running


@pytest.fixture
def client(services: Fleet) -> Iterator[Client]:
    with Client.connect(services.targets) as connected:
        yield connected


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with six small photos in each of three categories."""
    for name, colour in SHADES.items():
        folder = tmp_path / "photos" / name
        folder.mkdir(parents=True)
        for number in range(6):
            Image.new("RGB", (16 + number, 16), colour).save(folder / f"{name}_{number}.png")
    return tmp_path / "photos"


@pytest.fixture
def items(photos: Path) -> list[NewItem]:
    """The same as items, one category after the other."""
    return [
        NewItem(f"{path.parent.name}/{path.stem}", [path], title=path.stem, category=path.parent.name)
        for path in sorted(photos.rglob("*.png"))
    ]
