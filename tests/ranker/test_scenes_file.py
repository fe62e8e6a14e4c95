"""Scenes from a file: what is read, and that a mistake is told with its place."""

from __future__ import annotations

import re

import pytest

from services.ranker.scenes.file import read
from services.ranker.scenes.rules import Boost, PriceBounds
from services.ranker.scenes.scene import SCENES

AUTUMN = """
[autumn]
like = "shop"
description = "Coats first."
diversity = 0.2
signals = { popularity = 0.3 }
blocks = { style = 0.5 }

[autumn.rules]
only_available = true
max_per_category = 4
price = { currency = "EUR", at_most = 200 }
boosts = [{ name = "own_label", field = "attributes.brand", values = ["ours"], amount = 0.05 }]
"""


def test_a_scene_is_like_another_but_for_what_it_names() -> None:
    scenes, version = read(AUTUMN)
    autumn, shop = scenes["autumn"], scenes["shop"]
    assert autumn.signals == {**shop.signals, "popularity": 0.3}
    assert autumn.blocks == {**shop.blocks, "style": 0.5}
    assert (autumn.description, autumn.diversity) == ("Coats first.", 0.2)
    assert autumn.rules.only_available
    assert autumn.rules.prices == (PriceBounds("EUR", None, 200.0),)
    assert autumn.rules.boosts == (Boost("own_label", "attributes.brand", ["ours"], 0.05),)
    assert set(scenes) == {*SCENES, "autumn"}
    assert version.startswith("file-")


def test_rules_are_inherited_and_bounds_only_become_narrower() -> None:
    scenes, _ = read(AUTUMN + '[winter]\nlike = "autumn"\n[winter.rules]\nmax_per_category = 9\nmax_per_group = 1\n')
    assert scenes["winter"].rules.only_available
    assert (scenes["winter"].rules.max_per_category, scenes["winter"].rules.max_per_group) == (4, 1)
    assert scenes["winter"].diversity == 0.2


def test_every_other_text_is_another_version() -> None:
    assert read(AUTUMN)[1] != read(AUTUMN.replace("0.3", "0.4"))[1]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[a]\nsignal = {}", "scene a: signal: Extra inputs are not permitted"),
        ("[a]\nsignals = { mood = 1.0 }", "scene a: signal_weights['mood']: no such signal"),
        ("[a]\nsignals = { photo = -1.0 }", "scene a: signal_weights['photo']"),
        ("[a]\nsignals = { photo = nan }", "scene a: signals.photo"),
        ("[a]\nsignals = { photo = 0.0 }", "scene a: signal_weights: nothing would count"),
        ('[a]\nlike = "opera"', "scene a: like: no scene 'opera'"),
        ('["A b"]\nlike = "shop"', "scene A b: name"),
        ('[a]\nlike = "shop"\ndiversity = 2.0', "scene a: diversity"),
        ('[a]\nlike = "shop"\nrules = { max_per_group = -1 }', "scene a: rules.max_per_group"),
        ('[a]\nlike = "shop"\nrules = { price = { currency = "eur", at_most = 1 } }', "scene a: rules.price.currency"),
        ('[a]\nlike = "shop"\nrules = { boosts = [{ name = "x" }] }', "scene a: rules.boosts.0.field: Field required"),
        ("[a", "Expected ']'"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        read(text)
