"""Answers of the use cases to responses of the contract."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from google.rpc.status_pb2 import Status

from services.indexer.definition import Definition
from services.indexer.item import Record
from services.indexer.library import Stats
from services.indexer.record.layout import Layout
from services.indexer.wire.items import encode_item, encode_time
from services.indexer.writing.ingest import Ingested
from services.indexer.writing.pieces import Failures
from services.runtime.faults import status_of
from services.runtime.wire import encode_space
from services.spaces import Space, encode
from visrec.v1 import common_pb2, indexer_pb2


def encode_catalogue(definition: Definition) -> indexer_pb2.Catalogue:
    """A catalogue."""
    return indexer_pb2.Catalogue(
        name=definition.name,
        space=encode_space(definition.space),
        partitions=definition.partitions,
        created=encode_time(definition.created_us),
        max_items=definition.max_items,
    )


def encode_ingested(item_ids: Sequence[str], ingested: Ingested) -> indexer_pb2.IngestItemsResponse:
    """`item_ids`: of the request."""
    return indexer_pb2.IngestItemsResponse(
        results=[_result(position, item_id, ingested.failures) for position, item_id in enumerate(item_ids)],
        version=ingested.version.encode(),
        written=len(item_ids) - len(ingested.failures),
    )


def encode_put(item_ids: Sequence[str], ingested: Ingested) -> indexer_pb2.PutVectorsResponse:
    """`item_ids`: of the request."""
    return indexer_pb2.PutVectorsResponse(
        results=[_result(position, item_id, ingested.failures) for position, item_id in enumerate(item_ids)],
        version=ingested.version.encode(),
    )


def encode_record(record: Record, space: Space, *, vectors: bool) -> indexer_pb2.StoredItem:
    """An item as the record has it, with its vectors if wanted, and the raw features that were read with it."""
    shown = record.vectors if vectors else ()
    raw = () if record.raw is None else record.raw.astype("<f2", copy=False)
    return indexer_pb2.StoredItem(
        item=encode_item(record.dated()),
        vectors=[common_pb2.Vector(space=space.name, data=encode(vector)) for vector in shown],
        raw_features=[row.tobytes() for row in raw],
    )


def encode_spaces(layout: Layout, items: Mapping[str, int]) -> indexer_pb2.ListSpacesResponse:
    """`items`: how many have a vector in each space."""
    states = [encode_space_state(layout, space, items.get(name, 0)) for name, space in layout.spaces().items()]
    return indexer_pb2.ListSpacesResponse(spaces=states, revision=layout.revision)


def encode_space_state(layout: Layout, space: Space, items: int) -> indexer_pb2.SpaceState:
    """One space of a layout."""
    return indexer_pb2.SpaceState(space=encode_space(space), items=items, aliases=layout.aliases_of(space.name))


def encode_stats(stats: Iterable[Stats], durability: str) -> indexer_pb2.GetStatsResponse:
    """Numbers of all the catalogues given."""
    return indexer_pb2.GetStatsResponse(catalogues=[_stats(one) for one in stats], durability=durability)


def _result(position: int, item_id: str, failures: Failures) -> indexer_pb2.ItemResult:
    failure = failures.get(position)
    return indexer_pb2.ItemResult(item_id=item_id, status=status_of(failure) if failure else Status())


def _stats(stats: Stats) -> indexer_pb2.CatalogueStats:
    size = stats.size
    return indexer_pb2.CatalogueStats(
        catalogue=stats.definition.name,
        items=size.items,
        rows=size.rows,
        fresh_rows=size.fresh,
        deleted_rows=size.deleted,
        items_by_domain=size.items_by_domain,
        version=stats.version.encode(),
        index_bytes=stats.memory,
        space=stats.space.name,
    )
