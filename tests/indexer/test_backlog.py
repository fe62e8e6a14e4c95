"""Writers wait for an index that is behind what this process acknowledged, and for no other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.errors import Overloaded
from services.indexer.definition import Definition
from services.indexer.index.exact import ExactIndex
from services.indexer.record.layout import Layout
from services.indexer.serving.backlog import MOST_ITEMS, Backlog
from services.indexer.serving.quotas import Rates
from services.indexer.serving.shelf import Shelf
from services.indexer.version import Mark, Position, Version
from services.indexer.wire.items import pack_item
from services.spaces import Space
from tests.indexer.builders import OTHER_SPACE, SPACE, record
from tests.indexer.test_shelf import SOON_S, Troubled, contents, exact, following, write
from tests.indexer.worlds import catalogue_in_memory, monotonic

EPOCH = b"12345678"


def at(position: int, epoch: bytes = EPOCH) -> Version:
    return Version((Mark(epoch, Position(position, 0)),))


@given(st.lists(st.integers(1, 100), max_size=20), st.integers(0, 25))
def test_what_is_behind_is_what_was_written_beyond(writes: list[int], reached: int) -> None:
    backlog = Backlog()
    for position, items in enumerate(writes):
        backlog.add(at(position + 1), items)
    assert backlog.items(at(reached)) == sum(writes[reached:])


def test_nobody_waits_for_what_was_lost_with_an_older_record() -> None:
    backlog = Backlog()
    backlog.add(at(1), 5)
    assert backlog.items(at(0, b"87654321")) == 0


def test_what_no_index_has_read_anything_of_is_behind() -> None:
    backlog = Backlog()
    backlog.add(at(1), 5)
    assert backlog.items(Version.nothing(1)) == 5


def test_a_shelf_has_no_room_while_it_is_too_far_behind() -> None:
    shop = Troubled(catalogue_in_memory())
    with following(shop) as shelf:
        contents(shelf, write(shop.inner, record("a", 1)))
        shop.unreachable.set()
        version = write(shop.inner, record("b", 2))
        shelf.written(version, MOST_ITEMS)
        assert shelf.has_room()
        shelf.written(version, 1)
        assert not shelf.has_room(0.01)
        shop.unreachable.clear()
        assert shelf.has_room(SOON_S)


def test_however_many_indexes_are_waited_for_there_is_one_deadline() -> None:
    now = [0.0]

    class Slow(ExactIndex):
        """Has room after four seconds."""

        def wait_for_room(self, timeout_s: float) -> bool:
            now[0] += min(timeout_s, 4.0)
            return timeout_s >= 4

    def make(of: Definition, space: Space) -> Slow:
        return Slow(space, of.partitions, pack_item)

    shelf = Shelf(catalogue_in_memory(), make, lambda _, __: None, clock=lambda: now[0])
    shelf._arrange(Layout.first(SPACE).adding(OTHER_SPACE))
    assert not shelf.has_room(7)
    assert now == [7]
    assert shelf.has_room(8)


class TestRates:
    def shelf(self) -> Shelf:
        return Shelf(catalogue_in_memory(), exact, lambda _, __: None, clock=monotonic)

    def taken(self, rates: Rates, shelf: Shelf, times: int) -> int:
        """How many of so many requests are let in."""
        count = 0
        for _ in range(times):
            try:
                rates.take(shelf)
                count += 1
            except Overloaded as refused:
                self.refused = refused
        return count

    def test_as_many_as_the_rate_are_let_in_and_told_when_to_come_again(self) -> None:
        now = [0.0]
        rates, shelf = Rates(4, lambda: now[0]), self.shelf()
        assert self.taken(rates, shelf, 10) == 4
        assert (self.refused.reason, self.refused.retry_after_ms) == ("RATE_QUOTA", 251)
        now[0] += 0.5
        assert self.taken(rates, shelf, 10) == 2
        now[0] += 100
        assert self.taken(rates, shelf, 10) == 4

    def test_a_busy_catalogue_leaves_room_for_others(self) -> None:
        rates, busy, calm = Rates(2, lambda: 0.0), self.shelf(), self.shelf()
        assert self.taken(rates, busy, 10) == 2
        assert self.taken(rates, calm, 1) == 1

    def test_less_than_one_a_second_is_one_at_a_time(self) -> None:
        now = [0.0]
        rates, shelf = Rates(0.5, lambda: now[0]), self.shelf()
        assert self.taken(rates, shelf, 3) == 1
        now[0] += 2
        assert self.taken(rates, shelf, 3) == 1

    def test_without_a_rate_all_are(self) -> None:
        assert self.taken(Rates(0, lambda: 0.0), self.shelf(), 100) == 100
