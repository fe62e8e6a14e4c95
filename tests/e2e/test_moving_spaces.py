"""An alias moves while people ask: nobody's answer fails or lacks something, though the ranker remembers spaces for
some seconds, or since it was last asked."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event

import numpy as np
import pytest

from tests.e2e.conftest import CALL_S, Stubs
from tests.e2e.likers import join
from tests.e2e.pictures import picture
from tests.e2e.together import PEOPLE, open_shop
from visrec.v1 import common_pb2, embedder_pb2, indexer_pb2, ranker_pb2

PHOTOS = [
    picture(pattern, hue, seed) for pattern in ("checks", "rings") for hue in ("red", "blue") for seed in range(3)
]
KNOWN = {"NO_SPACE", "NO_VECTOR", "NO_SEGMENT", "ZERO_WEIGHT", "NO_TIMES", "NO_EVENTS"}
"""Why something is left out that has nothing to do with spaces that move."""

Asked = ranker_pb2.RecommendRequest


@dataclass(frozen=True)
class Town:
    """A catalogue with photos of items in several visual spaces; somebody known likes a few of them."""

    stubs: Stubs
    catalogue: str

    def add_space(self, seed: int) -> str:
        """Of a head by chance, with the vectors of all items."""
        model = self.stubs.embedder.GetModel(embedder_pb2.GetModelRequest(), timeout=CALL_S).model
        matrix = np.random.default_rng(seed).normal(size=(16, model.raw_dimension)).astype("<f4")
        block = common_pb2.Block(name="content", dimension=16, default_weight=1.0)
        head = embedder_pb2.Head(family="visual", blocks=[embedder_pb2.HeadBlock(block=block, matrix=matrix.tobytes())])
        space = self.stubs.embedder.PutHead(embedder_pb2.PutHeadRequest(head=head), timeout=CALL_S).space
        self.stubs.indexer.CreateSpace(
            indexer_pb2.CreateSpaceRequest(catalogue=self.catalogue, space=space), timeout=CALL_S
        )
        items = [
            indexer_pb2.ItemVectors(item_id=f"item-{at}", vectors=[self.embedded(photo, space.name)])
            for at, photo in enumerate(PHOTOS)
        ]
        request = indexer_pb2.PutVectorsRequest(catalogue=self.catalogue, items=items)
        answer = self.stubs.indexer.PutVectors(request, timeout=CALL_S)
        assert [result.status.code for result in answer.results] == [0] * len(items)
        return space.name

    def embedded(self, photo: bytes, space: str = "") -> common_pb2.Vector:
        request = embedder_pb2.EmbedImageRequest(photo=common_pb2.Photo(data=photo), space=space)
        return self.stubs.embedder.EmbedImage(request, timeout=CALL_S).vector

    def move(self, space: str) -> None:
        request = indexer_pb2.SetAliasRequest(catalogue=self.catalogue, alias="visual", space=space)
        self.stubs.indexer.SetAlias(request, timeout=CALL_S)

    def remove(self, space: str) -> None:
        request = indexer_pb2.DeleteSpaceRequest(catalogue=self.catalogue, space=space)
        self.stubs.indexer.DeleteSpace(request, timeout=CALL_S)
        self.stubs.embedder.DeleteHead(embedder_pb2.DeleteHeadRequest(space=space), timeout=CALL_S)

    def join(self, person: str) -> None:
        join(self.stubs, self.catalogue, person, [f"item-{at}" for at in range(3)])

    def ask(self, asked: Asked) -> ranker_pb2.RecommendResponse:
        """An answer that lacks nothing for the sake of spaces."""
        request = ranker_pb2.RecommendRequest(catalogue=self.catalogue, n=3)
        request.MergeFrom(asked)
        answer = self.stubs.ranker.Recommend(request, timeout=CALL_S)
        assert {each.reason for each in answer.dropped} <= KNOWN, answer.dropped
        assert len(answer.recommendations) == 3
        return answer


@pytest.fixture
def town(visrec: Stubs) -> Iterator[Town]:
    town = Town(visrec, "moving")
    visrec.indexer.CreateCatalogue(indexer_pb2.CreateCatalogueRequest(catalogue=town.catalogue), timeout=CALL_S)
    items = [
        indexer_pb2.IngestItem(item=indexer_pb2.Item(id=f"item-{at}"), vectors=[town.embedded(photo)])
        for at, photo in enumerate(PHOTOS)
    ]
    request = indexer_pb2.IngestItemsRequest(catalogue=town.catalogue, items=items)
    answer = visrec.indexer.IngestItems(request, timeout=CALL_S)
    assert [result.status.code for result in answer.results] == [0] * len(items)
    yield town
    visrec.indexer.DeleteCatalogue(indexer_pb2.DeleteCatalogueRequest(catalogue=town.catalogue), timeout=CALL_S)


def test_nobody_notices_that_the_visual_alias_moves(town: Town) -> None:
    town.join("moving-known")
    spaces = [town.add_space(seed) for seed in range(3)]
    ended = Event()

    def always() -> int:
        asked = 0
        while not ended.is_set() or not asked:
            town.ask(Asked(photo=common_pb2.Photo(data=PHOTOS[0]), user_id="moving-known"))
            town.ask(Asked(user_id="moving-known"))
            asked += 1
        return asked

    with ThreadPoolExecutor(2) as pool:
        callers = [pool.submit(always) for _ in range(2)]
        try:
            for turn in range(4):
                for space in spaces:
                    town.move(space)
                    answer = town.ask(Asked(photo_vector=town.embedded(PHOTOS[1], space), user_id="moving-known"))
                    assert answer.provenance.space == space, "who names the present space is answered in it"
                    town.join(f"moving-{turn}-{space[-8:]}")
                    town.ask(Asked(user_id=f"moving-{turn}-{space[-8:]}"))
        finally:
            ended.set()
        assert all(caller.result() for caller in callers)


def test_who_asks_again_after_long_is_answered_though_the_space_of_then_is_gone(town: Town) -> None:
    first, second = town.add_space(1), town.add_space(2)
    town.move(first)
    assert town.ask(Asked(photo_vector=town.embedded(PHOTOS[0], first))).provenance.space == first
    town.move(second)
    town.remove(first)
    assert town.ask(Asked(photo=common_pb2.Photo(data=PHOTOS[0]))).provenance.space == second


def test_nobody_notices_that_the_collaborative_alias_moves(visrec: Stubs) -> None:
    with open_shop(visrec, "together-moving") as shop:
        for number in range(PEOPLE):
            shop.join(f"together-{number}", number % 3, seed=number)
        shop.run()
        shop.liked_together("together-0")
        ended = Event()

        def always() -> int:
            asked = 0
            while not ended.is_set() or not asked:
                request = ranker_pb2.RecommendRequest(
                    catalogue=shop.catalogue,
                    user_id=f"together-{asked % PEOPLE}",
                    n=3,
                    signal_weights={"collaborative": 1.0},
                )
                answer = visrec.ranker.Recommend(request, timeout=CALL_S)
                assert "collaborative" not in {each.signal for each in answer.dropped}, answer.dropped
                assert len(answer.recommendations) == 3
                asked += 1
            return asked

        with ThreadPoolExecutor(1) as pool:
            caller = pool.submit(always)
            try:
                for number in range(4):
                    shop.join(f"together-{number}", 2, seed=100 + number, likes=3 + number)
                    code, told = shop.run()
                    assert code == 0, told
            finally:
                ended.set()
            assert caller.result()
