from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from rich.console import Console, RenderableType

from tests.client.fakes.fleet import Fleet
from visrec import people_tables, tables
from visrec.client import Client
from visrec.commands.session import Session
from visrec.v1 import indexer_pb2, profile_pb2, ranker_pb2

ID = "furniture/arm chairs/" + "x" * 50 + ".jpg"
ITEM = indexer_pb2.Item(id=ID, title="A chair of many words " * 5, category="arm chairs of all kinds")


def recommended(*parts: ranker_pb2.ScorePart) -> RenderableType:
    each = ranker_pb2.Recommendation(item=ITEM, rank=1, parts=parts)
    return tables.recommendations(ranker_pb2.RecommendResponse(recommendations=[each]))


def all_tables() -> Iterator[RenderableType]:
    yield tables.items([ITEM])
    hit = indexer_pb2.Hit(item=ITEM, parts=[0.1, 0.2])
    yield tables.hits(indexer_pb2.SearchResponse(part_blocks=["content", "colour"], hits=[hit]))
    yield recommended()
    yield recommended(ranker_pb2.ScorePart(signal="photo", block="content", contribution=0.5))
    liked = profile_pb2.GetPopularItemsResponse(items=[profile_pb2.PopularItem(item_id=ID)])
    yield tables.popular(liked, {ID: ITEM})
    sources = [profile_pb2.InterestSource(item_id=name) for name in (ID, "b")]
    yield people_tables.taste(profile_pb2.Taste(interests=[profile_pb2.Interest(sources=sources)]))


@pytest.mark.parametrize("table", list(all_tables()))
def test_an_id_is_never_broken_over_lines(table: RenderableType, client: Client, services: Fleet) -> None:
    """It could not be copied otherwise."""
    output = io.StringIO()
    console = Console(file=output, width=80)
    Session(client, console, console).show(ITEM, False, table)
    assert ID in output.getvalue()


@pytest.mark.parametrize("letters", [8, 24, 40, 70])
def test_an_explained_answer_fits_a_terminal(letters: int) -> None:
    part = ranker_pb2.ScorePart(signal="taste", query="interest-2", block="content", contribution=0.5)
    reason = ranker_pb2.Reason(text="Close to “Grey Fabric Sofa”, which you liked")
    item = indexer_pb2.Item(id="x" * letters, title="Pale sofa", category="sofas", price=1299.0, currency="EUR")
    each = ranker_pb2.Recommendation(item=item, rank=100, score=-0.412, parts=[part], reasons=[reason])
    output = io.StringIO()
    table = tables.recommendations(ranker_pb2.RecommendResponse(recommendations=[each]))
    Console(file=output, width=80).print(table, crop=False)
    assert max(map(len, output.getvalue().splitlines())) <= 80
    for word in (item.id, "-0.412", "+0.500", "1,299.00", "liked"):
        assert word in output.getvalue()


def test_a_long_id_leaves_room_for_the_rest() -> None:
    output = io.StringIO()
    Console(file=output, width=80).print(recommended(), crop=False)
    assert {"title", "id", "category", "score"} <= set(output.getvalue().split())


def test_how_far_an_answer_stands_out_is_told_where_it_is_known() -> None:
    answer = ranker_pb2.RecommendResponse(scene="balanced")
    assert "stands out" not in tables.basis(answer)
    answer.confidence = 0.0
    assert "0.00 of 1" in tables.basis(answer)


def test_whoever_takes_part_in_an_experiment_is_told_of_it() -> None:
    answer = ranker_pb2.RecommendResponse(scene="shop", experiment="spring", variant="changed")
    assert "(scene shop; changed in the experiment spring)" in tables.basis(answer)
