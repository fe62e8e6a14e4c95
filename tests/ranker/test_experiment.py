"""Experiments: who has which weights, and that what they had is told with the answer and with all that follows."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import InvalidInput
from services.ranker.scenes.book import check
from services.ranker.scenes.experiment import CONTROL, Experiment, Variant, draw
from services.ranker.scenes.scene import POPULARITY, TASTE, Exposure, Scene

NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789_-", min_size=1, max_size=32)
PEOPLE = 20_000


def scene(*variants: Variant, name: str = "spring") -> Scene:
    return Scene("mine", "", {TASTE: 1.0}, {"content": 1.0}, experiment=Experiment(name, variants))


def shares(experiment: Experiment) -> dict[str, float]:
    drawn = [experiment.variant_of(f"person-{number}").name for number in range(PEOPLE)]
    return {name: drawn.count(name) / PEOPLE for name in sorted(set(drawn))}


def test_people_are_drawn_by_the_shares() -> None:
    found = shares(Experiment("spring", [Variant("one", 0.2), Variant("two", 0.3)]))
    # Four standard deviations of a share among so many.
    assert found == pytest.approx({CONTROL: 0.5, "one": 0.2, "two": 0.3}, abs=4 * 0.5 / PEOPLE**0.5)
    third = 1 / 3
    assert CONTROL not in shares(Experiment("all", [Variant("a", third), Variant("b", third), Variant("c", third)]))


def test_two_experiments_are_drawn_independently() -> None:
    pairs = [(draw("one", f"{number}") < 0.5, draw("two", f"{number}") < 0.5) for number in range(PEOPLE)]
    for pair in ((True, True), (True, False), (False, True), (False, False)):
        assert pairs.count(pair) / PEOPLE == pytest.approx(0.25, abs=4 * 0.433 / PEOPLE**0.5)


@given(NAMES, st.text(max_size=128), st.floats(0.01, 1), st.floats(0, 1))
def test_somebody_has_the_same_each_time_and_keeps_it_when_the_share_grows(
    name: str, person: str, share: float, more: float
) -> None:
    experiment = Experiment(name, [Variant("new", share)])
    variant = experiment.variant_of(person)
    assert experiment.variant_of(person) == variant
    if variant.name == "new":
        grown = Experiment(name, [Variant("new", share + more * (1 - share))])
        assert grown.variant_of(person).name == "new"


def test_nobody_without_an_id_takes_part() -> None:
    mine = scene(Variant("all", 1.0, {POPULARITY: 1.0}))
    theirs, exposure = mine.seen_by("")
    assert theirs == mine
    assert exposure == Exposure()


def test_a_variant_has_its_weights_and_else_those_of_the_scene() -> None:
    theirs, exposure = scene(Variant("new", 1.0, {POPULARITY: 1.0})).seen_by("anna")
    assert exposure == Exposure("spring", "new")
    assert theirs.signals == {POPULARITY: 1.0}
    assert theirs.blocks == {"content": 1.0}
    same, _ = scene(Variant("same", 1.0)).seen_by("anna")
    assert same.signals == {TASTE: 1.0}


@pytest.mark.parametrize(
    ("variants", "field"),
    [
        ((), "variants"),
        ((Variant("one", 0.1),) * 2, r"variants\[1\].name"),
        ((Variant("control", 0.1),), r"variants\[0\].name"),
        ((Variant("One", 0.1),), r"variants\[0\].name"),
        ((Variant("one", 0.0),), r"variants\[0\].share"),
        ((Variant("one", float("nan")),), r"variants\[0\].share"),
        ((Variant("one", 0.6), Variant("two", 0.6)), "variants"),
        ((Variant("one", 0.6, {"looks": 1.0}),), r"variants\[0\].signal_weights\['looks'\]"),
        ((Variant("one", 0.6, {TASTE: 0.0}),), r"variants\[0\].signal_weights"),
        ((Variant("one", 0.6, {}, {"content": float("inf")}),), r"variants\[0\].block_weights\['content'\]"),
    ],
)
def test_what_cannot_be_is_told_with_its_field(variants: tuple[Variant, ...], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check(scene(*variants))
    assert refused.value.field.startswith("scene.experiment.")
    assert re.fullmatch(f"scene.experiment.{field}", refused.value.field)
