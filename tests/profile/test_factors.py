"""Where people are in the space of collaborative factors: put by a job, or folded in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from services.errors import NotReady
from services.profile.catalogue.items import CatalogueItem, Items, MemoryItems, Resolved
from services.profile.collaborative.factors import ABSENT_S, ALIAS, Factors
from services.profile.collaborative.placing import STALE_AFTER, PutVector
from services.profile.events.event import Event, EventType
from services.spaces import Float16, Space
from tests.profile.builders import MIDNIGHT_MS, SPACE, event
from tests.profile.test_collaborative import FACTORS, factors, likeness
from tests.profile.test_words import Seconds

LIKED = [event(item=f"item-{number}") for number in range(4)]


class Indexer(Items):
    """One catalogue with factors, one without; counts what it is asked."""

    def __init__(self) -> None:
        rows = {f"item-{number}": CatalogueItem("", factors(number // 4, number)) for number in range(8)}
        self._inner = MemoryItems({"shop": Resolved(FACTORS, rows), "plain": Resolved(SPACE, {})})
        self.asked: list[Sequence[str]] = []
        self.away = False

    def resolve(self, catalogue: str, item_ids: Sequence[str], space: str = "") -> Resolved:
        assert space == ALIAS
        self.asked.append(item_ids)
        if self.away:
            raise NotReady("the indexer is away")
        return self._inner.resolve(catalogue, item_ids, "" if catalogue == "shop" else space)

    def carrying(self, catalogue: str, space: Space, word: str, limit: int) -> Sequence[Float16]:
        return []

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def indexer() -> Indexer:
    return Indexer()


def test_a_newcomer_is_folded_in(indexer: Indexer) -> None:
    placed = Factors(indexer, Seconds()).place("shop", [*LIKED, event(item="gone")])
    assert placed is not None
    assert placed.space == FACTORS.name
    assert likeness(placed, 0) > 0.7


def test_what_was_put_wins_while_it_is_fresh_and_nobody_is_asked(indexer: Indexer) -> None:
    put = PutVector(FACTORS.name, factors(1, 50), writes=10)
    placed = Factors(indexer, Seconds()).place("shop", LIKED, put, writes=10 + STALE_AFTER - 1)
    assert placed is not None
    assert placed.vector is put.vector
    assert not indexer.asked


def test_what_was_put_long_ago_gives_way_to_a_fold_if_there_can_be_one(indexer: Indexer) -> None:
    put = PutVector(FACTORS.name, factors(1, 50), writes=10)
    places = Factors(indexer, Seconds())
    assert likeness(places.place("shop", LIKED, put, writes=10 + STALE_AFTER), 0) > 0.7
    indexer.away = True
    with pytest.raises(NotReady):
        places.place("shop", LIKED, put, writes=10 + STALE_AFTER)


def test_somebody_who_did_nothing_is_where_they_were_put_or_nowhere(indexer: Indexer) -> None:
    assert Factors(indexer, Seconds()).place("shop", [event(EventType.IMPRESSION)]) is None
    assert not indexer.asked


def test_events_on_one_item_add_up(indexer: Indexer) -> None:
    click = event(EventType.CLICK, "item-5")
    less = Factors(indexer, Seconds()).place("shop", [*LIKED, click])
    more = Factors(indexer, Seconds()).place("shop", [*LIKED, event(EventType.PURCHASE, "item-5")])
    assert likeness(less, 1) < likeness(more, 1)
    assert indexer.asked[0] == sorted({*indexer.asked[0]})


def test_what_was_done_later_counts_more(indexer: Indexer) -> None:
    def acts(first: int) -> list[Event]:
        """Eight, of which those from `first` on are the earlier ones."""
        return [event(item=f"item-{(first + turn) % 8}", time_ms=MIDNIGHT_MS + turn) for turn in range(8)]

    of_one, of_other = (Factors(indexer, Seconds()).place("shop", acts(first)) for first in (4, 0))
    assert likeness(of_one, 0) > likeness(of_other, 0)
    assert likeness(of_one, 1) < likeness(of_other, 1)


def test_the_last_opinion_holds_and_a_double_click_is_one(indexer: Indexer) -> None:
    places = Factors(indexer, Seconds())
    like, click = event(item="item-5"), event(EventType.CLICK, "item-6")
    untidy = [event(EventType.DISLIKE, "item-5"), like, click, event(EventType.CLICK, "item-6")]
    tidy, same = (places.place("shop", [*LIKED, *acts]) for acts in ([like, click], untidy))
    assert tidy is not None
    assert same is not None
    np.testing.assert_array_equal(same.vector, tidy.vector)


def test_a_catalogue_without_factors_is_asked_once_in_a_while(indexer: Indexer) -> None:
    clock = Seconds()
    places = Factors(indexer, clock)
    for _ in range(3):
        assert places.place("plain", LIKED) is None
        assert places.place("nowhere", LIKED) is None
    assert len(indexer.asked) == 2
    clock.now += ABSENT_S
    places.place("plain", LIKED)
    assert len(indexer.asked) == 3


def test_an_indexer_that_is_away_is_no_catalogue_without_factors(indexer: Indexer) -> None:
    places = Factors(indexer, Seconds())
    indexer.away = True
    with pytest.raises(NotReady):
        places.place("shop", LIKED)
    indexer.away = False
    placed = places.place("shop", LIKED)
    assert placed is not None
    assert np.isfinite(placed.vector).all()
