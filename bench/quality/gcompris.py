"""Photos, drawings and paintings, from the Debian package `gcompris-qt-data`: no model was fitted on them.

The `medium` of a picture is known by its folder. Folders where media are mixed are left out: tools and everyday things
are partly cut out and on white, neither photo nor drawing. Nearly all drawings are on white, which makes them easy.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.quality.jigsaw import paintings
from bench.quality.picture import Picture
from demo.qt_resources import ResourceArchive, ResourceError, ResourceFile
from demo.sources import LeftOut
from demo.sources.packages import apt_download, unpack_debian

PACKAGE = "gcompris-qt-data"


@dataclass(frozen=True)
class _Shelf:
    """Pictures of one medium: those of a resource file whose path ends as `pattern` says."""

    medium: str
    archive: str
    pattern: str


# The first shelf that matches a picture has it. One fish is drawn.
_SHELVES = (
    _Shelf("painting", "details", r"/\w*(Gogh|PereTanguy|Eglise_dAuvers)[-\w]*_background\.webp"),
    _Shelf("photo", "details", r"/\w+_background\.webp"),
    _Shelf("photo", "categorization", r"/(monuments|renewable|fishes)/(?!fish18)\w+\.webp"),
    _Shelf("photo", "erase", r"/\w+\.webp"),
    _Shelf("photo", "explore_farm_animals", r"/animals/\w+\.webp"),
    _Shelf("photo", "explore_world_animals", r"/animals/\w+\.webp"),
    _Shelf("photo", "explore_monuments", r"/[a-z]+/\w+\.webp"),
    _Shelf("drawing", "lang", r"/words_sample/[-\w]+\.webp"),
)

_CANS = frozenset(
    ("black", "blue", "brown", "gray", "green", "mauve", "orange-color", "pink", "red", "white", "yellow")
)
"""Words of `lang` that show the same can of paint."""


def fetch(folder: Path) -> None:
    """Downloads the package with apt and unpacks it, unless `folder` is there. Raises LeftOut."""
    if folder.is_dir():
        return
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    archive = apt_download(PACKAGE, partial)
    unpack_debian(archive, partial)
    archive.unlink()
    partial.rename(folder)


def read(folder: Path) -> list[Picture]:
    """Its pictures with a `medium`. Raises LeftOut when they are not where they are known to be."""
    paths = {path.stem: path for path in folder.glob("usr/share/**/*.rcc")}
    try:
        archives = {
            name: list(ResourceArchive(path.read_bytes()).files())
            for name, path in paths.items()
            if name in {"paintings", *(shelf.archive for shelf in _SHELVES)}
        }
        found = [*_shelved(archives), *paintings(archives.get("paintings", []))]
    except ResourceError as problem:
        raise LeftOut(f"{PACKAGE}: {problem}") from problem
    if len({picture.labels["medium"] for picture in found}) < 3:
        raise LeftOut(f"{PACKAGE} has another layout than the one known here; remove {folder} to fetch it again")
    return found


def _shelved(archives: dict[str, list[ResourceFile]]) -> Iterator[Picture]:
    taken = set()
    for shelf in _SHELVES:
        for file in sorted(archives.get(shelf.archive, []), key=lambda each: each.path):
            if file.path not in taken and re.fullmatch(f".*{shelf.pattern}", str(file.path)):
                taken.add(file.path)
                name = f"gcompris/{shelf.archive}/{file.path.parent.name}/{file.path.stem}"
                yield Picture(name, file.read, {"medium": shelf.medium}, f"{shelf.medium} {_motif(file.path.stem)}")


def _motif(stem: str) -> str:
    """The same for names that differ in digits and capitals only, such as several photos of one monument."""
    return "can of paint" if stem in _CANS else re.sub(r"\d|_background", "", stem).lower()
