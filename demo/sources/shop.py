"""A shop, from the npm package `@vendure/create`: 54 products with names and prices, photos of Unsplash."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from demo.sources.packages import npm_pack, unpack_tar
from visrec.items import Attribute, NewItem

SPECIFICATION = "@vendure/create@3.7.3"
SHA256 = "89f0a9ce225c44b7f9fc07a85bca655f98c48bbb7f3aa06ae0e9c04ce5db0af7"

CATEGORIES = {"Photo": "cameras", "Equipment": "sports equipment"}
"""What the shop's own words mean, where they say too little."""


class Shop:
    """See the module."""

    name = "shop-3.7.3"
    about = "a shop with prices (npm @vendure/create; GPL-3.0-or-later, photos of Unsplash)"

    def fetch(self, folder: Path) -> None:
        archive = npm_pack(SPECIFICATION, SHA256, folder)
        unpack_tar(archive, "package/assets/images/*.jpg", folder)
        unpack_tar(archive, "package/assets/products.csv", folder)

    def items(self, folder: Path) -> list[NewItem]:
        """One item a product: further lines of the file are its variants, at other prices."""
        with (folder / "products.csv").open(encoding="utf-8", newline="") as file:
            rows = [
                {str(name).strip(): (cell or "").strip() for name, cell in row.items()} for row in csv.DictReader(file)
            ]
        return [_item(row, folder) for row in rows if row["name"]]


def _item(row: Mapping[str, str], folder: Path) -> NewItem:
    facets = [facet.partition(":")[::2] for facet in row["facets"].split("|")]
    departments = [value for name, value in facets if name == "category"]
    category = departments[-1]
    attributes: dict[str, Attribute] = {"department": departments[0]}
    attributes |= {name: value for name, value in facets if name in {"brand", "color"}}
    return NewItem(
        f"shop/{row['slug']}",
        [folder / row["assets"].split("|")[0]],
        title=row["name"],
        domain="shop",
        category=CATEGORIES.get(category, category.lower()),
        price=float(row["price"]),
        currency="USD",
        attributes=attributes,
    )
