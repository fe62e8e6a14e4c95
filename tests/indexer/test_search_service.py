"""Search, SearchMany and GetFacets through the whole service, over a real Redis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import pytest

from services.errors import InvalidInput, SpaceMismatch, VisrecError
from services.indexer.version import Mark, Position, Version
from services.runtime.faults import error_of
from services.runtime.settings import RuntimeSettings
from tests.indexer.builders import OTHER_SPACE, SPACE
from tests.indexer.worlds import Service, ids_of, refusal, search, service, with_vectors
from visrec.v1 import common_pb2, indexer_pb2

NEVER = Version((Mark(b"12345678", Position(1, 0)),)).encode()


@pytest.fixture(scope="module")
def shop(module_redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Twelve items in three categories and six groups; nobody changes them."""
    runtime = RuntimeSettings(
        redis_url=module_redis_url, var_dir=tmp_path_factory.mktemp("indexer"), canary_every_s=0.05
    )
    with service(runtime) as started:
        started.create()
        version = started.put(
            *(
                with_vectors(
                    f"i{number:02}",
                    number,
                    category="abc"[number % 3],
                    group_id=f"g{number % 6}",
                    attributes={"vegan": common_pb2.AttributeValue(boolean=number < 4)},
                )
                for number in range(12)
            ),
            with_vectors("twin", 1, category="d"),
        )
        started.stub.Search(search(1, min_version=version))
        yield started


def words(shop: Service, request: indexer_pb2.SearchRequest, field: str) -> list[str]:
    request.include_items = True
    return [getattr(hit.item, field) for hit in shop.stub.Search(request).hits]


def test_no_more_of_a_group_or_a_category_than_asked_for(shop: Service) -> None:
    groups = words(shop, search(1, limit=13, max_per_group=1), "group_id")
    assert sorted(filter(None, groups)) == [f"g{number}" for number in range(6)]
    categories = words(shop, search(1, limit=13, max_per_category=2), "category")
    assert sorted(categories) == ["a", "a", "b", "b", "c", "c", "d"]


def test_near_duplicates_collapse_into_the_better_one(shop: Service) -> None:
    assert ids_of(shop.stub.Search(search(1, limit=2)).hits) == ["i01", "twin"]
    collapsed = ids_of(shop.stub.Search(search(1, limit=13, collapse_above=0.95)).hits)
    assert collapsed[0] == "i01"
    assert "twin" not in collapsed
    assert len(collapsed) == 12


def test_only_the_top_has_vectors_where_that_is_asked_for(shop: Service) -> None:
    hits = shop.stub.Search(search(1, limit=4, include_vectors=True, vectors_of_top=2)).hits
    assert [len(np.frombuffer(hit.vector, "<f2")) for hit in hits] == [SPACE.dimension] * 2 + [0] * 2
    assert all(hit.vector for hit in shop.stub.Search(search(1, limit=4, include_vectors=True)).hits)


@pytest.mark.parametrize("fields", [{}, {"union": True}])
@pytest.mark.parametrize("caps", [{}, {"max_per_category": 2}])
@pytest.mark.parametrize("asked", [{}, {"include_vectors": True, "vectors_of_top": 3}])
def test_packed_hits_are_the_same_hits(
    shop: Service, fields: dict[str, Any], caps: dict[str, Any], asked: dict[str, Any]
) -> None:
    request = search(1, 5, limit=3, include_parts=True, include_items=True, **fields, **caps, **asked)
    request.also_score_item_ids.extend(["i07", "nowhere", "i02", "i07"])
    request.exclude_item_ids.extend(["i02", "i04", "gone"])
    whole = shop.stub.Search(request)
    request.packed = True
    response = shop.stub.Search(request)
    packed, hits = response.packed, list(whole.hits)
    assert not response.hits
    assert (response.part_queries, response.version) == (whole.part_queries, whole.version)
    ids = packed.item_ids.split("\n")
    assert packed.count == len(ids) == len(hits)
    if asked or caps or not fields:
        assert ids == ids_of(hits)
    assert set(ids) == set(ids_of(hits))
    parts = np.frombuffer(packed.parts, "<f4").reshape(len(ids), -1)
    by_id = {hit.item_id: hit for hit in hits}
    for item_id, own, item in zip(ids, parts, packed.items, strict=True):
        assert own.tolist() == list(by_id[item_id].parts)
        assert indexer_pb2.Item.FromString(item) == by_id[item_id].item
    assert packed.vectors == b"".join(hit.vector for hit in hits)


