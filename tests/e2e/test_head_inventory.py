"""Heads that are learned again and again: what is not searched any more goes, and nothing that the job has not made."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from jobs.head.placing import Placing
from jobs.pages import Patience
from tests.e2e.conftest import CALL_S, Stubs
from visrec.connection import Connection, Targets
from visrec.v1 import common_pb2, embedder_pb2, indexer_pb2

SHOP, OTHER = "heads-shop", "heads-other"


@pytest.fixture
def placing(visrec: Stubs) -> Iterator[Placing]:
    """In one of two catalogues."""
    for catalogue in (SHOP, OTHER):
        visrec.indexer.CreateCatalogue(indexer_pb2.CreateCatalogueRequest(catalogue=catalogue), timeout=CALL_S)
    targets = {f"VISREC_{name.upper()}_TARGET": visrec.fleet.target(name) for name in ("indexer", "embedder")}
    with Connection(Targets.from_environment(targets), CALL_S) as connection:
        yield Placing(connection, SHOP, Patience(0.0, lambda _: None, lambda: 0.0))
    for catalogue in (SHOP, OTHER):
        visrec.indexer.DeleteCatalogue(indexer_pb2.DeleteCatalogueRequest(catalogue=catalogue), timeout=CALL_S)
    for name in heads(visrec):
        visrec.embedder.DeleteHead(embedder_pb2.DeleteHeadRequest(space=name), timeout=CALL_S)


def a_head(placing: Placing, seed: int, catalogue: str = SHOP, told: str = "") -> embedder_pb2.Head:
    """As the job gives one, or as somebody does who tells something else."""
    matrix = np.random.default_rng(seed).normal(size=(4, placing.model().raw_dimension)).astype("<f4")
    block = common_pb2.Block(name="content", dimension=4, default_weight=1.0)
    return embedder_pb2.Head(
        family="visual",
        description=told or f"learned from category: 360 items of {catalogue}, 6 groups; precision@10 …",
        blocks=[embedder_pb2.HeadBlock(block=block, matrix=matrix.tobytes())],
    )


def heads(visrec: Stubs) -> list[str]:
    request = embedder_pb2.ListHeadsRequest(page_size=100)
    return [head.space.name for head in visrec.embedder.ListHeads(request, timeout=CALL_S).heads]


def spaces(visrec: Stubs, catalogue: str) -> set[str]:
    request = indexer_pb2.ListSpacesRequest(catalogue=catalogue)
    return {state.space.name for state in visrec.indexer.ListSpaces(request, timeout=CALL_S).spaces}


def test_however_often_it_is_learned_two_are_kept(visrec: Stubs, placing: Placing) -> None:
    (own,) = spaces(visrec, SHOP)
    before = own
    for seed in range(70):
        space = placing.give(a_head(placing, seed)).name
        assert placing.move(space) == before
        assert spaces(visrec, SHOP) == {own, before, space}
        assert set(heads(visrec)) == {before, space} - {own}
        before = space


def test_what_the_job_has_not_made_or_is_used_elsewhere_stays(visrec: Stubs, placing: Placing) -> None:
    by_hand = placing.give(a_head(placing, 1, told="by hand: 360 items of heads-shop, 6 groups")).name
    of_other = placing.give(a_head(placing, 2, OTHER)).name
    named = placing.give(a_head(placing, 3)).name
    request = indexer_pb2.SetAliasRequest(catalogue=SHOP, alias="kept", space=named)
    visrec.indexer.SetAlias(request, timeout=CALL_S)
    shared, left = placing.give(a_head(placing, 4)), placing.give(a_head(placing, 5)).name
    visrec.indexer.CreateSpace(indexer_pb2.CreateSpaceRequest(catalogue=OTHER, space=shared), timeout=CALL_S)
    now = placing.give(a_head(placing, 6)).name
    later = placing.give(a_head(placing, 7)).name

    before = placing.move(now)

    assert spaces(visrec, SHOP) == {before, by_hand, of_other, named, now, later}
    assert set(heads(visrec)) == {by_hand, of_other, named, shared.name, now, later}
    assert left not in heads(visrec)


def test_runs_that_were_killed_leave_room(visrec: Stubs, placing: Placing) -> None:
    """Each has put a space, and none has moved the alias."""
    (own,) = spaces(visrec, SHOP)
    *_, last = [placing.give(a_head(placing, seed)).name for seed in range(20)]
    assert {own, last} < spaces(visrec, SHOP)
    placing.remove(last)
    assert last not in spaces(visrec, SHOP)
    assert last not in heads(visrec)
