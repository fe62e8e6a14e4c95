"""Monuments, paintings, animals and tools, from the Debian package `gcompris-qt-data`: the pictures of a collection of
games for children, in Qt resource files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from demo.qt_resources import ResourceArchive, ResourceError
from demo.sources import LeftOut
from demo.sources.packages import apt_download, unpack_debian
from visrec.catalogue_files import title_of
from visrec.items import NewItem


@dataclass(frozen=True)
class _Shelf:
    """Photos of one kind: those of a resource file whose path ends as `pattern` says."""

    archive: str
    pattern: str
    domain: str
    category: str

    @property
    def folder(self) -> str:
        return f"{self.archive}.{self.category}".replace(" ", "-")


# The first shelf that matches a photo has it.
SHELVES = (
    _Shelf("explore_monuments", r"/[a-z]+/\w+\.webp", "places", "monuments"),
    _Shelf("details", r"/\w*(Gogh|PereTanguy|Eglise_dAuvers)[-\w]*_background\.webp", "art", "paintings"),
    _Shelf("details", r"/\w*Windmill_background\.webp", "places", "windmills"),
    _Shelf("details", r"/\w+_background\.webp", "places", "monuments"),
    _Shelf("categorization", r"/monuments/\w+\.webp", "places", "monuments"),
    _Shelf("categorization", r"/renewable/windmill\w*\.webp", "places", "windmills"),
    _Shelf("categorization", r"/renewable/dam\w*\.webp", "places", "dams"),
    _Shelf("categorization", r"/renewable/solar\w*\.webp", "tools", "solar power"),
    _Shelf("categorization", r"/tools/\w+\.webp", "tools", "hand tools"),
    _Shelf("categorization", r"/fishes/\w+\.webp", "nature", "fish"),
    _Shelf("erase", r"/\w+\.webp", "nature", "animals"),
    _Shelf("explore_farm_animals", r"/animals/\w+\.webp", "nature", "animals"),
    _Shelf("explore_world_animals", r"/animals/\w+\.webp", "nature", "animals"),
)

NAMES = {
    "Eglise_dAuvers-sur-Oise": "Church at Auvers",
    "EgeskovSlotSpejling": "Egeskov castle",
    "EilanDonanCastle": "Eilean Donan castle",
    "FanoeWindmill": "Windmill on Fanø",
    "Gogh4": "Café terrace at night",
    "Louvre_2007_02_24_c": "Louvre by night",
    "Nagoya": "Nagoya castle",
    "NDP": "Notre-Dame de Paris",
    "OperaSidney": "Sydney opera house",
    "PortraitOfPereTanguy": "Portrait of père Tanguy",
    "TajMahal": "Taj Mahal",
    "TourEiffel": "Eiffel tower",
    "TowerBridgeLondon": "Tower Bridge",
    "Van_Gogh_The_Night_Cafe": "The night café",
    "VincentVanGogh0012": "Vestibule of the asylum",
    "VincentVanGogh0013": "The painter on the road to Tarascon",
    "VincentVanGogh0019": "Harvest at La Crau",
    "VincentVanGoghBridge": "Langlois bridge at Arles",
    "burj": "Burj Khalifa",
    "canyondeChelly": "Canyon de Chelly",
    "castillodeSanMarcos": "Castillo de San Marcos",
    "chateaudeChambord": "Château de Chambord",
    "chateaudeChenonceau": "Château de Chenonceau",
    "citedeCarcassonne": "Cité de Carcassonne",
    "empireState": "Empire State Building",
    "gatewayofIndia": "Gateway of India",
    "greatWallofChina": "Great wall of China",
    "kutubMinar": "Qutub minar",
    "leMusee": "Louvre",
    "montStMichel": "Mont Saint-Michel",
    "palaisdesPapes": "Palais des Papes",
    "pontduGard": "Pont du Gard",
    "statueofLiberty": "Statue of Liberty",
    "tajMahal": "Taj Mahal",
    "usCapitol": "US Capitol",
    "zimniPalace": "Winter Palace",
}
"""Titles of photos whose file names say too little."""


class Gcompris:
    """See the module."""

    name = "gcompris"
    about = "monuments, paintings, animals, tools (Debian gcompris-qt-data; per file, mostly CC-BY-SA)"

    def fetch(self, folder: Path) -> None:
        unpack_debian(apt_download("gcompris-qt-data", folder), folder)
        archives = {path.stem: path for path in folder.glob("usr/share/**/*.rcc")}
        taken: set[PurePosixPath] = set()
        for shelf in SHELVES:
            if shelf.archive in archives:
                _unpack(archives[shelf.archive], shelf, folder / "photos" / shelf.folder, taken)
        if not taken:
            raise LeftOut("its resource files have another layout than the one known here")

    def items(self, folder: Path) -> list[NewItem]:
        return [item for shelf in dict.fromkeys(SHELVES) for item in _items(shelf, folder / "photos" / shelf.folder)]


def _unpack(archive: Path, shelf: _Shelf, folder: Path, taken: set[PurePosixPath]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pattern = re.compile(f".*{shelf.pattern}")
    try:
        for file in ResourceArchive(archive.read_bytes()).files():
            if file.path not in taken and pattern.fullmatch(str(file.path)):
                (folder / file.path.name).write_bytes(file.read())
                taken.add(file.path)
    except ResourceError as error:
        raise LeftOut(f"{archive.name}: {error}") from error


def _items(shelf: _Shelf, folder: Path) -> Iterator[NewItem]:
    for path in sorted(folder.glob("*.webp")):
        stem = path.stem.removesuffix("_background")
        yield NewItem(
            f"{shelf.category.replace(' ', '-')}/{shelf.archive}/{stem}",
            [path],
            title=NAMES.get(stem) or title_of(stem),
            domain=shelf.domain,
            category=shelf.category,
        )
