"""What the embedder adds to a search, through real processes: a head that is given, and what an item has of a photo."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from tests.e2e.conftest import CALL_S, Stubs
from tests.e2e.pictures import COLOURS, PATTERNS, picture
from visrec.v1 import common_pb2, embedder_pb2, indexer_pb2, ranker_pb2


@pytest.fixture(scope="module")
def space(visrec: Stubs) -> common_pb2.Space:
    """That of a head: the first 96 raw features, turned around, beside the network's own style."""
    model = visrec.embedder.GetModel(embedder_pb2.GetModelRequest(), timeout=CALL_S).model
    style = next(block for block in model.spaces[0].blocks if block.name == "style")
    matrix = np.eye(model.raw_dimension, dtype="<f4")[95::-1]
    blocks = [
        embedder_pb2.HeadBlock(
            block=common_pb2.Block(name="turned", dimension=96, default_weight=1), matrix=matrix.tobytes()
        ),
        embedder_pb2.HeadBlock(block=common_pb2.Block(name="style", dimension=style.dimension), builtin=True),
    ]
    head = embedder_pb2.Head(family="turned", description="for a test", blocks=blocks)
    return visrec.embedder.PutHead(embedder_pb2.PutHeadRequest(head=head), timeout=CALL_S).space


@pytest.fixture(scope="module")
def catalogue(visrec: Stubs, space: common_pb2.Space) -> Iterator[str]:
    """Patterns in the space of the head, and in the default one."""
    for name, of in (("turned", space), ("plain", None)):
        visrec.indexer.CreateCatalogue(indexer_pb2.CreateCatalogueRequest(catalogue=name, space=of), timeout=CALL_S)
        items = [
            indexer_pb2.IngestItem(
                item=indexer_pb2.Item(id=f"{pattern}-{colour}", category=pattern),
                photos=[common_pb2.Photo(data=picture(pattern, colour, 0))],
            )
            for pattern in PATTERNS
            for colour in COLOURS
        ]
        answer = visrec.indexer.IngestItems(indexer_pb2.IngestItemsRequest(catalogue=name, items=items), timeout=CALL_S)
        assert [result.status.code for result in answer.results] == [0] * len(items)
        visrec.indexer.Search(
            indexer_pb2.SearchRequest(
                catalogue=name,
                queries=[indexer_pb2.Query(name="any", item_id=items[0].item.id)],
                min_version=answer.version,
            ),
            timeout=CALL_S,
        )
    yield "turned"
    for name in ("turned", "plain"):
        visrec.indexer.DeleteCatalogue(indexer_pb2.DeleteCatalogueRequest(catalogue=name), timeout=CALL_S)


def test_photos_are_ingested_searched_and_recommended_in_the_space_of_a_head(
    visrec: Stubs, space: common_pb2.Space, catalogue: str
) -> None:
    photo = common_pb2.Photo(data=picture("rings", "red", 0))
    request = embedder_pb2.EmbedImageRequest(photo=photo, space=space.name)
    vector = visrec.embedder.EmbedImage(request, timeout=CALL_S).vector
    assert vector.space == space.name
    search = indexer_pb2.SearchRequest(
        catalogue=catalogue, queries=[indexer_pb2.Query(name="photo", vector=vector)], limit=1
    )
    assert visrec.indexer.Search(search, timeout=CALL_S).hits[0].item_id == "rings-red"
    ask = ranker_pb2.RecommendRequest(catalogue=catalogue, photo=photo, n=3)
    answer = visrec.ranker.Recommend(ask, timeout=CALL_S)
    assert answer.recommendations[0].item.id == "rings-red"


def test_evidence_sums_to_the_content_part_of_every_item(visrec: Stubs, catalogue: str) -> None:
    """To 1e-5, on the float16 vectors that the indexer keeps and the parts that it computes."""
    request = embedder_pb2.EmbedImageRequest(
        photo=common_pb2.Photo(data=picture("checks", "blue", 1)), include_evidence=True
    )
    embedded = visrec.embedder.EmbedImage(request, timeout=CALL_S)
    split = embedded.evidence
    regions = np.frombuffer(split.regions, "<f4").reshape(split.rows * split.columns, -1).astype(np.float64)
    offset = np.frombuffer(split.offset, "<f4").astype(np.float64)
    assert (split.block, split.rows, split.columns) == ("content", 7, 7)
    search = indexer_pb2.SearchRequest(
        catalogue="plain",
        queries=[indexer_pb2.Query(name="photo", vector=embedded.vector, block_weights={"content": 1.0})],
        limit=50,
        include_parts=True,
        include_vectors=True,
    )
    hits = visrec.indexer.Search(search, timeout=CALL_S).hits
    assert len(hits) == len(PATTERNS) * len(COLOURS)
    for hit in hits:
        item = np.frombuffer(hit.vector, "<f2")[: regions.shape[1]].astype(np.float64)
        assert abs((regions @ item).sum() + offset @ item - hit.score) < 1e-5
