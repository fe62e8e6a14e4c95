"""What a service wants of the Redis behind it: that it throws nothing away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.errors import Refused
from services.runtime.redis import open_redis
from services.runtime.redis_facts import inspect_redis
from services.runtime.settings import RuntimeSettings
from tests.redis_servers import started


@pytest.fixture
def client(redis_runtime: RuntimeSettings) -> Iterator[Any]:
    with open_redis(redis_runtime) as opened:
        yield opened
        opened.config_set("maxmemory", 0)
        opened.config_set("maxmemory-policy", "noeviction")


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
def test_one_that_may_throw_data_away_is_refused(client: Any, policy: str) -> None:
    """People end by themselves, so one that evicts what has an end evicts people, and parts of them."""
    client.config_set("maxmemory", "1gb")
    client.config_set("maxmemory-policy", policy)
    with pytest.raises(Refused, match=f"{policy}.*set maxmemory-policy noeviction") as refused:
        inspect_redis(client)
    assert refused.value.reason == "REDIS_EVICTS"


def test_a_bound_alone_is_fine_and_so_is_a_policy_without_a_bound(client: Any) -> None:
    client.config_set("maxmemory", "1gb")
    inspect_redis(client)
    client.config_set("maxmemory", 0)
    client.config_set("maxmemory-policy", "allkeys-lru")
    inspect_redis(client)


def test_a_managed_one_without_config_is_asked_as_well(runtime: RuntimeSettings, tmp_path: Path) -> None:
    options = ["--rename-command", "CONFIG", "", "--maxmemory", "1gb", "--maxmemory-policy", "volatile-lru"]
    with started(tmp_path / "managed", *options) as port:
        settings = runtime.model_copy(update={"redis_url": f"redis://127.0.0.1:{port}"})
        with open_redis(settings) as client, pytest.raises(Refused):
            inspect_redis(client)
