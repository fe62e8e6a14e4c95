"""Searches and items between the ranker's words and the indexer's contract."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import cast

import numpy as np

from services.ranker.others.ports import (
    CatalogueItem,
    Condition,
    Found,
    Opaque,
    SearchPlan,
    SearchQuery,
    Spaces,
    Traits,
)
from services.runtime.wire import decode_space
from visrec.v1 import common_pb2, indexer_pb2

VISUAL, COLLABORATIVE = "visual", "collaborative"
"""Aliases of every catalogue, and of those that jobs put such vectors into."""


ITEM_BYTES, READ_BYTES = 1000, 10
"""What an item takes in memory once it is read, measured with many small attributes: so much, and for each of its
serialised bytes so many."""


def decode_spaces(answer: indexer_pb2.ListSpacesResponse) -> Spaces:
    """The spaces behind the two aliases, and all others."""
    behind = {alias: state.space for state in answer.spaces for alias in state.aliases}
    visual = behind.get(VISUAL, answer.spaces[0].space)
    collaborative = behind.get(COLLABORATIVE)
    others = [decode_space(state.space) for state in answer.spaces if state.space not in (visual, collaborative)]
    return Spaces(decode_space(visual), decode_space(collaborative) if collaborative is not None else None, others)


def encode_plan(plan: SearchPlan) -> indexer_pb2.SearchRequest:
    """The search of a plan, its hits as columns."""
    return indexer_pb2.SearchRequest(
        catalogue=plan.catalogue,
        space=plan.space,
        queries=[_query(query) for query in plan.queries],
        filter=encode_filter(plan.filter, plan.domains, plan.conditions),
        exclude_item_ids=plan.exclude,
        limit=plan.limit,
        union=True,
        also_score_item_ids=plan.also_score,
        min_version=plan.min_version,
        include_parts=True,
        include_vectors=plan.vectors,
        include_items=plan.traits,
        accuracy=indexer_pb2.ACCURACY_FAST if plan.fast else indexer_pb2.ACCURACY_BALANCED,
        max_per_group=plan.max_per_group,
        max_per_category=plan.max_per_category,
        packed=True,
        score_only=plan.score_only,
    )


def decode_found(answer: indexer_pb2.SearchResponse) -> Found:
    """What such a search found."""
    packed = answer.packed
    shape = (packed.count, len(answer.part_queries), len(answer.part_blocks))
    parts = np.frombuffer(packed.parts, "<f4").reshape(shape).astype(np.float64)
    vectors = np.frombuffer(packed.vectors, "<f2").reshape(packed.count, -1) if packed.vectors else None
    traits = [ItemTraits(each) for each in packed.items] if packed.items else None
    return Found(_ids(packed), list(answer.part_blocks), parts, answer.version, vectors, traits)


def encode_items(catalogue: str, ids: Sequence[str], version: str) -> indexer_pb2.SearchRequest:
    """The search for these items themselves: one without queries, which is answered from the index, also while its
    record is away; BatchGetItems is not."""
    return indexer_pb2.SearchRequest(
        catalogue=catalogue,
        also_score_item_ids=ids,
        include_items=True,
        min_version=version,
        union=True,
        packed=True,
    )


def decode_items(answer: indexer_pb2.SearchResponse) -> list[CatalogueItem]:
    """Those of them that exist."""
    return [_item(each) for each in answer.packed.items]


def encode_filter(
    given: Opaque, domains: Sequence[str], conditions: Sequence[Condition] = ()
) -> common_pb2.Filter | None:
    """The caller's filter, and conditions more when domains or others are asked for; None for nothing of all that."""
    if given is None and not domains and not conditions:
        return None
    combined = common_pb2.Filter()
    if given is not None:
        combined.CopyFrom(cast("common_pb2.Filter", given))
    if domains:
        combined.must.add(field="domain").keyword.any_of.extend(domains)
    for condition in conditions:
        combined.must.append(_condition(condition))
    return combined


def encode_newer(given: bytes, since_s: float) -> common_pb2.Filter:
    """A serialised filter, and that an item is not older than this."""
    newer = common_pb2.Filter.FromString(given)
    newer.must.add(field="time").time.not_before.FromSeconds(max(0, int(since_s)))
    return newer


class ItemTraits(Traits):
    """Of a `visrec.v1.Item`, or of a serialised one, which is read when it is looked at."""

    __slots__ = ("_given",)

    def __init__(self, item: indexer_pb2.Item | bytes) -> None:
        self._given = item

    @property
    def _item(self) -> indexer_pb2.Item:
        if isinstance(self._given, bytes):
            self._given = indexer_pb2.Item.FromString(self._given)
        return self._given

    @property
    def time_s(self) -> float:
        return self._item.time.seconds + self._item.time.nanos / 1e9

    @property
    def category(self) -> str:
        return self._item.category

    @property
    def group_id(self) -> str:
        return self._item.group_id

    def words(self, field: str) -> Collection[str]:
        item = self._item
        if field == "tags":
            return item.tags
        if field == "availability":
            return (_AVAILABILITIES[item.availability],)
        if field.startswith("attributes."):
            return _words_of(item, field.removeprefix("attributes."))
        word = getattr(item, field) if field in _WORDS else ""
        return (word,) if word else ()


_WORDS = {"id", "domain", "category", "group_id", "currency"}
_AVAILABILITIES = {
    value.number: value.name.removeprefix("AVAILABILITY_").lower()
    for value in indexer_pb2.Availability.DESCRIPTOR.values
} | {indexer_pb2.AVAILABILITY_UNSPECIFIED: "available"}


def _words_of(item: indexer_pb2.Item, name: str) -> Collection[str]:
    if name not in item.attributes:
        return ()
    value = item.attributes[name]
    match value.WhichOneof("kind"):
        case "text":
            return (value.text,)
        case "words":
            return value.words.words
        case _:
            return ()


def _condition(condition: Condition) -> common_pb2.Condition:
    if condition.any_of:
        return common_pb2.Condition(field=condition.field, keyword=common_pb2.KeywordTest(any_of=condition.any_of))
    bounds = common_pb2.NumericRange(at_least=condition.at_least, at_most=condition.at_most)
    return common_pb2.Condition(field=condition.field, range=bounds)


def weigh(search: indexer_pb2.SearchRequest) -> int:
    """How much of what one call of many searches may ask for this one takes, by the contract."""
    return max(1, len(search.queries)) * (search.limit + len(search.also_score_item_ids))


def _ids(packed: indexer_pb2.PackedHits) -> list[str]:
    return packed.item_ids.split("\n") if packed.count else []


def _item(packed: bytes) -> CatalogueItem:
    item = indexer_pb2.Item.FromString(packed)
    return CatalogueItem(item.id, item.title, item, ItemTraits(item), ITEM_BYTES + READ_BYTES * len(packed))


def _query(query: SearchQuery) -> indexer_pb2.Query:
    weight = 1.0 if query.positive else -1.0
    message = indexer_pb2.Query(name=query.name, weight=weight, block_weights=query.block_weights)
    if query.embedding is None:
        message.item_id = query.item_id
    else:
        message.vector.space, message.vector.data = query.embedding.space, query.embedding.data
    return message
