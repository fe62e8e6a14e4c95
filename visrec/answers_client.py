"""The calls of the client that ask for recommendations and what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from visrec.connection import Connection
from visrec.people import Event
from visrec.photos import Crop, PhotoSource, photo_message
from visrec.several import several
from visrec.v1 import common_pb2, ranker_pb2
from visrec.vectors import Vector


class AnswersClient:
    """The part of `visrec.client.Client` that speaks to the ranker. Every method raises VisrecCallError."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._call = connection.call

    def recommend(
        self,
        catalogue: str,
        *,
        photo: PhotoSource | None = None,
        crop: Crop | None = None,
        vector: Vector | None = None,
        user: str = "",
        seeds: Mapping[str, float] | None = None,
        n: int = 10,
        scene: str = "",
        where: common_pb2.Filter | None = None,
        domains: Sequence[str] = (),
        signal_weights: Mapping[str, float] | None = None,
        block_weights: Mapping[str, float] | None = None,
        explain: bool = False,
        include_seen: bool = False,
        exclude: Sequence[str] = (),
        min_version: str = "",
        rules: ranker_pb2.Rules | None = None,
        session: Sequence[Event] = (),
        diversity: float = 0.0,
        reciprocal_rank: bool = False,
        language: str = "",
        record_impressions: bool = False,
        remember_photo: bool = False,
    ) -> ranker_pb2.RecommendResponse:
        """The top n for any mix of a photo (or its vector), a person and seed items; for none of them, what is popular.

        `seeds` are items to be near to (positive weight) or far from (negative). `explain` adds the parts of each
        score and the reasons. `session` is what somebody did and is not recorded. `record_impressions` and
        `remember_photo` need a person, who consents. What was left out, and why, is in `dropped`.
        """
        request = ranker_pb2.RecommendRequest(
            catalogue=catalogue,
            user_id=user,
            photo=photo_message(photo, crop) if photo is not None else None,
            photo_vector=vector.message() if vector else None,
            seeds=[ranker_pb2.Seed(item_id=name, weight=weight) for name, weight in (seeds or {}).items()],
            n=n,
            scene=scene,
            filter=where,
            target_domains=several(domains, "domains"),
            signal_weights=signal_weights,
            block_weights=block_weights,
            explain=explain,
            include_seen=include_seen,
            exclude_item_ids=several(exclude, "exclude"),
            min_version=min_version,
            rules=rules,
            session_events=[event.message() for event in session],
            diversity=diversity,
            fusion=ranker_pb2.FUSION_RECIPROCAL_RANK if reciprocal_rank else ranker_pb2.FUSION_WEIGHTED_SUM,
            language=language,
            record_impressions=record_impressions,
            remember_photo=remember_photo,
        )
        return self._call(self._connection.ranker.Recommend, request)

    def next_page(
        self, page_token: str, *, n: int = 0, explain: bool = False, record_impressions: bool = False
    ) -> ranker_pb2.RecommendResponse:
        """What comes behind an answer; `page_token` is its `next_page_token`. `n` 0: as many as on its first page.
        NOT_FOUND when the result is no longer kept."""
        request = ranker_pb2.NextPageRequest(
            page_token=page_token, n=n, explain=explain, record_impressions=record_impressions
        )
        return self._call(self._connection.ranker.NextPage, request).page

    def recommendation(self, recommendation_id: str) -> ranker_pb2.GetRecommendationResponse:
        """An answer once more, as it was shown, with parts and reasons."""
        request = ranker_pb2.GetRecommendationRequest(recommendation_id=recommendation_id)
        return self._call(self._connection.ranker.GetRecommendation, request)

    def explain(
        self,
        recommendation_id: str,
        item_id: str,
        *,
        photo: PhotoSource | None = None,
        crop: Crop | None = None,
        language: str = "",
    ) -> ranker_pb2.ExplainResponse:
        """Why an item of an answer stands where it does, and what would change that. With the `photo` of the answer
        (and its crop) also which regions of it count: it was not kept."""
        request = ranker_pb2.ExplainRequest(
            recommendation_id=recommendation_id,
            item_id=item_id,
            include_evidence_map=photo is not None,
            photo=photo_message(photo, crop) if photo is not None else None,
            language=language,
        )
        return self._call(self._connection.ranker.Explain, request)
