"""Moving the alias: what is away for a moment neither undoes it nor hides where it pointed before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
import pytest

from jobs.head.placing import Placing
from jobs.pages import Patience
from visrec.errors import VisrecCallError
from visrec.v1 import common_pb2, embedder_pb2, indexer_pb2

OLD, NEW = "visual@00000001", "visual@00000002"


class Stub:
    """Names of its methods instead of them."""

    def __getattr__(self, name: str) -> str:
        return name


class Shop:
    """A connection to services where `visual` may be moved. `lost`: answers to SetAlias that do not arrive;
    `embedder_is_away`: for good."""

    def __init__(self, lost: int = 0, *, embedder_is_away: bool = False) -> None:
        self.indexer = self.embedder = Stub()
        self.visual = OLD
        self.lost = lost
        self.embedder_is_away = embedder_is_away

    def call(self, method: str, request: Any) -> Any:
        answers: dict[str, Callable[[Any], Any]] = {
            "SetAlias": self.set_alias,
            "ListSpaces": self.list_spaces,
            "ListHeads": self.list_heads,
        }
        return answers[method](request)

    def set_alias(self, request: indexer_pb2.SetAliasRequest) -> indexer_pb2.SetAliasResponse:
        before, self.visual = self.visual, request.space
        if self.lost:
            self.lost -= 1
            raise VisrecCallError(grpc.StatusCode.UNAVAILABLE, "away")
        return indexer_pb2.SetAliasResponse(previous_space=before)

    def list_spaces(self, _: indexer_pb2.ListSpacesRequest) -> indexer_pb2.ListSpacesResponse:
        return indexer_pb2.ListSpacesResponse(
            spaces=[
                indexer_pb2.SpaceState(space=common_pb2.Space(name=name), aliases=["visual"] * (name == self.visual))
                for name in (OLD, NEW)
            ]
        )

    def list_heads(self, _: embedder_pb2.ListHeadsRequest) -> embedder_pb2.ListHeadsResponse:
        if self.embedder_is_away:
            raise VisrecCallError(grpc.StatusCode.UNAVAILABLE, "away")
        return embedder_pb2.ListHeadsResponse()


@pytest.mark.parametrize("shop", [Shop(), Shop(lost=2), Shop(embedder_is_away=True)])
def test_the_way_back_is_told_whatever_is_away_meanwhile(shop: Shop) -> None:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    placing = Placing(shop, "shop", Patience(60.0, sleep, lambda: now[0]))  # type: ignore[arg-type]
    assert placing.move(NEW) == OLD
    assert shop.visual == NEW
