"""What every test may ask for: settings that keep it apart from the machine, and a real private Redis."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import redis

from services.runtime.embedded import EmbeddedRedis
from services.runtime.settings import RuntimeSettings


def pytest_configure() -> None:
    """Tests see the defaults, whatever the developer's shell has set; Hypothesis asserts no timings."""
    for name in [name for name in os.environ if name.startswith("VISREC_")]:
        del os.environ[name]
    # A busy machine is no failure: what hangs is ended by faulthandler_timeout.
    hypothesis.settings.register_profile("visrec", deadline=None)
    hypothesis.settings.load_profile("visrec")


@pytest.fixture
def runtime(tmp_path: Path) -> RuntimeSettings:
    """Settings with quick canaries and a var directory of the test's own. Vary it: `runtime.model_copy(update=…)`."""
    return RuntimeSettings(var_dir=tmp_path / "var", canary_every_s=0.05, drain_s=5)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    """One redis-server for the whole session. Tests that kill a server start one of their own."""
    server = EmbeddedRedis(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


def emptied(server: EmbeddedRedis) -> str:
    """Its URL, once nothing of an earlier test is left there."""
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
    return server.url


@pytest.fixture
def redis_url(redis_server: EmbeddedRedis) -> str:
    """The URL of the session's Redis, emptied for this test."""
    return emptied(redis_server)


@pytest.fixture(scope="module")
def module_redis_url(redis_server: EmbeddedRedis) -> str:
    """The same, emptied once for the tests of a file, which share what they put there."""
    return emptied(redis_server)


@pytest.fixture
def redis_runtime(runtime: RuntimeSettings, redis_url: str) -> RuntimeSettings:
    """`runtime` with an empty Redis behind it."""
    return runtime.model_copy(update={"redis_url": redis_url})
