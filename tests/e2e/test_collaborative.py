"""What people do together, from end to end: factors are learned, put and searched; new items and newcomers have their
place."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from jobs.terminal import EXIT_NOTHING
from tests.e2e.conftest import CALL_S, Stubs
from tests.e2e.together import ITEMS, KINDS, PEOPLE, Shop, kind_of, open_shop
from visrec.v1 import indexer_pb2


@pytest.fixture(scope="module")
def shop(visrec: Stubs) -> Iterator[Shop]:
    with open_shop(visrec, "together") as opened:
        yield opened


def test_a_few_people_are_not_learned_from(shop: Shop) -> None:
    for number in range(5):
        shop.join(f"together-{number}", number % len(KINDS), seed=number)

    code, told = shop.run()

    assert code == EXIT_NOTHING
    assert "take at least 20" in told
    assert not shop.spaces()


@pytest.fixture(scope="module")
def learned(shop: Shop) -> Shop:
    """After the job has run."""
    for number in range(PEOPLE):
        shop.join(f"together-{number}", number % len(KINDS), seed=number)
    code, told = shop.run()
    assert code == 0, told
    return shop


def test_people_are_recommended_what_those_like_who_like_the_same(learned: Shop) -> None:
    for number in range(9):
        found = learned.liked_together(f"together-{number}")
        assert len(found) == 10
        assert np.mean([kind_of(item) == number % len(KINDS) for item in found]) > 0.9


def test_items_that_nobody_has_touched_stand_where_their_looks_say(learned: Shop) -> None:
    for at in range(ITEMS, ITEMS + 6):
        query = indexer_pb2.Query(name="new", item_id=f"item-{at}")
        search = indexer_pb2.SearchRequest(
            catalogue=learned.catalogue, queries=[query], limit=10, space=learned.searched()
        )
        hits = learned.stubs.indexer.Search(search, timeout=CALL_S).hits
        assert np.mean([kind_of(hit.item_id) == kind_of(f"item-{at}") for hit in hits]) > 0.8
        stored = learned.stubs.indexer.GetItem(
            indexer_pb2.GetItemRequest(
                catalogue=learned.catalogue, item_id=f"item-{at}", include_vectors=True, space=learned.searched()
            ),
            timeout=CALL_S,
        ).stored
        row = np.frombuffer(stored.vectors[0].data, "<f4")
        assert abs(np.linalg.norm(row) - 1) < 1e-2
        assert np.linalg.norm(row[:-1]) > 0.1


def test_a_newcomer_is_folded_in(learned: Shop) -> None:
    learned.join("together-newcomer", 1, likes=6, seed=99)

    place = learned.place("together-newcomer")
    assert place.space == learned.searched()
    assert np.frombuffer(place.data, "<f4")[-1] == 0
    assert np.mean([kind_of(item) == 1 for item in learned.liked_together("together-newcomer")]) > 0.9
