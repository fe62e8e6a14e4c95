"""Of luma's links, nothing that is asked is learned from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.quality import links, trips
from bench.quality.picture import Picture
from bench.quality.vectors import Vectors
from visrec.v1 import common_pb2
from visrec.vectors import Vector

SPACE = common_pb2.Space(name="s", blocks=[common_pb2.Block(name="content", dimension=3)])
PRODUCTS = 24


def shop(linked: dict[tuple[int, str], set[int]], count: int) -> trips.Links:
    """Products are of department a and b in turn."""
    products = [Picture(f"p{at}", bytes, {}, f"p{at}") for at in range(count)]
    return trips.Links(products, ["ab"[at % 2] for at in range(count)], linked)


def seen(of: trips.Links) -> Vectors:
    """Each somewhere by chance."""
    raw = np.random.default_rng(3).normal(size=(len(of.products), 4)).astype("<f2")
    names = [each.name for each in of.products]
    content = links.unit(raw[:, :3].astype(float))
    return Vectors(
        SPACE,
        {name: Vector("s", tuple(row)) for name, row in zip(names, content, strict=True)},
        raw={name: row.tobytes() for name, row in zip(names, raw, strict=True)},
    )


@st.composite
def shops(draw: st.DrawFn) -> trips.Links:
    pairs = draw(st.sets(st.tuples(st.integers(0, PRODUCTS - 1), st.integers(0, PRODUCTS - 1)), max_size=40))
    linked: dict[tuple[int, str], set[int]] = {}
    for one, other in pairs:
        if one % 2 != other % 2:
            linked.setdefault((one, "ab"[other % 2]), set()).add(other)
    return shop(linked, PRODUCTS)


@given(shops())
def test_a_part_has_whole_clusters_so_no_asked_pair_or_list_is_among_the_learned(some: trips.Links) -> None:
    part = links._parts(some)
    for fold in range(links.FOLDS):
        learned = [(one, to, others) for (one, to), others in some.linked.items() if part[one] != fold]
        pairs = {frozenset((one, other)) for one, _, others in learned for other in others}
        lists = [(to, others) for _, to, others in learned]
        for (one, to), others in some.linked.items():
            if part[one] == fold:
                assert not any(frozenset((one, other)) in pairs for other in others)
                assert (to, others) not in lists


@given(shops())
def test_parts_have_as_many_clusters_as_each_other(some: trips.Links) -> None:
    part, cluster = links._parts(some), links.clusters(some)
    asking = {int(cluster[one]): int(part[one]) for one, _ in some.linked}
    sizes = np.bincount(list(asking.values()), minlength=links.FOLDS)
    assert sizes.max() - sizes.min() <= 1


def test_links_in_common_join_no_products_unless_they_are_all_or_lead_both_ways() -> None:
    some = shop({(0, "b"): {1, 3}, (2, "b"): {1, 3}, (4, "b"): {3, 5}, (5, "a"): {4}, (6, "b"): {5}}, 8)
    cluster = links.clusters(some)
    assert cluster[0] == cluster[2], "the same list"
    assert cluster[4] == cluster[5], "both ways"
    assert len({int(cluster[one]) for one in (0, 4, 6, 1, 3, 7)}) == 6


@pytest.mark.parametrize("found", [links.of_products, links.of_tastes])
def test_what_only_those_are_linked_to_who_ask_has_no_popularity(
    found: Callable[[trips.Links, Vectors], links.Found],
) -> None:
    """Two by two, products of a have a list of their own; everything else of b is linked to by others."""
    count = 120
    linked = {(one, "b"): {one // 4 * 4 + 1, one // 4 * 4 + 3} for one in range(0, count, 2)}
    some = shop(linked, count)
    told = found(some, seen(some))
    assert told.chance > 0
    assert told.gains["popular"].max() == 0, "what is asked was learned from"


def test_queries_that_have_a_cluster_in_common_are_of_one_unit() -> None:
    some = shop({(0, "b"): {1}, (2, "b"): {1}, (4, "b"): {3}, (6, "b"): {5}, (8, "b"): {7}, (10, "b"): {9}}, 12)
    every = [links.Asked(liked, "b", frozenset()) for liked in ([0, 4], [2, 6], [8, 10])]
    one, other, apart = links.units(some, every)
    assert one == other != apart
