from __future__ import annotations

import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import InvalidInput
from services.indexer.version import Mark, Position, Version

positions = st.builds(Position, st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
marks = st.builds(Mark, st.binary(min_size=8, max_size=8), positions)
versions = st.lists(st.none() | marks, min_size=1, max_size=4).map(lambda some: Version(tuple(some)))


@given(versions)
def test_a_token_gives_the_version_back(version: Version) -> None:
    assert Version.decode(version.encode(), len(version.marks), "min_version") == version


@given(positions, positions)
def test_positions_are_ordered_as_redis_orders_them_and_survive_their_text(one: Position, other: Position) -> None:
    assert Position.parse(str(one)) == one
    assert (one < other) == (
        one.milliseconds < other.milliseconds
        or (one.milliseconds == other.milliseconds and one.sequence < other.sequence)
    )


@given(versions)
def test_every_version_contains_itself_and_nothing(version: Version) -> None:
    assert version.contains(version)
    assert version.contains(Version.nothing(len(version.marks)))


def test_a_later_position_contains_an_earlier_one_of_the_same_epoch_only() -> None:
    def at(epoch: bytes, milliseconds: int) -> Version:
        return Version.nothing(2).reaching(1, Mark(epoch * 8, Position(milliseconds, 0)))

    assert at(b"a", 2).contains(at(b"a", 1))
    assert not at(b"a", 1).contains(at(b"a", 2))
    assert not at(b"a", 2).contains(at(b"b", 1))
    assert not Version.nothing(2).contains(at(b"a", 1))


def of_marks(*marks: tuple[int, bytes]) -> str:
    """A token of one partition with marks of these partitions and epochs."""
    packed = (struct.pack(">H8sQQ", partition, epoch, 1, 0) for partition, epoch in marks)
    return base64.urlsafe_b64encode(struct.pack(">BH", 1, 1) + b"".join(packed)).decode()


def test_a_token_is_what_these_tests_take_it_for() -> None:
    assert of_marks((0, b"a" * 8)) == Version((Mark(b"a" * 8, Position(1, 0)),)).encode()


@pytest.mark.parametrize(
    "token",
    [
        "?",
        "ä",
        "AAAA",
        Version.nothing(2).encode(),
        Version.nothing(1).encode() + "AAAA",
        " " + Version.nothing(1).encode(),
        of_marks((1, b"a" * 8)),
        of_marks((0, b"a" * 8), (0, b"b" * 8)),
        of_marks((0, b"a" * 8)) * 300_000,
    ],
    ids=str.__len__,
)
def test_what_is_no_token_of_this_catalogue_is_refused(token: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Version.decode(token, 1, "min_version")
    assert refused.value.field == "min_version"


def test_an_empty_token_asks_for_nothing() -> None:
    assert Version.decode("", 3, "min_version") == Version.nothing(3)
