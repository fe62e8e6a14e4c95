"""A shop of six kinds of things, whose photos differ by what tells kinds apart and by more."""

from __future__ import annotations

import numpy as np

from tests.e2e.conftest import CALL_S, Stubs
from tests.e2e.likers import join
from visrec.v1 import common_pb2, embedder_pb2, indexer_pb2

KINDS = ("lamp", "chair", "vase", "rug", "bed", "desk")
ITEMS = 360
PEOPLE = 120


def fill(shop: Stubs, catalogue: str) -> list[str]:
    """Items with raw features, in the default space, and their ids. The kind of each is its category."""
    chance = np.random.default_rng(len(catalogue))
    model = shop.embedder.GetModel(embedder_pb2.GetModelRequest(), timeout=CALL_S).model
    shop.indexer.CreateCatalogue(indexer_pb2.CreateCatalogueRequest(catalogue=catalogue), timeout=CALL_S)
    tiles = model.raw_dimension // 3
    grey, tint = chance.normal(0, 0.3, (ITEMS, tiles, 1)), chance.normal(0, 0.06, (ITEMS, tiles, 3))
    of_kind = chance.normal(0, 0.1, (len(KINDS), tiles, 3))
    colours = of_kind[np.arange(ITEMS) % len(KINDS)] + tint
    raw = (grey + colours - colours.mean(axis=2, keepdims=True)).reshape(ITEMS, -1).astype("<f2")
    dimension = sum(block.dimension for block in model.spaces[0].blocks)
    seen = chance.normal(size=(ITEMS, dimension)).astype("<f4")
    kept = [
        embedder_pb2.KeptFeatures(
            raw_features=features.tobytes(), vector=common_pb2.Vector(space=model.spaces[0].name, data=row.tobytes())
        )
        for features, row in zip(raw, seen, strict=True)
    ]
    projected = shop.embedder.ProjectFeatures(embedder_pb2.ProjectFeaturesRequest(photos=kept), timeout=CALL_S)
    items = [
        indexer_pb2.IngestItem(
            item=indexer_pb2.Item(
                id=f"item-{at}", category=KINDS[at % len(KINDS)], domain=("rooms", "shop")[at // len(KINDS) % 2]
            ),
            vectors=[result.vector],
            raw_features=[features.tobytes()],
        )
        for at, (result, features) in enumerate(zip(projected.results, raw, strict=True))
    ]
    request = indexer_pb2.IngestItemsRequest(catalogue=catalogue, items=items)
    answer = shop.indexer.IngestItems(request, timeout=CALL_S)
    assert [result.status.code for result in answer.results] == [0] * ITEMS
    return [each.item.id for each in items]


def engage(shop: Stubs, catalogue: str) -> None:
    """Each person likes six items of two kinds."""
    chance = np.random.default_rng(2)
    for number in range(PEOPLE):
        kinds = chance.choice(len(KINDS), 2, replace=False)
        liked = [at for kind in kinds for at in chance.choice(np.arange(kind, ITEMS, len(KINDS)), 6, replace=False)]
        join(shop, catalogue, f"{catalogue}-{number}", [f"item-{at}" for at in liked])


def spaces(shop: Stubs, catalogue: str) -> dict[str, list[str]]:
    """Aliases by the names of spaces, the visual one first."""
    listed = shop.indexer.ListSpaces(indexer_pb2.ListSpacesRequest(catalogue=catalogue), timeout=CALL_S)
    return {state.space.name: list(state.aliases) for state in listed.spaces}
