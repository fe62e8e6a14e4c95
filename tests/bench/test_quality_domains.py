from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from bench.quality import confidence, domains, gain, links, palette, trips
from bench.quality.picture import Picture
from bench.quality.vectors import Vectors
from services.ranker.order.confidence import confidence as stands_out
from services.ranker.ranking import Column, Ranking
from visrec.v1 import common_pb2
from visrec.vectors import Vector

BLOCKS = [common_pb2.Block(name=name, dimension=size) for name, size in (("content", 3), ("colour", 1))]
SPACE = common_pb2.Space(name="s", blocks=BLOCKS)


def product(number: int, category: str) -> Picture:
    return Picture(f"luma/p{number}", bytes, {"category": category}, f"p{number}")


def test_ndcg_is_one_for_what_could_not_be_better_and_counts_first_places_more() -> None:
    right = np.array([[True, True, False, False], [False, False, False, False]])
    assert gain.ndcg(np.array([[4.0, 3, 2, 1]] * 2), right) == pytest.approx([1])
    first, second = (gain.ndcg(np.array([order]), right[:1])[0] for order in ([4.0, 1, 3, 2], [1.0, 3, 4, 2]))
    assert 1 > first > second > 0


@given(st.integers(1, 25), st.integers(1, 8), st.integers(0, 50))
def test_what_chance_brings_is_the_mean_over_orders(targets: int, wanted: int, seed: int) -> None:
    right = np.zeros((1, targets), dtype=np.bool_)
    right[0, :wanted] = True
    chance = np.random.default_rng(seed)
    found = np.mean([gain.ndcg(chance.random((1, targets)), right)[0] for _ in range(400)])
    assert gain.by_chance(right) == pytest.approx(found, abs=0.1)


def test_two_domains_that_lie_apart_are_alike_once_each_is_centred() -> None:
    """Kinds are along the first two axes, domains along the third; one of the target stands near the source."""
    names = {"a": (1, 0, 1), "b": (0, 1, 1), "A": (1, 0, -1), "B": (0, 1, -1), "C": (0.2, 0.2, 0.9)}
    vectors = Vectors(SPACE, {name: Vector("s", (*place, 1)) for name, place in names.items()})
    source, target = ([Picture(name, bytes, {}, name) for name in side] for side in ("ab", "ABC"))
    trip = trips.Trip("trip", source, target, np.array([[True, False, False], [False, True, False]]))
    gains = domains.of_trip(trip, vectors).gains
    assert gains["centred"].mean() == pytest.approx(1)
    assert gains["centred"].mean() > gains["naive"].mean()


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


@given(st.integers(0, 100), st.integers(20, 120))
def test_confidence_is_that_of_the_ranker(seed: int, many: int) -> None:
    scores = np.random.default_rng(seed).uniform(-1, 1, many)
    ranked = np.sort(scores)[::-1][:100]
    ids, weights = [*map(str, range(len(ranked)))], np.ones((len(ranked), 1))
    ranking = Ranking(ids, ranked, [Column("photo")], weights, ranked[:, None])
    assert confidence.confidences(scores[None])[0] == pytest.approx(stands_out(ranking))


@given(st.integers(0, 1000))
def test_the_order_of_sure_and_good_is_the_area_under_the_curve(seed: int) -> None:
    chance = np.random.default_rng(seed)
    sure, right = chance.integers(0, 5, 30).astype(float), chance.random(30) < 0.5
    right[:2] = True, False
    assert confidence.concordance(sure, right.astype(float)) == pytest.approx(roc_auc_score(right, sure))


def test_answers_that_are_sure_for_nothing_miss_the_target() -> None:
    chance = np.random.default_rng(1)
    gains = chance.random(150)
    for sure, good in ((gains, True), (chance.random(150), False), (1 - gains, False)):
        figures = confidence.Answers("any", sure, gains, tells=True).order
        assert all(figure.good for figure in figures) == good
    low, mid, high = (figure.value for figure in confidence.Answers("any", gains, gains).worth)
    assert low < mid < high


@pytest.mark.parametrize(
    ("hsv", "name"),
    [((0, 255, 200), "Red"), ((250, 255, 200), "Red"), ((21, 255, 200), "Orange"), ((170, 255, 200), "Blue")],
)
def test_a_colour_has_the_name_of_its_hue(hsv: tuple[int, int, int], name: str) -> None:
    pixels = np.zeros((4, 4, 3), np.uint8)
    assert palette.colour(pixels) == "", "black"
    pixels[0] = hsv
    assert palette.colour(pixels) == name
    pixels[0, 1:] = 0
    assert palette.colour(pixels) == "", "a sixteenth of it"


def test_a_taste_is_of_products_that_nothing_was_learned_from(tmp_path: Path) -> None:
    """Two kinds, each in two departments; what is linked is of the same kind, which lies along an axis of its own."""
    chance = np.random.default_rng(3)
    kinds, departments = np.arange(120) % 2, np.arange(120) // 2 % 2
    apart = 3.0 * departments[:, None] * (0, 0, 1, 0) + np.eye(4)[kinds] * 0.5
    raw = (apart + 0.05 * chance.normal(size=(120, 4))).astype("<f2")
    names = [f"p{at}" for at in range(120)]
    products = [Picture(name, bytes, {}, name) for name in names]
    vectors = Vectors(
        SPACE,
        {
            name: Vector("s", (*(row[:3] / np.linalg.norm(row[:3])), 1.0))
            for name, row in zip(names, raw.astype(float), strict=True)
        },
        raw={name: row.tobytes() for name, row in zip(names, raw, strict=True)},
    )
    linked = {
        (one, "ab"[1 - departments[one]]): {
            other for other in range(120) if kinds[other] == kinds[one] and departments[other] != departments[one]
        }
        for one in range(120)
    }
    shop = trips.Links(products, ["ab"[each] for each in departments], linked)
    found = links.of_tastes(shop, vectors)
    assert len(found.gains["naive"]) <= 120 // links.LIKED
    assert found.gains["learned"].mean() > found.chance
    assert set(found.gains) == set(found.sure)
