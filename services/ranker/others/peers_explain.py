"""The ports of explanations and of recording over gRPC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from services.errors import NotFound
from services.ranker.frozen.recorder import Deed, Diary
from services.ranker.others.ports import Embedding, Opaque
from services.ranker.others.ports_explain import ItemVectors, PhotoEvidence
from services.ranker.reasons.evidence import EvidenceInputs
from services.runtime.channel_async import AsyncChannel
from visrec.v1 import (
    common_pb2,
    embedder_pb2,
    embedder_pb2_grpc,
    indexer_pb2,
    indexer_pb2_grpc,
    profile_pb2,
    profile_pb2_grpc,
)

OK = 0


class GrpcPhotoEvidence(PhotoEvidence):
    """Photos are `visrec.v1.Photo`."""

    def __init__(self, channel: AsyncChannel) -> None:
        self._stub = embedder_pb2_grpc.EmbedderServiceStub(channel)

    async def evidence(self, photo: Opaque, space: str) -> EvidenceInputs:
        request = embedder_pb2.EmbedImageRequest(
            photo=cast("common_pb2.Photo", photo), space=space, include_evidence=True
        )
        answer = await self._stub.EmbedImage(request)
        told = answer.evidence
        offset = np.frombuffer(told.offset, "<f4")
        return EvidenceInputs(
            Embedding(answer.vector.space, answer.vector.data, answer.model_digest),
            told.block,
            told.rows,
            told.columns,
            np.frombuffer(told.regions, "<f4").reshape(told.rows * told.columns, len(offset)),
            offset,
        )


class GrpcItemVectors(ItemVectors):
    """From the record, which has all photos; a search tells the vector of one."""

    def __init__(self, channel: AsyncChannel) -> None:
        self._stub = indexer_pb2_grpc.IndexerServiceStub(channel)

    async def of(self, catalogue: str, item_id: str, space: str) -> NDArray[np.float32]:
        request = indexer_pb2.GetItemRequest(catalogue=catalogue, item_id=item_id, include_vectors=True, space=space)
        vectors = (await self._stub.GetItem(request)).stored.vectors
        if not vectors:
            raise NotFound("item", item_id, within=f"catalogue {catalogue!r}")
        return np.array([np.frombuffer(vector.data, "<f4") for vector in vectors], np.float32)


class GrpcDiary(Diary):
    """Events of the profile service."""

    def __init__(self, channel: AsyncChannel) -> None:
        self._stub = profile_pb2_grpc.ProfileServiceStub(channel)

    async def record(self, deeds: Sequence[Deed]) -> int:
        answer = await self._stub.RecordEvents(profile_pb2.RecordEventsRequest(events=map(_event, deeds)))
        return sum(result.status.code != OK for result in answer.results)


def _event(deed: Deed) -> profile_pb2.Event:
    event = profile_pb2.Event(
        event_id=deed.event_id,
        user_id=deed.user_id,
        catalogue=deed.catalogue,
        recommendation_id=deed.recommendation_id,
        shown_signals=deed.values,
    )
    event.time.FromMilliseconds(deed.time_ms)
    if deed.photo is None:
        event.type, event.item_id = profile_pb2.EVENT_TYPE_IMPRESSION, deed.item_id
        event.showing.rank, event.showing.scene = deed.rank, deed.scene
        event.showing.experiment, event.showing.variant = deed.exposure.experiment, deed.exposure.variant
    else:
        event.type = profile_pb2.EVENT_TYPE_UPLOAD
        event.photo_vector.space, event.photo_vector.data = deed.photo.space, deed.photo.data
        event.raw_features = deed.photo.raw_features
    return event
