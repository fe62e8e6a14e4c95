"""What is popular at this moment."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from services.errors import InvalidInput, NotFound, NotReady
from services.profile.catalogue.existence import THERE_MS, Existence
from services.profile.catalogue.items import CatalogueItem, MemoryItems, Resolved
from services.profile.catalogue.patience import PatientItems
from services.profile.events.event import EventType
from services.profile.events.event_store import Batch
from services.profile.filing.store_memory import MemoryProfileStore
from services.profile.filing.store_rules import StoreRules
from services.profile.popularity.popular import Popular, PopularQuery
from services.profile.segments.segmentations import Segmentations
from tests.profile.builders import DAY_MS, MIDNIGHT_MS, SPACE, Clock, event, person

HALF_LIFE_HOURS = 24.0


class FewItems(MemoryItems):
    """Items of one catalogue, as they are now."""

    def __init__(self) -> None:
        self.there = {"coat": "fashion", "lamp": "furniture"}
        self.is_away = False

    def resolve(self, catalogue: str, item_ids: Sequence[str], space: str = "") -> Resolved:
        if self.is_away:
            raise NotReady("away")
        if catalogue == "misspelt":
            raise NotFound("catalogue", catalogue)
        found = {each: CatalogueItem(self.there[each], None) for each in item_ids if each in self.there}
        return Resolved(SPACE, found)


@pytest.fixture
def items() -> FewItems:
    return FewItems()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def popular(clock: Clock, items: FewItems) -> Popular:
    store = MemoryProfileStore(StoreRules(popular_hours=HALF_LIFE_HOURS))
    store.swap(b"", person())
    told = [
        event(EventType.SAVE, item="coat"),
        event(EventType.CLICK, item="coat"),
        event(item="lamp", domain="furniture"),
    ]
    store.record([Batch("ada", "shop", told)], MIDNIGHT_MS)
    segmentations = Segmentations(store, lambda _: SPACE, 20, 30.0)
    return Popular(store, segmentations, Existence(PatientItems(items, clock), clock), HALF_LIFE_HOURS, clock)


def test_scores_halve_with_every_half_life(popular: Popular, clock: Clock) -> None:
    scores = []
    for _ in range(3):
        scores.append(dict(popular.items(PopularQuery("shop")))["coat"])
        clock.now_ms += DAY_MS
    assert scores == pytest.approx([4, 2, 1])


def test_items_asked_for_come_in_that_order_those_without_events_with_nothing(popular: Popular) -> None:
    found = popular.items(PopularQuery("shop", item_ids=["lamp", "unknown", "coat"]))
    assert [item_id for item_id, _ in found] == ["lamp", "unknown", "coat"]
    assert [score for _, score in found] == pytest.approx([2, 0, 4])


def test_domains_and_limit_narrow_the_list(popular: Popular) -> None:
    assert [item_id for item_id, _ in popular.items(PopularQuery("shop", domains=["furniture"]))] == ["lamp"]
    assert [item_id for item_id, _ in popular.items(PopularQuery("shop", limit=1))] == ["coat"]
    assert len(popular.items(PopularQuery("shop", limit=1_000_000))) == 2


def test_a_catalogue_without_events_has_nothing_popular(popular: Popular) -> None:
    assert popular.items(PopularQuery("empty")) == []


def test_what_is_gone_is_left_out_and_what_comes_after_it_told(popular: Popular, clock: Clock, items: FewItems) -> None:
    assert [item_id for item_id, _ in popular.items(PopularQuery("shop"))] == ["coat", "lamp"]
    del items.there["coat"]
    clock.now_ms += THERE_MS
    assert [item_id for item_id, _ in popular.items(PopularQuery("shop", limit=1))] == ["lamp"]


def test_while_the_catalogue_cannot_be_asked_everything_is_told(popular: Popular, items: FewItems) -> None:
    items.there.clear()
    items.is_away = True
    assert [item_id for item_id, _ in popular.items(PopularQuery("shop"))] == ["coat", "lamp"]


@pytest.mark.parametrize("item_ids", [[], ["coat"]])
def test_a_catalogue_that_does_not_exist_is_not_found(popular: Popular, item_ids: list[str]) -> None:
    with pytest.raises(NotFound, match="misspelt"):
        popular.items(PopularQuery("misspelt", item_ids=item_ids))


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (PopularQuery(""), "catalogue"),
        (PopularQuery("shop", limit=-1), "limit"),
        (PopularQuery("shop", item_ids=["x"] * 1001), "item_ids"),
        (PopularQuery("shop", item_ids=["fine", ""]), "item_ids[1]"),
        (PopularQuery("shop", domains=["x"] * 65), "domains"),
        (PopularQuery("shop", domains=["x" * 65]), "domains[0]"),
    ],
)
def test_bad_input_is_named(popular: Popular, query: PopularQuery, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        popular.items(query)
    assert caught.value.field == field


def test_an_unknown_segment_is_not_found(popular: Popular) -> None:
    with pytest.raises(NotFound):
        popular.items(PopularQuery("shop", segment="young"))
