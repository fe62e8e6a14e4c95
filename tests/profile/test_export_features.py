"""Features of people, page by page."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from services.errors import InvalidInput, NotFound
from services.profile.events.event_store import Batch
from services.profile.filing.store_memory import MemoryProfileStore
from services.profile.people.person import Attributes, Consent, Location
from services.profile.segments.export_features import Featured, FeatureExport
from services.profile.segments.segmentations import Segmentations
from services.profile.taste.background import Remembered, encoded
from tests.profile.builders import (
    ALL_GIVEN,
    GIVEN,
    MIDNIGHT_MS,
    REFUSED,
    SPACE,
    event,
    near,
    parts,
    person,
    score,
    shop,
)

ITEMS = shop()


@pytest.fixture
def store() -> MemoryProfileStore:
    store = MemoryProfileStore()
    store.keep_space(SPACE)
    for user, consent in (
        ("ada", ALL_GIVEN),
        ("bob", Consent(GIVEN, GIVEN, REFUSED)),
        ("cleo", Consent(REFUSED, GIVEN, GIVEN)),
        ("dan", ALL_GIVEN),
        ("eve", ALL_GIVEN),
    ):
        attributes = Attributes(age=31, location=Location("PT"), interests=("oak",))
        store.swap(b"", replace(person(user, consent), attributes=attributes))
        if user != "eve":
            acts = [
                event(item=f"red-{at}", vectors={SPACE.name: near(0)}, category="coats", tags=("wool",))
                for at in range(3)
            ]
            store.record([Batch(user, "shop", acts)], MIDNIGHT_MS)
    return store


@pytest.fixture
def export(store: MemoryProfileStore) -> FeatureExport:
    def visual(catalogue: str) -> object:
        return ITEMS.resolve(catalogue, []).space

    segmentations = Segmentations(store, visual, 20, 30.0)  # type: ignore[arg-type]
    return FeatureExport(store, parts(store, ITEMS).tastes, segmentations, visual)  # type: ignore[arg-type]


def everybody(export: FeatureExport, size: int = 0) -> list[Featured]:
    people: list[Featured] = []
    token = ""
    while True:
        page = export.page("shop", size, token)
        people += page.people
        token = page.token
        if not token:
            return people


def test_those_who_did_something_and_consent_to_both_are_told(export: FeatureExport, store: MemoryProfileStore) -> None:
    ada, dan = everybody(export)
    page = export.page("shop", 0, "")
    recipe = Segmentations(store, lambda _: SPACE, 20, 30.0).recipe(SPACE)
    assert (page.space, page.visual) == (recipe.space.name, SPACE.name)
    acts = Remembered(store.window("ada", "shop").events)
    expected = encoded(store.load("ada").person.attributes, acts, recipe)  # type: ignore[union-attr]
    np.testing.assert_array_equal(ada.features, expected)
    assert ada.facts == ["age:25-34", "country:PT", "interest:oak"]
    assert set(ada.words) == {"coats", "wool"}
    assert list(ada.items) == ["red-0", "red-1", "red-2"]
    (liked,) = ada.interests
    assert score(liked.vector, near(0)) > 0.95
    assert ada.pseudonym != dan.pseudonym
    assert "ada" not in ada.pseudonym


def test_pages_say_the_same_of_the_same_people(export: FeatureExport) -> None:
    assert [each.facts for each in everybody(export, 1)] == [each.facts for each in everybody(export)]


def test_pseudonyms_differ_from_export_to_export(export: FeatureExport) -> None:
    assert {each.pseudonym for each in everybody(export)}.isdisjoint(each.pseudonym for each in everybody(export))


def test_what_is_wrong_with_a_request_is_told(export: FeatureExport) -> None:
    for catalogue, size, token in (("", 0, ""), ("shop", -1, ""), ("shop", 0, "nonsense")):
        with pytest.raises(InvalidInput):
            export.page(catalogue, size, token)
    with pytest.raises(NotFound):
        export.page("nowhere", 0, "")
