from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.client.fakes.fleet import Fleet
from visrec.client import Client
from visrec.errors import VisrecCallError
from visrec.ingest import MAX_BATCH_BYTES, MAX_BATCH_ITEMS, ItemOutcome, batches
from visrec.items import NewItem


@given(
    st.lists(st.tuples(st.integers(0, 9), st.binary(max_size=80)), max_size=40),
    st.integers(1, 200),
    st.integers(1, 6),
)
def test_batches_keep_the_order_and_the_bounds(pairs: list[tuple[int, bytes]], max_bytes: int, max_items: int) -> None:
    """No batch is larger than allowed unless it is one item, and none holds an id twice."""
    items = [NewItem(str(name), photos=[data]).message() for name, data in pairs]
    made = list(batches(items, max_bytes, max_items))
    assert [item for batch in made for item in batch] == items
    for batch in made:
        assert 1 <= len(batch) <= max_items
        assert len(batch) == 1 or sum(item.ByteSize() for item in batch) <= max_bytes
        assert len({item.item.id for item in batch}) == len(batch)


def test_calls_are_bounded_by_bytes_and_by_items(client: Client, services: Fleet) -> None:
    large = [NewItem(f"large-{at}", photos=[bytes(3 << 20)]) for at in range(5)]
    small = [NewItem(f"small-{at}", photos=[b"x"]) for at in range(MAX_BATCH_ITEMS + 1)]
    report = client.ingest("shop", [*large, *small])
    assert report.written == len(large) + len(small)
    assert [len(batch) for batch in services.indexer.batches[:2]] == [2, 2]
    assert max(len(batch) for batch in services.indexer.batches) <= MAX_BATCH_ITEMS
    assert MAX_BATCH_BYTES == 8 << 20


def test_photos_are_read_one_batch_at_a_time(client: Client, services: Fleet) -> None:
    """The iterator is not drained ahead of the calls."""
    calls_when_asked = []

    def items() -> Iterator[NewItem]:
        for at in range(3 * MAX_BATCH_ITEMS):
            calls_when_asked.append(len(services.indexer.batches))
            yield NewItem(str(at), photos=[b"x"])

    client.ingest("shop", items())
    assert calls_when_asked[-1] == 2


def test_each_item_has_one_outcome_and_one_bad_photo_fails_alone(client: Client, tmp_path: Path) -> None:
    good = tmp_path / "good.jpg"
    good.write_bytes(b"fine")
    outcomes: list[ItemOutcome] = []
    items = [
        NewItem("missing", photos=[tmp_path / "nothing.jpg"]),
        NewItem("good", photos=[good]),
        NewItem("bad", photos=[b"bad"]),
        NewItem("huge", photos=[bytes(16 << 20), bytes(16 << 20)]),
    ]
    report = client.ingest("shop", items, on_outcome=outcomes.append)
    reasons = {outcome.item_id: outcome.error.reason if outcome.error else "" for outcome in outcomes}
    assert reasons == {"missing": "PHOTO_UNREADABLE", "good": "", "bad": "INVALID_PICTURE", "huge": "ITEM_TOO_LARGE"}
    assert report.written == 1
    assert len(report.failed) == 3
    assert report.version == "v1"


def test_items_that_were_shed_are_sent_again_alone(client: Client, services: Fleet) -> None:
    services.indexer.shed = {"b"}
    waits: list[float] = []
    report = client.ingest("shop", [NewItem(name, photos=[b"x"]) for name in "abc"], sleep=waits.append)
    assert services.indexer.batches == [["a", "b", "c"], ["b"]]
    assert report.written == 3
    assert not report.failed
    assert waits == [0.2]


def test_a_call_that_was_shed_waits_as_long_as_the_service_says(client: Client, services: Fleet) -> None:
    services.indexer.refuse_calls = 2
    waits: list[float] = []
    assert client.ingest("shop", [NewItem("a", photos=[b"x"])], sleep=waits.append).written == 1
    assert waits == [1.5, 1.5]


def test_a_service_that_stays_full_ends_in_an_error(client: Client, services: Fleet) -> None:
    services.indexer.refuse_calls = 1000
    waits: list[float] = []
    with pytest.raises(VisrecCallError) as error:
        client.ingest("shop", [NewItem("a", photos=[b"x"])], sleep=waits.append)
    assert error.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert len(waits) == 5


def test_an_unknown_catalogue_ends_the_ingest(client: Client) -> None:
    with pytest.raises(VisrecCallError, match="attic"):
        client.ingest("attic", [NewItem("a", photos=[b"x"])])
