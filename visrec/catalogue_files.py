"""Items from what people have: a folder of photos, or an items.csv with photos beside it."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from visrec.items import Attribute, NewItem

PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp"})

COLUMNS = ("id", "title", "category", "image", "domain", "price", "currency", "tags", "group_id")
"""The columns of an items.csv that have a meaning of their own: `id` and `image` must be there, every other column
becomes an attribute. Several tags or images of one item are separated by `|`."""

_GIVE = "give a folder of photos or an items.csv"

MAX_ID_LETTERS = 128
MAX_ATTRIBUTE_LETTERS = 256


class CatalogueFileError(ValueError):
    """A folder or an items.csv that cannot be read as a catalogue, or a row of one; says where and what to do."""


@dataclass
class Reading:
    """What was found. `refused` says of every row or photo that cannot become an item where it is and why."""

    items: list[NewItem] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def read_items(source: Path, *, domain: str = "") -> Reading:
    """The items of a folder (its items.csv if it has one, else its photos), or of a csv file, in a stable order.

    `domain` is given to items that name none. Photos are not opened. A bad row or name is refused alone; raises
    CatalogueFileError when there is nothing to read, or a csv file that cannot be read or lacks a column.
    """
    if source.is_dir():
        listing = source / "items.csv"
        found = _from_csv(listing, domain) if listing.is_file() else _from_folder(source, domain)
    elif source.is_file():
        found = _from_csv(source, domain)
    else:
        raise CatalogueFileError(f"{source} does not exist: {_GIVE}")
    reading = Reading()
    for each in found:
        if isinstance(each, NewItem):
            reading.items.append(each)
        else:
            reading.refused.append(str(each))
    if not reading.items and not reading.refused:
        kinds = " ".join(sorted(PHOTO_SUFFIXES))
        raise CatalogueFileError(f"{source} holds no items: it needs photos ({kinds}) or an items.csv with rows")
    return reading


def _from_folder(root: Path, domain: str) -> Iterator[NewItem | CatalogueFileError]:
    """One item for each photo below `root`; the folders between are its category."""
    numbers: Counter[str] = Counter()
    for path in sorted(root.rglob("*")):
        place = PurePosixPath(path.relative_to(root).as_posix())
        if path.suffix.lower() not in PHOTO_SUFFIXES or any(part.startswith(".") for part in place.parts):
            continue
        if len(str(place)) > MAX_ID_LETTERS:
            yield CatalogueFileError(
                f"{place} is too long to be an id ({MAX_ID_LETTERS} letters): give it a shorter name"
            )
            continue
        category = "" if place.parent == PurePosixPath() else str(place.parent)
        numbers[category] += 1
        title = title_of(path.stem)
        if _says_nothing(path.stem):
            title = f"{title_of(place.parent.name)} {numbers[category]}" if category else path.stem
        yield NewItem(str(place), [path], title=title, category=category, domain=domain)


def title_of(stem: str) -> str:
    """A file's name as people would write it: `tajMahal_2` is `Taj mahal 2`."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z0-9])|[_\-.\s]+", " ", stem).split()
    return " ".join(words).lower().capitalize()


def _says_nothing(stem: str) -> bool:
    """Whether a file's name is a number, a UUID, a hash, or what a camera made up, such as `IMG_1234`."""
    code = re.fullmatch(r"(?:img|dscn?|dscf|pxl)?(\d+|[0-9a-f]{8,})", re.sub(r"[\W_]", "", stem.lower()))
    return code is not None and 3 * sum(letter.isdigit() for letter in code[1]) >= len(code[1])


def _from_csv(path: Path, domain: str) -> Iterator[NewItem | CatalogueFileError]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            missing = {"id", "image"}.difference(rows.fieldnames or ())
            if missing:
                raise CatalogueFileError(
                    f"{path}: no column {' and no column '.join(sorted(missing))} in its first line"
                )
            seen: dict[str, int] = {}
            for row in rows:
                try:
                    yield _Row(path, rows.line_num, row).item(domain, seen)
                except CatalogueFileError as error:
                    yield error
    except (UnicodeDecodeError, csv.Error) as error:
        raise CatalogueFileError(f"{path} is not a csv file in UTF-8: {_GIVE}") from error


class _Row:
    """One line of a csv file, which knows where it is for the sake of its errors."""

    def __init__(self, path: Path, line: int, cells: Mapping[str | None, str | Sequence[str] | None]) -> None:
        self._line = line
        self._where = f"{path}, line {line}"
        if None in cells:
            raise CatalogueFileError(f"{self._where}: more cells than the first line has columns")
        self._folder = path.parent
        self._cells = {str(name): str(value or "").strip() for name, value in cells.items()}

    def item(self, domain: str, seen: dict[str, int]) -> NewItem:
        """`seen` has the line of every id so far and gets this one. Raises CatalogueFileError."""
        cell = self._cells
        return NewItem(
            self._id(seen),
            self._images(),
            title=cell.get("title", ""),
            category=cell.get("category", ""),
            domain=cell.get("domain", "") or domain,
            price=self._price(),
            currency=cell.get("currency", ""),
            tags=_several(cell.get("tags", "")),
            group_id=cell.get("group_id", ""),
            attributes={_name(name): _value(text) for name, text in cell.items() if name not in COLUMNS and text},
        )

    def _id(self, seen: dict[str, int]) -> str:
        name = self._cells["id"]
        if not 1 <= len(name) <= MAX_ID_LETTERS:
            raise CatalogueFileError(f"{self._where}: an id has 1 to {MAX_ID_LETTERS} letters, this one {len(name)}")
        if seen.setdefault(name, self._line) != self._line:
            raise CatalogueFileError(f"{self._where}: id {name!r} is that of line {seen[name]}")
        return name

    def _images(self) -> list[Path]:
        images = [self._folder / name for name in _several(self._cells["image"])]
        if not images:
            raise CatalogueFileError(f"{self._where}: no image; give a path relative to {self._folder}")
        for image in images:
            if not image.is_file():
                raise CatalogueFileError(f"{self._where}: image {image} does not exist")
        return images

    def _price(self) -> float | None:
        text = self._cells.get("price", "")
        number = _number(text)
        if text and (number is None or number < 0):
            raise CatalogueFileError(f"{self._where}: price {text!r} is not a number of at least 0")
        return number


def _several(text: str) -> list[str]:
    return [part.strip() for part in text.split("|") if part.strip()]


def _name(column: str) -> str:
    return re.sub(r"[^a-z0-9_]+", "_", column.lower()).strip("_")[:32] or "column"


def _value(text: str) -> Attribute:
    number = _number(text)
    if number is not None:
        return number
    return text if len(text) <= MAX_ATTRIBUTE_LETTERS else text[: MAX_ATTRIBUTE_LETTERS - 1] + "…"


def _number(text: str) -> float | None:
    """Plain numbers only: `nan`, `inf` and `1_000` are words here."""
    return float(text) if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?", text) else None
