"""Filters, written as a sentence.

    all_of(one_of("category", "sofa", "armchair"), between("price", at_most=500), none_of=[is_("attributes.used")])

Fields are `id`, `domain`, `category`, `group_id`, `tags`, `currency`, `price`, `availability`, `time` and
`attributes.NAME`. An item that lacks a field fails its test. The services refuse a filter that makes no sense, with the
path of the wrong field.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from visrec.v1 import common_pb2


def all_of(
    *conditions: common_pb2.Condition,
    any_of: Iterable[common_pb2.Condition] = (),
    none_of: Iterable[common_pb2.Condition] = (),
) -> common_pb2.Filter:
    """All of `conditions`, at least one of `any_of` when there is any, none of `none_of`."""
    return common_pb2.Filter(must=conditions, should=any_of, must_not=none_of)


def one_of(field: str, *words: str) -> common_pb2.Condition:
    """The field equals one of the words; a field of several words, such as tags, has one of them."""
    return common_pb2.Condition(field=field, keyword=common_pb2.KeywordTest(any_of=words))


def between(field: str, at_least: float | None = None, at_most: float | None = None) -> common_pb2.Condition:
    """The field is a number within the bounds, both included; None does not bind."""
    return common_pb2.Condition(field=field, range=common_pb2.NumericRange(at_least=at_least, at_most=at_most))


def is_(field: str, value: bool = True) -> common_pb2.Condition:
    """The field is this truth value."""
    return common_pb2.Condition(field=field, boolean=value)


def during(field: str, not_before: datetime | None = None, before: datetime | None = None) -> common_pb2.Condition:
    """The field is an instant from `not_before` on and earlier than `before`; None does not bind."""
    span = common_pb2.TimeRange(not_before=timestamp(not_before), before=timestamp(before))
    return common_pb2.Condition(field=field, time=span)


def timestamp(instant: datetime | None) -> Timestamp | None:
    """The contract's form of an instant. Raises ValueError for one without a time zone: it could mean any hour."""
    if instant is None:
        return None
    if instant.tzinfo is None:
        raise ValueError(f"{instant.isoformat()} has no time zone; give one, such as datetime.now(UTC)")
    message = Timestamp()
    message.FromDatetime(instant)
    return message
