"""Rules: what they mean together, and what cannot be one."""

from __future__ import annotations

import pytest

from services.errors import InvalidInput
from services.ranker.others.ports import Condition
from services.ranker.scenes.rules import NO_RULES, Boost, PriceBounds, Rules
from tests.ranker.fakes import FakeTraits

OWN = Boost("own", "tags", ("ours",), 0.1)


def test_rules_on_top_of_others_both_hold_and_the_narrower_bound_does() -> None:
    scene = Rules(only_available=True, prices=(PriceBounds("EUR", at_most=200.0),), boosts=(OWN,), max_per_category=3)
    asked = Rules(
        prices=(PriceBounds("EUR", at_least=10.0),),
        boosts=(Boost("own", "tags", ("ours",), 0.3), Boost("new", "tags", ("new",), 0.2)),
        max_per_category=5,
        max_per_group=1,
        near_duplicate_cosine=0.95,
    )
    both = asked.over(scene)
    assert both.only_available
    assert [(boost.name, boost.amount) for boost in both.boosts] == [("own", 0.3), ("new", 0.2)]
    assert (both.max_per_category, both.max_per_group, both.near_duplicate_cosine) == (3, 1, 0.95)
    assert both.conditions() == (
        Condition("availability", ("available",)),
        Condition("currency", ("EUR",)),
        Condition("price", at_most=200.0),
        Condition("currency", ("EUR",)),
        Condition("price", at_least=10.0),
    )
    assert NO_RULES.over(scene) == scene.over(NO_RULES) == scene


def test_a_boost_is_added_to_items_that_have_one_of_its_values() -> None:
    traits = [FakeTraits(fields={"tags": words}) for words in (["ours", "red"], ["red"], [])]
    assert OWN.amounts(traits).tolist() == [0.1, 0.0, 0.0]
    assert OWN.amounts([]).tolist() == []
    assert OWN.signal == "rule:own"


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        (Rules(prices=(PriceBounds("eur", 1.0),)), "rules.price.currency"),
        (Rules(prices=(PriceBounds("EUR"),)), "rules.price"),
        (Rules(prices=(PriceBounds("EUR", -1.0),)), "rules.price.at_least"),
        (Rules(prices=(PriceBounds("EUR", None, float("inf")),)), "rules.price.at_most"),
        (Rules(prices=(PriceBounds("EUR", 2.0, 1.0),)), "rules.price.at_most"),
        (Rules(boosts=(Boost("Own", "tags", ("a",), 0.1),)), "rules.boosts[0].name"),
        (Rules(boosts=(Boost("own", "price", ("a",), 0.1),)), "rules.boosts[0].field"),
        (Rules(boosts=(Boost("own", "tags", (), 0.1),)), "rules.boosts[0].values"),
        (Rules(boosts=(Boost("own", "tags", ("a",), 0.0),)), "rules.boosts[0].amount"),
        (Rules(boosts=(Boost("own", "tags", ("a",), float("nan")),)), "rules.boosts[0].amount"),
        (Rules(boosts=(OWN, OWN)), "rules.boosts[1].name"),
        (Rules(boosts=tuple(Boost(f"b{at}", "tags", ("a",), 0.1) for at in range(17))), "rules.boosts"),
        (Rules(max_per_category=-1), "rules.max_per_category"),
        (Rules(max_per_group=-1), "rules.max_per_group"),
        (Rules(near_duplicate_cosine=1.1), "rules.near_duplicate_cosine"),
    ],
)
def test_what_cannot_be_a_rule_is_named(rules: Rules, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        rules.check()
    assert refused.value.field == field
