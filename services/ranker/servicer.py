"""The contract of the ranker to its use cases and back; nothing is decided here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import grpc.aio

from services.errors import InvalidInput
from services.ranker.frozen.aftermath import Aftermath
from services.ranker.frozen.archive import Archive
from services.ranker.metrics import RankerMetrics
from services.ranker.reasons.explain import Explainer
from services.ranker.recommend import Recommender
from services.ranker.scenes.shelf import SceneShelf
from services.ranker.wire.answer import (
    decode_scene,
    encode_answer,
    encode_explanation,
    encode_recommendation,
    encode_scene,
    encode_shown,
    shown_ids,
)
from services.ranker.wire.ask import decode_ask
from services.runtime import deadlines
from visrec.v1 import ranker_pb2, ranker_pb2_grpc

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


@dataclass(frozen=True)
class UseCases:
    """What the ranker can do."""

    recommender: Recommender
    aftermath: Aftermath
    archive: Archive
    explainer: Explainer
    shelf: SceneShelf


class RankerServicer(ranker_pb2_grpc.RankerServiceServicer):
    """`default_budget_s`: for a call without any deadline. `now`: seconds since 1970."""

    def __init__(
        self, cases: UseCases, metrics: RankerMetrics, default_budget_s: float, now: Callable[[], float]
    ) -> None:
        self._cases = cases
        self._metrics = metrics
        self._default_budget_s = default_budget_s
        self._now = now

    async def Recommend(self, request: ranker_pb2.RecommendRequest, context: Context) -> ranker_pb2.RecommendResponse:
        ask = decode_ask(request, self._now())
        answer = await self._cases.recommender.recommend(ask, self._budget_s())
        dropped = answer.dropped
        if ask.record_impressions or ask.remember_photo:
            dropped = [*dropped, *self._cases.aftermath.follow(ask, answer, shown_ids(answer))]
        self._metrics.answered(dropped, answer.costs)
        return encode_answer(answer, dropped)

    async def NextPage(self, request: ranker_pb2.NextPageRequest, context: Context) -> ranker_pb2.NextPageResponse:
        shown = await self._cases.archive.next_page(
            request.page_token, request.n, request.language, explain=request.explain, budget_s=self._budget_s()
        )
        if request.record_impressions:
            shown = self._cases.aftermath.turned(shown)
        return ranker_pb2.NextPageResponse(page=encode_shown(shown))

    async def GetRecommendation(
        self, request: ranker_pb2.GetRecommendationRequest, context: Context
    ) -> ranker_pb2.GetRecommendationResponse:
        shown = await self._cases.archive.recommendation(request.recommendation_id, request.language, self._budget_s())
        return encode_recommendation(shown)

    async def Explain(self, request: ranker_pb2.ExplainRequest, context: Context) -> ranker_pb2.ExplainResponse:
        photo = request.photo if request.HasField("photo") else None
        if request.include_evidence_map and photo is None:
            raise InvalidInput("photo", "the map needs the photo of the answer once more: it was not kept")
        explanation = await self._cases.explainer.explain(
            request.recommendation_id,
            request.item_id,
            photo if request.include_evidence_map else None,
            request.language,
            self._budget_s(),
        )
        return encode_explanation(explanation)

    async def GetScenes(self, request: ranker_pb2.GetScenesRequest, context: Context) -> ranker_pb2.GetScenesResponse:
        book = self._cases.shelf.book
        scenes = [encode_scene(book.scenes[name]) for name in sorted(book.scenes)]
        return ranker_pb2.GetScenesResponse(scenes=scenes, weights_version=book.version)

    async def PutSignalWeights(
        self, request: ranker_pb2.PutSignalWeightsRequest, context: Context
    ) -> ranker_pb2.PutSignalWeightsResponse:
        scene = decode_scene(request.scene)
        version = await self._cases.shelf.put(scene, remove=request.remove, if_version=request.if_version)
        return ranker_pb2.PutSignalWeightsResponse(weights_version=version)

    def _budget_s(self) -> float:
        left = deadlines.remaining_s()
        return self._default_budget_s if left is None else left
