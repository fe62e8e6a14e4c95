"""The contract of the ranker to its use case and back; nothing is decided here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias, cast

import grpc.aio

from services.errors import NotImplementedYet
from services.ranker import scenes
from services.ranker.answer import DEFAULT_N, Answer, Ask, Recommended, Seed
from services.ranker.fusion import Part
from services.ranker.metrics import RankerMetrics
from services.ranker.ports import Embedding
from services.ranker.recommend import Recommender
from services.runtime import deadlines
from visrec.v1 import common_pb2, indexer_pb2, ranker_pb2, ranker_pb2_grpc

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class RankerServicer(ranker_pb2_grpc.RankerServiceServicer):
    """`default_budget_s`: for a call without any deadline."""

    def __init__(self, recommender: Recommender, metrics: RankerMetrics, default_budget_s: float) -> None:
        self._recommender = recommender
        self._metrics = metrics
        self._default_budget_s = default_budget_s

    async def Recommend(self, request: ranker_pb2.RecommendRequest, context: Context) -> ranker_pb2.RecommendResponse:
        left = deadlines.remaining_s()
        answer = await self._recommender.recommend(_ask(request), self._default_budget_s if left is None else left)
        self._metrics.answered(answer)
        return _response(answer)

    async def GetScenes(self, request: ranker_pb2.GetScenesRequest, context: Context) -> ranker_pb2.GetScenesResponse:
        return ranker_pb2.GetScenesResponse(
            scenes=[
                ranker_pb2.Scene(
                    name=scene.name,
                    description=scene.description,
                    signal_weights=scene.signals,
                    block_weights=scene.blocks,
                )
                for scene in sorted(scenes.SCENES.values(), key=lambda scene: scene.name)
            ],
            weights_version=scenes.WEIGHTS_VERSION,
        )

    async def NextPage(self, request: ranker_pb2.NextPageRequest, context: Context) -> ranker_pb2.NextPageResponse:
        raise NotImplementedYet("NextPage")

    async def GetRecommendation(
        self, request: ranker_pb2.GetRecommendationRequest, context: Context
    ) -> ranker_pb2.GetRecommendationResponse:
        raise NotImplementedYet("GetRecommendation")

    async def Explain(self, request: ranker_pb2.ExplainRequest, context: Context) -> ranker_pb2.ExplainResponse:
        raise NotImplementedYet("Explain")

    async def PutSignalWeights(
        self, request: ranker_pb2.PutSignalWeightsRequest, context: Context
    ) -> ranker_pb2.PutSignalWeightsResponse:
        raise NotImplementedYet("PutSignalWeights")


def _ask(request: ranker_pb2.RecommendRequest) -> Ask:
    if request.session_events:
        raise NotImplementedYet("RecommendRequest.session_events")
    if request.remember_photo:
        raise NotImplementedYet("RecommendRequest.remember_photo")
    vector = request.photo_vector
    return Ask(
        catalogue=request.catalogue,
        n=request.n or DEFAULT_N,
        user_id=request.user_id,
        photo=request.photo if request.HasField("photo") else None,
        photo_embedding=Embedding(vector.space, vector.data) if request.HasField("photo_vector") else None,
        seeds=[Seed(seed.item_id, seed.weight or 1.0) for seed in request.seeds],
        filter=request.filter if request.HasField("filter") else None,
        domains=list(request.target_domains),
        scene=request.scene,
        signal_weights=dict(request.signal_weights),
        block_weights=dict(request.block_weights),
        diversity=request.diversity,
        explain=request.explain,
        include_seen=request.include_seen,
        exclude=list(request.exclude_item_ids),
        min_version=request.min_version,
    )


def _response(answer: Answer) -> ranker_pb2.RecommendResponse:
    return ranker_pb2.RecommendResponse(
        recommendations=[_recommendation(item, rank) for rank, item in enumerate(answer.recommended, start=1)],
        used=[ranker_pb2.UsedSignal(signal=signal, weight=weight) for signal, weight in answer.used.items()],
        dropped=[
            ranker_pb2.DroppedSignal(signal=dropped.signal, reason=dropped.reason, message=dropped.message)
            for dropped in answer.dropped
        ],
        scene=answer.scene,
        provenance=ranker_pb2.Provenance(
            space=answer.space,
            model_digest=answer.model_digest,
            index_version=answer.index_version,
            weights_version=scenes.WEIGHTS_VERSION,
        ),
        costs=[common_pb2.StageCost(stage=stage, ms=ms) for stage, ms in answer.costs.items()],
    )


def _recommendation(item: Recommended, rank: int) -> ranker_pb2.Recommendation:
    return ranker_pb2.Recommendation(
        item=cast("indexer_pb2.Item", item.item),
        rank=rank,
        score=item.score,
        parts=_parts(item.parts),
        reasons=[
            ranker_pb2.Reason(
                kind=ranker_pb2.ReasonKind.Value(f"REASON_KIND_{reason.kind}"),
                text=reason.text,
                item_id=reason.item_id,
                contribution=reason.contribution,
            )
            for reason in item.reasons
        ],
    )


def _parts(parts: Sequence[Part]) -> list[ranker_pb2.ScorePart]:
    return [
        ranker_pb2.ScorePart(
            signal=part.signal,
            query=part.query,
            block=part.block,
            weight=part.weight,
            value=part.value,
            contribution=part.contribution,
        )
        for part in parts
    ]