def test_no_hits_are_packed_as_none(shop: Service) -> None:
    nothing = common_pb2.Filter(
        must=[common_pb2.Condition(field="id", keyword=common_pb2.KeywordTest(any_of=["nowhere"]))]
    )
    request = search(1, limit=3, union=True, include_parts=True, packed=True, filter=nothing)
    assert shop.stub.Search(request).packed == indexer_pb2.PackedHits()


def many(*searches: indexer_pb2.SearchRequest, **fields: Any) -> indexer_pb2.SearchManyRequest:
    return indexer_pb2.SearchManyRequest(searches=[indexer_pb2.DatedSearch(search=one, **fields) for one in searches])


def shown(response: indexer_pb2.SearchResponse) -> indexer_pb2.SearchResponse:
    """Without what it cost."""
    copy = indexer_pb2.SearchResponse()
    copy.CopyFrom(response)
    copy.ClearField("costs")
    return copy


def test_many_searches_are_answered_as_each_would_be_alone(shop: Service) -> None:
    asked = [
        search(1, include_parts=True),
        search(2, 3, limit=3, union=True, include_vectors=True),
        search(4, max_per_category=1, include_items=True),
        search(5, exclude_item_ids=["i05"], filter=common_pb2.Filter(), limit=1),
    ]
    results = shop.stub.SearchMany(many(*asked)).results
    assert [result.WhichOneof("result") for result in results] == ["response"] * 4
    assert [shown(result.response) for result in results] == [shown(shop.stub.Search(one)) for one in asked]
    assert [cost.stage for cost in results[0].response.costs] == ["wait", "search", "score"]


def test_a_bad_search_fails_alone_with_the_details_that_search_gives(shop: Service) -> None:
    bad = [search(1, limit=-1), search(1, accuracy=77), search(1, space=OTHER_SPACE.name), indexer_pb2.SearchRequest()]
    results = shop.stub.SearchMany(many(*bad, search(1))).results
    errors = [error_of(result.error) for result in results[:4]]
    kinds: list[type[VisrecError]] = [InvalidInput, InvalidInput, SpaceMismatch, InvalidInput]
    assert [type(error) for error in errors] == kinds
    for error, asked in zip(errors, bad, strict=True):
        _, alone = refusal(lambda asked=asked: shop.stub.Search(asked))  # type: ignore[misc] # the one of this turn
        assert (error.message, error.reason, error.metadata) == (alone.message, alone.reason, alone.metadata)
    assert results[4].response.hits[0].item_id == "i01"


def test_a_search_that_never_ends_costs_its_own_deadline_and_no_more(shop: Service) -> None:
    request = many(search(1, min_version=NEVER), timeout_ms=50)
    request.searches.add(search=search(1))
    late, good = shop.stub.SearchMany(request, timeout=20).results
    assert late.error.code == grpc.StatusCode.DEADLINE_EXCEEDED.value[0]
    assert good.response.hits


@pytest.mark.parametrize("count", [0, 65])
def test_a_call_of_none_or_too_many_searches_is_refused(shop: Service, count: int) -> None:
    code, error = refusal(lambda: shop.stub.SearchMany(many(*[search(1)] * count)))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert isinstance(error, InvalidInput)
    assert error.field == "searches"


def test_facets_count_the_items_that_pass(shop: Service) -> None:
    few = common_pb2.Filter(must=[common_pb2.Condition(field="attributes.vegan", boolean=True)])
    request = indexer_pb2.GetFacetsRequest(
        catalogue="shop", fields=["category", "attributes.vegan"], filter=few, limit=2
    )
    answer = shop.stub.GetFacets(request)
    category, vegan = answer.facets
    assert [(value.value, value.count) for value in category.values] == [("a", 2), ("b", 1)]
    assert (category.field, category.distinct_values) == ("category", 3)
    assert [(value.value, value.count) for value in vegan.values] == [("true", 4)]
    assert answer.version == shop.stub.Search(search(1)).version


def test_facets_of_what_is_not_counted_are_refused(shop: Service) -> None:
    request = indexer_pb2.GetFacetsRequest(catalogue="shop", fields=["price"])
    code, error = refusal(lambda: shop.stub.GetFacets(request))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert isinstance(error, InvalidInput)
    assert error.field == "fields[0]"


def test_facets_wait_for_a_version(shop: Service) -> None:
    request = indexer_pb2.GetFacetsRequest(catalogue="shop", fields=["category"], min_version=NEVER)
    code, _ = refusal(lambda: shop.stub.GetFacets(request, timeout=0.2))
    assert code is grpc.StatusCode.DEADLINE_EXCEEDED
