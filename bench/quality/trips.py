"""Pairs that exist between domains: what is asked from one and should be found in the other.

luma's links: products that its shop shows as related or for cross-selling, in another department than the product's.
Rooms and home: photos of rooms whose title names a thing, and the furniture and plants of a shop that are such things.
Garments: photos by phone and products of a shop that are the same kind of garment.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.quality.picture import Picture
from demo.sources import Source
from demo.sources.interiors import Interiors
from demo.sources.shop import Shop
from visrec.items import NewItem

LINKS, LINKED = "links.csv", ("related", "crosssell")

GARMENTS = {
    "t-shirt": "Tees",
    "pants": "Pants",
    "shorts": "Shorts",
    "hoodie": "Hoodies",
    "longsleeve": "Hoodies",
    "outwear": "Jackets",
}
"""Of clothing, and how luma's categories name them; its other garments luma has none of."""

HOME = ("furniture", "plants")
THINGS = {
    "chair": ("chair",),
    "chairs": ("chair",),
    "armchair": ("chair",),
    "sofa": ("sofa",),
    "stool": ("stool",),
    "lamp": ("light shade",),
    "table": ("table", "desk"),
    "console": ("table", "desk"),
    "sideboard": ("table", "desk"),
}
"""Words of a room's title, and of products that are such things."""
GREEN = frozenset(("plants", "monstera", "leaves", "leaf", "branch", "branches", "flowers", "vase"))
"""Words for which it is any plant."""


@dataclass(frozen=True, eq=False)
class Trip:
    """`right`: (source, target)."""

    name: str
    source: Sequence[Picture]
    target: Sequence[Picture]
    right: NDArray[np.bool_]


@dataclass(frozen=True)
class Links:
    """Products, each by its first photo; of each a department; and to which others each is linked in which department,
    its own left out."""

    products: Sequence[Picture]
    departments: Sequence[str]
    linked: dict[tuple[int, str], set[int]]


def garments(clothing: Sequence[Picture], luma: Sequence[Picture]) -> NDArray[np.bool_]:
    """(clothing, luma): the same kind of garment."""
    kinds = [GARMENTS.get(each.labels["category"], "nothing of luma's") for each in clothing]
    return np.array([[kind in each.labels["category"] for each in luma] for kind in kinds])


def links(folder: Path, pictures: Sequence[Picture]) -> Links:
    """luma's, which is in the folder."""
    with (folder / "items.csv").open(newline="", encoding="utf-8") as file:
        names = {f"{folder.name}/{row['id']}": row["sku"] for row in csv.DictReader(file)}
    first = {names[each.name]: each for each in reversed(pictures)}
    products = [first[sku] for sku in sorted(first)]
    departments = [_department(each.labels["category"]) for each in products]
    number = {sku: at for at, sku in enumerate(sorted(first))}
    linked: dict[tuple[int, str], set[int]] = defaultdict(set)
    with (folder / LINKS).open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            one, other = number[row["sku"]], number[row["linked_sku"]]
            if row["kind"] in LINKED and departments[one] != departments[other]:
                linked[one, departments[other]].add(other)
    return Links(products, departments, dict(linked))


def rooms(folder: Path) -> Trip:
    """Fetched into the folder unless they are there. Raises LeftOut."""
    photos = _items(Interiors(), folder)
    home = [each for each in _items(Shop(), folder) if each.category in HOME]
    right = np.array([[_shows(photo.title, each) for each in home] for photo in photos])
    return Trip("rooms→home", [*map(_picture, photos)], [*map(_picture, home)], right)


def _items(source: Source, folder: Path) -> list[NewItem]:
    place = folder / source.name
    if not place.is_dir():
        partial = folder / f".{source.name}"
        partial.mkdir(parents=True, exist_ok=True)
        source.fetch(partial)
        partial.rename(place)
    return source.items(place)


def _shows(title: str, product: NewItem) -> bool:
    words, name = title.lower().split(), product.title.lower()
    if product.category == "plants":
        return bool(GREEN.intersection(words)) and "trowel" not in name
    return any(thing in name for word in words for thing in THINGS.get(word, ()))


def _picture(item: NewItem) -> Picture:
    photo = item.photos[0]
    assert isinstance(photo, Path)
    return Picture(f"trip/{item.id}", photo.read_bytes, {"title": item.title}, item.id)


def _department(category: str) -> str:
    """Tops, bottoms of women and men, and gear."""
    whole = category.split("/")
    return whole[0] if whole[0] == "Gear" else "/".join(whole[:2])
