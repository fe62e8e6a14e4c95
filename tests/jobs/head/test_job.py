"""What the job hands to those that learn and judge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import pytest

from jobs.head.fitting import held_out
from jobs.head.reading import NothingLearned, Reader
from jobs.learn_head import HeadJob, Outcome, Plan, Source
from jobs.pages import Patience
from tests.jobs.head.shelf import Shelf
from tests.jobs.head.shop import Shop, taken
from visrec.connection import Connection

PATIENCE = Patience(0.0, lambda _: None, lambda: 0.0)
SHARE = 0.2
SHELF = Shelf.of(300, 4, 1)
LIKES = taken(SHELF, 200, 1)
HELD = held_out([f"item {name}" for name in SHELF.names], SHARE, "judged")
OTHER = Shelf(np.where(HELD, 0, SHELF.kinds), np.where(HELD[:, None], -SHELF.features, SHELF.features))
"""What is held out looks otherwise and is of another kind."""


def learned(shelf: Shelf, likes: Sequence[Sequence[int]], source: Source, variants: int = 1) -> Outcome:
    shop = cast("Connection", Shop(shelf, likes, variants))
    job = HeadJob(shop, "shop", PATIENCE, Plan(source, "category", SHARE))
    return job.run(lambda what, of: lambda more: None, put=False)


def elsewhere(likes: Sequence[Sequence[int]]) -> list[list[int]]:
    """The same likes of what is not held out; of what is, everybody likes others."""
    rows = np.flatnonzero(HELD)
    return [
        [int(rows[(row + person) % len(rows)]) if HELD[row] else row for row in liked]
        for person, liked in enumerate(likes)
    ]


@pytest.mark.parametrize(
    ("source", "likes"), [(Source.LABELS, LIKES), (Source.PEOPLE, LIKES), (Source.PEOPLE, elsewhere(LIKES))]
)
def test_what_is_judged_by_leaves_no_trace_in_what_is_learned(source: Source, likes: list[list[int]]) -> None:
    """However held-out items look, whatever they are called and whoever likes them: the same head, but for the order in
    which people are summed."""
    one, other = learned(SHELF, LIKES, source), learned(OTHER, likes, source)
    assert one.learned.setting == other.learned.setting
    for map_, same in ((one.learned.content, other.learned.content), (one.learned.kind, other.learned.kind)):
        assert map_.matrix == pytest.approx(same.matrix, abs=1e-4)
        assert map_.mean == pytest.approx(same.mean, abs=1e-4)
    assert one.verdict.new_precision != other.verdict.new_precision, "they are what it was judged by"
    assert one.verdict.queries <= HELD.sum()


def test_variants_of_a_few_things_are_too_few_to_judge_by() -> None:
    """Some sixty items are asked, of one thing in five."""
    with pytest.raises(NothingLearned, match=r"^(\d|1\d|2\d) held-out items, variants of one counted once"):
        learned(SHELF, LIKES, Source.LABELS, variants=5)


def test_no_more_people_are_read_than_are_asked_for_and_nobody_twice() -> None:
    shop = Shop(SHELF, [[5, 3], [7, 1, 7], [], [9, 8], [2, 4]])
    reader = Reader(cast("Connection", shop), "shop", PATIENCE, lambda _: None)
    assert [rows.tolist() for rows in reader.engaged(SHELF.names, 100)] == [[3, 5], [1, 7], [8, 9], [2, 4]]
    shop.read.clear()
    assert [rows.tolist() for rows in reader.engaged(SHELF.names, 2)] == [[3, 5], [1, 7]]
    assert "person 4" not in shop.read
