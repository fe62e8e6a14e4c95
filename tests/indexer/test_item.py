from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from services.errors import InvalidInput
from services.indexer.item import Item

GOOD = Item("a", domain="fashion", title="A dress", tags=("red",), price=1.5, currency="EUR", attributes={"size": 3.0})


def test_a_good_item_passes() -> None:
    GOOD.check("item")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": ""}, "item.id"),
        ({"id": "x" * 129}, "item.id"),
        ({"id": "a\nb"}, "item.id"),
        ({"domain": "x" * 65}, "item.domain"),
        ({"category": "x" * 129}, "item.category"),
        ({"group_id": "x" * 129}, "item.group_id"),
        ({"title": "x" * 513}, "item.title"),
        ({"tags": ("x",) * 65}, "item.tags"),
        ({"tags": ("ok", "x" * 257)}, "item.tags[1]"),
        ({"price": -1.0}, "item.price"),
        ({"price": float("nan")}, "item.price"),
        ({"price": float("inf")}, "item.price"),
        ({"currency": "eur"}, "item.currency"),
        ({"availability": None}, "item.availability"),
        ({"time_us": 10**18}, "item.time"),
        ({"time_us": -(10**17)}, "item.time"),
        ({"attributes": {"Size": 1.0}}, "item.attributes['Size']"),
        ({"attributes": {"size": None}}, "item.attributes['size']"),
        ({"attributes": {"size": float("nan")}}, "item.attributes['size']"),
        ({"attributes": {"size": "x" * 257}}, "item.attributes['size']"),
        ({"attributes": {"size": ("x",) * 65}}, "item.attributes['size']"),
        ({"attributes": {f"a{n}": True for n in range(65)}}, "item.attributes"),
        ({"image_references": ("x",) * 17}, "item.image_references"),
        ({"image_references": ("ü" * 1025,)}, "item.image_references[0]"),
    ],
)
def test_a_field_out_of_bounds_is_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        replace(GOOD, **change).check("item")
    assert refused.value.field == field
