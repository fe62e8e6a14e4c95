from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import InvalidInput, InvalidPicture, NotReady, SpaceMismatch, VisrecError
from services.indexer.item import Item, Record
from services.indexer.record.packing_redis import pack_record, unpack_record
from services.indexer.wire import items as wire
from tests.indexer.builders import instants, items, record, vectors

errors: st.SearchStrategy[VisrecError] = st.sampled_from(
    [
        InvalidInput("items[3].item.price", "must be finite"),
        InvalidPicture("items[0].photos[1]", "is not a picture"),
        SpaceMismatch("visual@1", "visual@2"),
        NotReady("the embedder cannot be reached"),
    ]
)


@given(items())
def test_an_item_survives_packing(item: Item) -> None:
    assert wire.unpack_item(wire.pack_item(item)) == item


@given(items(), st.integers(1, 16), instants)
def test_a_record_survives_packing(item: Item, photos: int, created_us: int) -> None:
    one = Record(item, vectors(*range(photos)), created_us)
    packed = pack_record(one, b"a stamp.")
    assert unpack_record(packed) == one
    assert unpack_record(packed).stamp == packed[9:17] == b"a stamp.", "the script that puts vectors compares these"
    assert packed[1:9] == created_us.to_bytes(8, "big", signed=True), "the write script copies these bytes"


def test_a_record_costs_little_more_than_its_vectors() -> None:
    wide = record("item-1", 1, category="dress", title="A red dress", price=10.0)
    assert len(pack_record(wide, bytes(8))) - wide.vectors.nbytes < 100


def test_a_record_of_an_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match="format 9"):
        unpack_record(b"\x09" + pack_record(record("a"), bytes(8))[1:])


@given(st.dictionaries(st.integers(0, 999), errors))
def test_failures_survive_packing(failures: dict[int, VisrecError]) -> None:
    unpacked = wire.unpack_failures(wire.pack_failures(failures))
    assert {at: (type(one), one.message) for at, one in unpacked.items()} == {
        at: (type(one), one.message) for at, one in failures.items()
    }


@given(instants)
def test_instants_survive_the_contract(microseconds: int) -> None:
    assert wire.decode_time(wire.encode_time(microseconds)) == microseconds


def test_vectors_are_kept_as_they_are() -> None:
    kept = unpack_record(pack_record(record("a", 1, 2), bytes(8)))
    assert kept.vectors.dtype == np.float16
    assert np.array_equal(kept.vectors, vectors(1, 2))
