"""Running services that answer jobs: those that a test's `services` are."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent import futures

import grpc
import pytest

from tests.jobs.scene_services import Services
from visrec.v1 import indexer_pb2_grpc, profile_pb2_grpc, ranker_pb2_grpc

ADD = (
    (profile_pb2_grpc.ProfileServiceServicer, profile_pb2_grpc.add_ProfileServiceServicer_to_server),
    (indexer_pb2_grpc.IndexerServiceServicer, indexer_pb2_grpc.add_IndexerServiceServicer_to_server),
    (ranker_pb2_grpc.RankerServiceServicer, ranker_pb2_grpc.add_RankerServiceServicer_to_server),
)


@pytest.fixture
def services() -> object:
    """Answers about scenes; a module may have others."""
    return Services()  # type: ignore[abstract] # what it lacks answers UNIMPLEMENTED


@pytest.fixture
def target(services: object) -> Iterator[str]:
    server = grpc.server(futures.ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
    for kind, add in ADD:
        if isinstance(services, kind):
            add(services, server)  # type: ignore[arg-type] # each takes its own kind
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait()
