"""One running system for the tests that leave it as they found it, and typed access to its four services."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from tests.fleet import Fleet, fleet
from visrec.v1 import embedder_pb2_grpc, indexer_pb2_grpc, profile_pb2_grpc, ranker_pb2, ranker_pb2_grpc

CALL_S = 30.0
"""Deadline of a call in these tests; a bound for what hangs."""


@dataclass(frozen=True)
class Stubs:
    """The four services of a running system. Messages of any size are sent: refusing them is the server's part."""

    fleet: Fleet
    embedder: embedder_pb2_grpc.EmbedderServiceStub
    indexer: indexer_pb2_grpc.IndexerServiceStub
    profile: profile_pb2_grpc.ProfileServiceStub
    ranker: ranker_pb2_grpc.RankerServiceStub
    channels: dict[str, grpc.Channel]


@contextmanager
def connected(running: Fleet) -> Iterator[Stubs]:
    """Stubs over channels that are closed at the end. A call waits for a service that is being started again."""
    options = [
        ("grpc.max_send_message_length", -1),
        ("grpc.initial_reconnect_backoff_ms", 50),
        ("grpc.min_reconnect_backoff_ms", 50),
        ("grpc.max_reconnect_backoff_ms", 200),
    ]
    with ExitStack() as held:
        channels = {
            name: held.enter_context(grpc.insecure_channel(running.target(name), options))
            for name in ("embedder", "indexer", "profile", "ranker")
        }
        yield Stubs(
            running,
            embedder_pb2_grpc.EmbedderServiceStub(channels["embedder"]),
            indexer_pb2_grpc.IndexerServiceStub(channels["indexer"]),
            profile_pb2_grpc.ProfileServiceStub(channels["profile"]),
            ranker_pb2_grpc.RankerServiceStub(channels["ranker"]),
            channels,
        )


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment that makes every system of this session share one built model."""
    return {"VISREC_EMBEDDER_MODEL_DIR": str(tmp_path_factory.mktemp("models"))}


@pytest.fixture(scope="session")
def visrec(tmp_path_factory: pytest.TempPathFactory, models: dict[str, str]) -> Iterator[Stubs]:
    """A running system. Tests use catalogues of their own in it and kill nothing."""
    folder: Path = tmp_path_factory.mktemp("fleet")
    with fleet(folder, models) as running, connected(running) as stubs:
        yield stubs


def added_up(item: ranker_pb2.Recommendation) -> float:
    """The contributions one after the other, as the contract says. Not `sum`: since Python 3.12 it compensates."""
    total = 0.0
    for part in item.parts:
        total += part.contribution
    return total
