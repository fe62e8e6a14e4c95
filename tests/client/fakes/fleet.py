"""The four fakes behind one port."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass

import grpc

from tests.client.fakes.embedder import FakeEmbedder
from tests.client.fakes.indexer import FakeIndexer
from tests.client.fakes.profile import FakeProfile
from tests.client.fakes.ranker import FakeRanker
from visrec.connection import Targets
from visrec.v1 import embedder_pb2_grpc, indexer_pb2_grpc, profile_pb2_grpc, ranker_pb2_grpc


@dataclass(frozen=True)
class Fleet:
    """The four fakes behind one port, and where they are."""

    embedder: FakeEmbedder
    indexer: FakeIndexer
    profile: FakeProfile
    ranker: FakeRanker
    target: str

    @property
    def targets(self) -> Targets:
        return Targets(self.target, self.target, self.target, self.target)

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which a caller finds them."""
        return {f"VISREC_{name}_TARGET": self.target for name in ("EMBEDDER", "INDEXER", "PROFILE", "RANKER")}


@contextmanager
def fleet() -> Iterator[Fleet]:
    """Serve the fakes on a free port of loopback while the context lasts."""
    # The RPCs that no caller here needs answer UNIMPLEMENTED, as the generated base does.
    embedder, indexer = FakeEmbedder(), FakeIndexer()  # type: ignore[abstract]
    profile, ranker = FakeProfile(), FakeRanker(indexer)  # type: ignore[abstract]
    server = grpc.server(futures.ThreadPoolExecutor(4), options=[("grpc.max_receive_message_length", 32 << 20)])
    embedder_pb2_grpc.add_EmbedderServiceServicer_to_server(embedder, server)
    indexer_pb2_grpc.add_IndexerServiceServicer_to_server(indexer, server)
    profile_pb2_grpc.add_ProfileServiceServicer_to_server(profile, server)
    ranker_pb2_grpc.add_RankerServiceServicer_to_server(ranker, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield Fleet(embedder, indexer, profile, ranker, f"127.0.0.1:{port}")
    finally:
        server.stop(None).wait(5)
