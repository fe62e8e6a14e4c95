"""Names of generations, which of them is gone on with, and which may go."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from jobs.collaborative.generation import NEXT, SERVED, YOUNG_S, Generation, name_of, outlived, to_go_on_with
from services.spaces import Block, Space

NOW = 1_800_000_000
RECIPES = ("one", "another")

times = st.integers(NOW - 2 * int(YOUNG_S), NOW + 2 * int(YOUNG_S)) | st.integers(0, 2**32 - 1)
aliases = st.frozensets(st.sampled_from([SERVED, NEXT, "kept"]))
generations = st.lists(
    st.builds(
        lambda began, recipe, seed, pointing: Generation(named(began, recipe, seed), pointing),
        times,
        st.sampled_from(RECIPES),
        st.integers(0, 100),
        aliases,
    ),
    max_size=8,
    unique_by=lambda each: each.name,
)


def named(began_s: float, recipe: str = "one", seed: int = 0) -> str:
    rows = np.random.default_rng(seed).normal(size=(3, 4)).astype(np.float32)
    return name_of(began_s, recipe, ["a", "b", "c"], rows)


@given(began=st.floats(0, 2**32 - 1), seed=st.integers(0, 100))
def test_a_name_tells_when_and_how_and_is_one_of_a_space(began: float, seed: int) -> None:
    name = named(began, "one", seed)
    Space(name, (Block("factors_slack", 4),))
    assert Generation(name).began_s == int(began)
    assert Generation(name).is_by("one")
    assert not Generation(name).is_by("another")
    assert name == named(began, "one", seed)
    assert name != named(began, "one", seed + 1)


@given(known=generations, recipe=st.sampled_from(RECIPES))
def test_only_what_is_on_its_way_young_and_alike_is_gone_on_with(known: list[Generation], recipe: str) -> None:
    found = to_go_on_with(known, recipe, NOW)
    if found is not None:
        (each,) = [each for each in known if each.name == found]
        assert NEXT in each.aliases
        assert SERVED not in each.aliases
        assert abs(each.began_s - NOW) < YOUNG_S
        assert each.is_by(recipe)


def test_it_is_found_whatever_else_there_is() -> None:
    left = Generation(named(NOW - 3600), frozenset({NEXT}))
    others = [Generation(named(NOW - 100)), Generation(named(NOW - 9000), frozenset({SERVED}))]
    assert to_go_on_with([*others, left], "one", NOW) == left.name
    assert to_go_on_with([*others, left], "one", NOW + YOUNG_S) is None
    assert to_go_on_with([*others, left], "another", NOW) is None
    newer = Generation(named(NOW - 100), frozenset({SERVED}))
    assert to_go_on_with([left, newer], "one", NOW) is None
    assert to_go_on_with([Generation(left.name, frozenset({NEXT, SERVED}))], "one", NOW) is None


@given(known=generations)
def test_what_goes_is_neither_searched_nor_the_way_back_nor_of_a_run_that_began_since(
    known: list[Generation],
) -> None:
    served, previous = named(NOW), named(NOW - 86_400)
    gone = outlived([*known, Generation(served, frozenset({SERVED})), Generation(previous)], served, previous)

    assert served not in gone
    assert previous not in gone
    for each in known:
        began_since = NOW <= each.began_s < NOW + YOUNG_S
        assert (each.name in gone) == (not each.aliases and not began_since and each.name not in (served, previous))
