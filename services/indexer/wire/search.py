"""Searches and facets between the contract and the use cases, in both directions."""

from __future__ import annotations

from collections.abc import Sequence

from services.errors import InvalidInput, VisrecError
from services.indexer.filters import NO_FILTER, Filter
from services.indexer.index.port import Accuracy
from services.indexer.searching.facets import DEFAULT_VALUES, Facet, FacetsRequest
from services.indexer.searching.many import Ask, Outcome
from services.indexer.searching.request import DEFAULT_LIMIT, NO_CAPS, Caps, Query, SearchRequest
from services.indexer.searching.search import Answered, Hits
from services.indexer.wire.requests import decode_filter
from services.runtime.faults import status_of
from visrec.v1 import indexer_pb2

_ACCURACIES = {
    indexer_pb2.ACCURACY_UNSPECIFIED: Accuracy.BALANCED,
    indexer_pb2.ACCURACY_FAST: Accuracy.FAST,
    indexer_pb2.ACCURACY_BALANCED: Accuracy.BALANCED,
    indexer_pb2.ACCURACY_EXACT: Accuracy.EXACT,
}


def decode_search(message: indexer_pb2.SearchRequest) -> SearchRequest:
    """Raises InvalidInput for an unknown accuracy; `SearchRequest.check` looks at the rest."""
    accuracy = _ACCURACIES.get(message.accuracy)
    if accuracy is None:
        raise InvalidInput("accuracy", "is not one of the known values")
    return SearchRequest(
        queries=[_query(query) for query in message.queries],
        filter=_filter(message),
        exclude=list(message.exclude_item_ids),
        limit=message.limit or DEFAULT_LIMIT,
        union=message.union,
        also_score=list(message.also_score_item_ids),
        score_only=message.score_only,
        accuracy=accuracy,
        caps=_caps(message),
        # In a pack of everything no order is promised, unless it says of which hits the vectors are.
        ordered=not (message.packed and not (message.include_vectors and message.vectors_of_top)),
    )


def decode_many(message: indexer_pb2.SearchManyRequest) -> list[Ask | VisrecError]:
    """A search that cannot be decoded is the error that says why."""
    return [_ask(dated) for dated in message.searches]


def encode_answer(answered: Answered, wanted: indexer_pb2.SearchRequest) -> indexer_pb2.SearchResponse:
    """`wanted`: the request, for what to include."""
    found, view = answered.found, answered.view
    response = indexer_pb2.SearchResponse(
        space=view.space.name, version=view.version.encode(), rows_eligible=found.eligible
    )
    if not wanted.packed:
        _add_hits(response, found.hits)
    costs = response.costs
    costs.add(stage="wait", ms=answered.wait_ms)
    costs.add(stage="search", ms=found.search_ms)
    costs.add(stage="score", ms=found.score_ms)
    if wanted.include_parts:
        response.part_queries.extend([query.name for query in wanted.queries])
        response.part_blocks.extend([block.name for block in view.space.blocks])
    if wanted.packed:
        _pack(response.packed, answered, wanted)
        return response
    if wanted.include_parts:
        _add_parts(response, found.hits)
    if wanted.include_vectors:
        _add_vectors(response, found.hits, wanted.vectors_of_top)
    if wanted.include_items:
        for hit, first in zip(response.hits, found.hits.firsts, strict=True):
            hit.item.MergeFromString(view.packed(first))
    return response


def encode_many(outcomes: Sequence[Outcome], wanted: indexer_pb2.SearchManyRequest) -> indexer_pb2.SearchManyResponse:
    """`wanted`: the request, for what to include."""
    results = [
        indexer_pb2.SearchResult(error=status_of(outcome))
        if isinstance(outcome, VisrecError)
        else indexer_pb2.SearchResult(response=encode_answer(outcome, dated.search))
        for outcome, dated in zip(outcomes, wanted.searches, strict=True)
    ]
    return indexer_pb2.SearchManyResponse(results=results)


def decode_facets(message: indexer_pb2.GetFacetsRequest) -> FacetsRequest:
    """`FacetsRequest.check` looks at the bounds."""
    return FacetsRequest(list(message.fields), decode_filter(message.filter), message.limit or DEFAULT_VALUES)


def encode_facets(facets: Sequence[Facet], version: str) -> indexer_pb2.GetFacetsResponse:
    """`version`: of the index that was counted."""
    messages = [
        indexer_pb2.Facet(
            field=facet.field,
            values=[indexer_pb2.FacetValue(value=value, count=count) for value, count in facet.counts],
            distinct_values=facet.distinct,
        )
        for facet in facets
    ]
    return indexer_pb2.GetFacetsResponse(facets=messages, version=version)


def _ask(dated: indexer_pb2.DatedSearch) -> Ask | VisrecError:
    message = dated.search
    try:
        request = decode_search(message)
    except InvalidInput as problem:
        return problem
    timeout_s = dated.timeout_ms / 1e3 if dated.timeout_ms else None
    return Ask(message.catalogue, message.space, request, message.min_version, timeout_s)


def _query(message: indexer_pb2.Query) -> Query:
    target = message.WhichOneof("target")
    vector = message.vector if target == "vector" else None
    return Query(
        message.name,
        vector.space if vector is not None else "",
        vector.data if vector is not None else None,
        message.item_id if target == "item_id" else None,
        message.weight or 1.0,
        dict(message.block_weights) if message.block_weights else {},
    )


def _filter(message: indexer_pb2.SearchRequest) -> Filter:
    return decode_filter(message.filter) if message.HasField("filter") else NO_FILTER


def _caps(message: indexer_pb2.SearchRequest) -> Caps:
    group, category, above = message.max_per_group, message.max_per_category, message.collapse_above
    return Caps(group, category, above) if group or category or above else NO_CAPS


def _add_hits(response: indexer_pb2.SearchResponse, hits: Hits) -> None:
    add = response.hits.add
    for item_id, score, found_by in zip(hits.ids, hits.scores, hits.found_by, strict=True):
        add(item_id=item_id, score=score, found_by=found_by)


def _pack(packed: indexer_pb2.PackedHits, answered: Answered, wanted: indexer_pb2.SearchRequest) -> None:
    hits, view = answered.found.hits, answered.view
    packed.count = len(hits.ids)
    packed.item_ids = "\n".join(hits.ids)
    if not hits.ids:
        return
    if wanted.include_parts:
        packed.parts = hits.parts.astype("<f4").tobytes()
    if wanted.include_vectors:
        packed.vectors = hits.vectors(wanted.vectors_of_top or len(hits.ids)).astype("<f2").tobytes()
    if wanted.include_items:
        packed.items.extend([view.packed(first) for first in hits.firsts])


def _add_parts(response: indexer_pb2.SearchResponse, hits: Hits) -> None:
    flat = hits.parts.reshape(len(hits.ids), -1).tolist() if hits.ids else []
    for hit, parts in zip(response.hits, flat, strict=True):
        hit.parts.extend(parts)


def _add_vectors(response: indexer_pb2.SearchResponse, hits: Hits, top: int) -> None:
    vectors = hits.vectors(top or len(hits.ids)).astype("<f2")
    for hit, vector in zip(response.hits, vectors, strict=False):
        hit.vector = vector.tobytes()
