"""A ranker that ranks nothing."""
# ruff: noqa: N802 (methods are named as in the contract)

from __future__ import annotations

from dataclasses import dataclass, field

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from tests.client.fakes.embedder import SPACE
from tests.client.fakes.indexer import FakeIndexer
from tests.client.fakes.refusing import not_found, refuse, status_of
from visrec.v1 import common_pb2, indexer_pb2, ranker_pb2, ranker_pb2_grpc


@dataclass
class FakeRanker(ranker_pb2_grpc.RankerServiceServicer):
    """Recommends the items of the fake indexer in the order of their ingest."""

    indexer: FakeIndexer
    requests: list[ranker_pb2.RecommendRequest] = field(default_factory=list)
    puts: list[ranker_pb2.PutSignalWeightsRequest] = field(default_factory=list)

    def Recommend(
        self, request: ranker_pb2.RecommendRequest, context: grpc.ServicerContext
    ) -> ranker_pb2.RecommendResponse:
        self.requests.append(request)
        if request.photo.data.startswith(b"bad"):
            refuse(
                context, status_of(grpc.StatusCode.INVALID_ARGUMENT, "no picture", "INVALID_PICTURE", at="photo.data")
            )
        kinds = {word for each in request.filter.must if each.field == "category" for word in each.keyword.any_of}
        every = self.indexer.items_of(request.catalogue, context).values()
        left = [each for each in every if each.id not in request.exclude_item_ids]
        items = [each for each in left if not kinds or each.category in kinds][: request.n or 10]
        return ranker_pb2.RecommendResponse(
            recommendations=[self._recommendation(at, item) for at, item in enumerate(items)],
            used=[ranker_pb2.UsedSignal(signal="photo", weight=1.0)],
            dropped=[ranker_pb2.DroppedSignal(signal="taste", reason="NO_HISTORY", message="nothing is known yet")],
            scene=request.scene or "balanced",
            provenance=ranker_pb2.Provenance(space=SPACE.name, index_version="v1"),
            costs=[common_pb2.StageCost(stage="search", ms=1.5)],
            recommendation_id=request.catalogue,
            next_page_token=f"{request.catalogue}:1",
        )

    def NextPage(
        self, request: ranker_pb2.NextPageRequest, context: grpc.ServicerContext
    ) -> ranker_pb2.NextPageResponse:
        """Each page has one item."""
        catalogue, colon, place = request.page_token.partition(":")
        if not colon:
            text = "page_token: is not one"
            refuse(context, status_of(grpc.StatusCode.INVALID_ARGUMENT, text, "BAD_PAGE_TOKEN", at="page_token"))
        page = self._kept(catalogue, int(place), int(place) + 1, context)
        return ranker_pb2.NextPageResponse(page=page)

    def GetRecommendation(
        self, request: ranker_pb2.GetRecommendationRequest, context: grpc.ServicerContext
    ) -> ranker_pb2.GetRecommendationResponse:
        shown = self._kept(request.recommendation_id, 0, 1, context)
        moment = Timestamp(seconds=1_800_000_000)
        return ranker_pb2.GetRecommendationResponse(shown=shown, time=moment, expire_time=moment)

    def Explain(self, request: ranker_pb2.ExplainRequest, context: grpc.ServicerContext) -> ranker_pb2.ExplainResponse:
        """What counts is in the lower right corner."""
        items = list(self._items(request.recommendation_id, context))
        names = [item.id for item in items]
        if request.item_id not in names:
            not_found(context, "item", request.item_id)
        at = names.index(request.item_id)
        return ranker_pb2.ExplainResponse(
            recommendation=self._recommendation(at, items[at]),
            counterfactual="If popularity counted 20%, it would leave",
            rows=2,
            columns=2,
            evidence=[-0.1, 0.0, 0.2, 0.8] if request.include_evidence_map else [],
            evidence_block="content" if request.include_evidence_map else "",
        )

    def PutSignalWeights(
        self, request: ranker_pb2.PutSignalWeightsRequest, context: grpc.ServicerContext
    ) -> ranker_pb2.PutSignalWeightsResponse:
        self.puts.append(request)
        return ranker_pb2.PutSignalWeightsResponse(weights_version=f"builtin-1+{len(self.puts)}")

    def _items(self, catalogue: str, context: grpc.ServicerContext) -> list[indexer_pb2.Item]:
        if catalogue not in self.indexer.catalogues:
            refuse(context, status_of(grpc.StatusCode.NOT_FOUND, "it is gone", "RECOMMENDATION_EXPIRED"))
        return list(self.indexer.items_of(catalogue, context).values())

    def _kept(
        self, catalogue: str, start: int, stop: int, context: grpc.ServicerContext
    ) -> ranker_pb2.RecommendResponse:
        items = self._items(catalogue, context)
        return ranker_pb2.RecommendResponse(
            recommendations=[self._recommendation(at, items[at]) for at in range(start, min(stop, len(items)))],
            recommendation_id=catalogue,
            next_page_token=f"{catalogue}:{stop}" if stop < len(items) else "",
        )

    def _recommendation(self, at: int, item: indexer_pb2.Item) -> ranker_pb2.Recommendation:
        value = 0.9 - at / 10
        part = ranker_pb2.ScorePart(
            signal="photo", query="photo", block="content", weight=1.0, value=value, contribution=value
        )
        reason = ranker_pb2.Reason(
            kind=ranker_pb2.REASON_KIND_SIMILAR_CONTENT, text="shows the same kind of thing", contribution=value
        )
        return ranker_pb2.Recommendation(item=item, rank=at + 1, score=value, parts=[part], reasons=[reason])

    def GetScenes(
        self, request: ranker_pb2.GetScenesRequest, context: grpc.ServicerContext
    ) -> ranker_pb2.GetScenesResponse:
        scene = ranker_pb2.Scene(name="balanced", description="everything alike", signal_weights={"photo": 1.0})
        return ranker_pb2.GetScenesResponse(scenes=[scene], weights_version="builtin-1")
