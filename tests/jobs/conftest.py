"""Running services that answer jobs about scenes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent import futures

import grpc
import pytest

from tests.jobs.scene_services import Services
from visrec.v1 import profile_pb2_grpc, ranker_pb2_grpc


@pytest.fixture
def services() -> Services:
    return Services()  # type: ignore[abstract] # what it lacks answers UNIMPLEMENTED


@pytest.fixture
def target(services: Services) -> Iterator[str]:
    server = grpc.server(futures.ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
    profile_pb2_grpc.add_ProfileServiceServicer_to_server(services, server)
    ranker_pb2_grpc.add_RankerServiceServicer_to_server(services, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait()
