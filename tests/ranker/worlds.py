"""A ranker over fakes behind a real server."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import grpc
import numpy as np
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from numpy.typing import NDArray

from services.ranker.frozen.aftermath import Aftermath
from services.ranker.frozen.archive import Archive
from services.ranker.frozen.freezer import Freezer, Keeping
from services.ranker.frozen.recorder import Deed, Diary, Recorder
from services.ranker.frozen.store import FrozenStore
from services.ranker.frozen.store_memory import MemoryFrozenStore
from services.ranker.limits import Limits
from services.ranker.metrics import RankerMetrics
from services.ranker.order.calibration import Calibration
from services.ranker.others.ports import CatalogueItem, Embedding, Opaque, Taste
from services.ranker.others.ports_explain import ItemVectors, PhotoEvidence
from services.ranker.reasons.evidence import EvidenceInputs
from services.ranker.reasons.explain import Explainer
from services.ranker.recommend import BUILT_IN, Recommender
from services.ranker.scenes.shelf import SceneShelf
from services.ranker.scenes.store import MemorySceneStore
from services.ranker.servicer import RankerServicer, UseCases
from services.runtime.app import AsyncApp
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import Telemetry
from tests.ranker.fakes import SPACE, Breakable, FakeEmbedder, FakeIndexer, FakeProfile, embedding, taste, vector
from tests.servers import serving_async
from visrec.v1 import indexer_pb2, ranker_pb2_grpc

ROWS = {f"item-{content}{colour}": vector(content, colour) for content in range(4) for colour in range(2)}
PHOTO = embedding(2, 0)
"""What every photo shows."""

KEEP_MS = 3_600_000
ANN = "a1" * 16
"""The pseudonym of ann."""

Stub: TypeAlias = "ranker_pb2_grpc.RankerServiceAsyncStub"


class WireIndexer(FakeIndexer):
    """The fake, with items as the contract has them."""

    async def items(self, catalogue: str, ids: Sequence[str], version: str) -> Mapping[str, CatalogueItem]:
        await self.reach()
        found = await super().items(catalogue, ids, version)
        return {i: CatalogueItem(i, item.title, indexer_pb2.Item(id=i, title=item.title)) for i, item in found.items()}


class WireEmbedder(FakeEmbedder):
    """Every photo shows the same thing."""

    async def embed(self, photo: Opaque, space: str, raw: bool = False) -> Embedding:
        await self.reach()
        return Embedding(PHOTO.space, PHOTO.data, PHOTO.model_digest, b"raw" if raw else b"")


class FakeEvidence(Breakable, PhotoEvidence):
    """All of the likeness is in the last of four regions, but a tenth, which is in none. `shows`: another photo."""

    shows = PHOTO

    async def evidence(self, photo: Opaque, space: str) -> EvidenceInputs:
        await self.reach()
        content = np.frombuffer(self.shows.data, "<f4")[:4].astype(np.float32)
        regions = np.zeros((4, 4), np.float32)
        regions[3] = 0.9 * content
        return EvidenceInputs(self.shows, "content", 2, 2, regions, 0.1 * content)


@dataclass
class FakeVectors(ItemVectors):
    """Those of the indexer, behind that of a photo of nothing."""

    indexer: FakeIndexer

    async def of(self, catalogue: str, item_id: str, space: str) -> NDArray[np.float32]:
        await self.indexer.reach()
        row = self.indexer.rows[item_id]
        return np.array([np.zeros_like(row), row])


@dataclass
class FakeDiary(Diary):
    """What was recorded."""

    deeds: list[Deed] = field(default_factory=list)

    async def record(self, deeds: Sequence[Deed]) -> int:
        self.deeds.extend(deeds)
        return 0


class BrokenStore(Breakable, MemoryFrozenStore):
    """A store that a test can break."""

    async def key(self) -> bytes:
        await self.reach()
        return await super().key()

    async def put(self, *arguments: Any, **options: Any) -> bool:
        await self.reach()
        return await super().put(*arguments, **options)

    async def get(self, *arguments: Any) -> bytes | None:
        await self.reach()
        return await super().get(*arguments)


class World:
    """Everything a ranker stands on, in reach. `now`: seconds since 1970."""

    def __init__(self, store: FrozenStore | None = None) -> None:
        self.now = 1_800_000_000.0
        self.indexer = WireIndexer(ROWS)
        self.embedder = WireEmbedder()
        self.profile = FakeProfile()
        self.profile.tastes = {
            "ann": known(taste((0, 1), (3, 0)), ANN),
            "bob": Taste(personalised=False, pseudonym="b2" * 16),
        }
        self.profile.counts = {"item-11": 12.0}
        self.evidence = FakeEvidence()
        self.diary = FakeDiary()
        self.store = BrokenStore(lambda: round(self.now * 1000))
        self.freezer = Freezer(store or self.store, Keeping(KEEP_MS, wait_s=30.0), secrets.token_bytes)
        self.shelf = SceneShelf(BUILT_IN, MemorySceneStore())
        self.recorder = Recorder(self.diary, asyncio.sleep, lambda *_: None)

    def app(self) -> AsyncApp:
        """The ranker's own wiring, over all of this."""
        archive = Archive(self.freezer, self.indexer, lambda: 0.0)
        recommender = Recommender(
            self.embedder,
            self.indexer,
            self.profile,
            lambda: 0.0,
            Limits(),
            book=lambda: self.shelf.book,
            now=lambda: self.now,
            freezer=self.freezer,
        )
        explainer = Explainer(
            self.freezer,
            archive,
            self.indexer,
            self.evidence,
            FakeVectors(self.indexer),
            Calibration,
            lambda: 0.0,
        )
        aftermath = Aftermath(self.recorder, lambda: round(self.now * 1000), lambda: "some-name")
        cases = UseCases(recommender, aftermath, archive, explainer, self.shelf)
        servicer = RankerServicer(cases, RankerMetrics(Telemetry().registry), 10.0, lambda: self.now)

        async def nothing() -> None:
            pass

        return AsyncApp(
            services=("visrec.v1.RankerService",),
            register=lambda server: ranker_pb2_grpc.add_RankerServiceServicer_to_server(servicer, server),
            canary=self.freezer.refresh,
            close=nothing,
        )

    async def recorded(self) -> list[Deed]:
        """All that was to be recorded."""
        await self.recorder.close(60.0)
        return self.diary.deeds


def known(of: Taste, pseudonym: str, photo_learning: bool = True) -> Taste:
    """The same, of somebody with a pseudonym."""
    return Taste(
        personalised=of.personalised,
        interests=of.interests,
        seen=of.seen,
        pseudonym=pseudonym,
        photo_learning=photo_learning,
    )


@asynccontextmanager
async def served(world: World, runtime: RuntimeSettings) -> AsyncIterator[Stub]:
    """A stub of the ranker in that world."""
    async with serving_async(world.app(), runtime) as serving:
        yield ranker_pb2_grpc.RankerServiceStub(serving.channel)


def detail(status: status_pb2.Status, into: Message) -> Any:
    """The detail of that type; fails when there is none."""
    assert any(each.Unpack(into) for each in status.details), f"no {into.DESCRIPTOR.name} in {status}"
    return into


async def refusal(call: Any) -> tuple[grpc.StatusCode, str, status_pb2.Status]:
    """Code, reason and status of a call that fails."""
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await call
    status = rpc_status.from_call(failed.value)
    assert status is not None
    info = detail(status, error_details_pb2.ErrorInfo())
    assert info.domain == "visrec"
    return failed.value.code(), info.reason, status


assert SPACE.name == PHOTO.space
