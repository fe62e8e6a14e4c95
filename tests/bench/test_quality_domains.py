from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.quality import domains, trips
from bench.quality.picture import Picture
from bench.quality.vectors import Vectors
from visrec.v1 import common_pb2
from visrec.vectors import Vector

SPACE = common_pb2.Space(name="s", blocks=[common_pb2.Block(name="content", dimension=3, default_weight=1)])


def product(number: int, category: str) -> Picture:
    return Picture(f"luma/p{number}", bytes, {"category": category}, f"p{number}")


def test_ndcg_is_one_for_what_could_not_be_better_and_counts_first_places_more() -> None:
    right = np.array([[True, True, False, False], [False, False, False, False]])
    assert domains.ndcg(np.array([[4.0, 3, 2, 1]] * 2), right) == pytest.approx([1])
    first, second = (domains.ndcg(np.array([order]), right[:1])[0] for order in ([4.0, 1, 3, 2], [1.0, 3, 4, 2]))
    assert 1 > first > second > 0


@given(st.integers(1, 25), st.integers(1, 8), st.integers(0, 50))
def test_what_chance_brings_is_the_mean_over_orders(targets: int, wanted: int, seed: int) -> None:
    right = np.zeros((1, targets), dtype=np.bool_)
    right[0, :wanted] = True
    chance = np.random.default_rng(seed)
    found = np.mean([domains.ndcg(chance.random((1, targets)), right)[0] for _ in range(400)])
    assert domains.by_chance(right) == pytest.approx(found, abs=0.1)


def test_two_domains_that_lie_apart_are_alike_once_each_is_centred() -> None:
    """Kinds are along the first two axes, domains along the third; one of the target stands near the source."""
    names = {"a": (1, 0, 1), "b": (0, 1, 1), "A": (1, 0, -1), "B": (0, 1, -1), "C": (0.2, 0.2, 0.9)}
    vectors = Vectors(SPACE, {name: Vector("s", place) for name, place in names.items()})
    source, target = ([Picture(name, bytes, {}, name) for name in side] for side in ("ab", "ABC"))
    trip = trips.Trip("trip", source, target, np.array([[True, False, False], [False, True, False]]))
    found = {figure.how: figure.value for figure in domains.measure(None, [trip], vectors).figures}
    assert found["centred"] == pytest.approx(1)
    assert found["centred"] > found["naive"]


def test_links_lead_to_other_departments_only(tmp_path: Path) -> None:
    kinds = {"a": "Men/Tops/Tees", "b": "Men/Tops/Tanks", "c": "Men/Bottoms/Pants", "d": "Gear/Bags"}
    folder = tmp_path / "luma"
    folder.mkdir()
    rows = "".join(f"p{at},{sku},x,{kind}\n" for at, (sku, kind) in enumerate(kinds.items()))
    (folder / "items.csv").write_text(f"id,sku,title,category\n{rows}")
    (folder / "links.csv").write_text("kind,sku,linked_sku\nrelated,a,b\nrelated,a,c\ncrosssell,a,d\nupsell,b,d\n")
    pictures = [product(at, kind) for at, kind in enumerate(kinds.values())]
    found = trips.links(folder, pictures)
    assert [each.name for each in found.products] == [each.name for each in pictures]
    assert found.linked == {(0, "Men/Bottoms"): {2}, (0, "Gear"): {3}}


def test_garments_are_the_same_under_the_names_of_both() -> None:
    clothing = [Picture(name, bytes, {"category": name}, name) for name in ("t-shirt", "hat", "pants")]
    luma = [product(0, "Men/Tops/Tees"), product(1, "Men/Bottoms/Pants")]
    assert trips.garments(clothing, luma).tolist() == [[True, False], [False, False], [False, True]]
