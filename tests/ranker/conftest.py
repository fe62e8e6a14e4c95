"""The stores that the tests of this service run over."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable

import pytest
from redis import Redis

from services.ranker.frozen.store import FrozenStore
from services.ranker.frozen.store_memory import MemoryFrozenStore
from services.ranker.frozen.store_redis import RedisFrozenStore
from services.runtime.redis_async import AsyncRedis
from services.runtime.settings import RuntimeSettings
from tests.profile.conftest import cluster_port  # noqa: F401 - a fixture, for the tests here as well

NOW_MS = 1_800_000_000_000
"""What the clock of a test begins with."""

TIMEOUT_S = 30.0
"""Waiting for a busy machine is no failure."""


class Clock:
    """Milliseconds, as a test sets them."""

    def __init__(self) -> None:
        self.ms = NOW_MS

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


def _redis(kind: str, request: pytest.FixtureRequest, runtime: RuntimeSettings) -> RuntimeSettings:
    if kind == "redis":
        return runtime.model_copy(update={"redis_url": request.getfixturevalue("redis_url")})
    port = request.getfixturevalue("cluster_port")
    with Redis(port=port) as client:
        client.flushall()
    return runtime.model_copy(update={"redis_url": f"redis://127.0.0.1:{port}", "redis_cluster": True})


@pytest.fixture(params=["redis", "cluster"])
def some_redis(request: pytest.FixtureRequest, runtime: RuntimeSettings) -> RuntimeSettings:
    """An empty Redis of each kind."""
    return _redis(request.param, request, runtime)


@pytest.fixture
async def async_redis(some_redis: RuntimeSettings) -> AsyncIterator[AsyncRedis]:
    opened = AsyncRedis(some_redis, TIMEOUT_S)
    yield opened
    await opened.close()


@pytest.fixture(params=["memory", "redis", "cluster"])
async def frozen_store(
    request: pytest.FixtureRequest, runtime: RuntimeSettings, clock: Clock
) -> AsyncIterator[FrozenStore]:
    if request.param == "memory":
        yield MemoryFrozenStore(clock)
        return
    opened = AsyncRedis(_redis(request.param, request, runtime), TIMEOUT_S)
    yield RedisFrozenStore(opened.ask)
    await opened.close()


@pytest.fixture
def random() -> Callable[[int], bytes]:
    return secrets.token_bytes
