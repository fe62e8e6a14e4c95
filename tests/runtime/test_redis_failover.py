"""After a failover the same address leads to another server: connections to the old one are not kept for ever."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.errors import NotReady
from services.runtime.redis import open_redis, redis_errors
from services.runtime.settings import RuntimeSettings
from tests.redis_servers import Pair

WRITE = "return redis.call('SET', KEYS[1], 'x')"


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with Pair(tmp_path) as running:
        yield running


@pytest.fixture
def client(pair: Pair, runtime: RuntimeSettings) -> Iterator[Any]:
    """With two connections to the master of the moment."""
    with open_redis(runtime.model_copy(update={"redis_url": pair.url})) as client:
        opened: Any = client
        connections = [opened.connection_pool.get_connection() for _ in range(2)]
        for connection in connections:
            opened.connection_pool.release(connection)
        yield opened


def role(client: Any) -> str:
    return str(client.info("replication")["role"])


def alone(client: Any) -> None:
    client.set("a", "x")


def in_a_script(client: Any) -> None:
    client.eval(WRITE, 1, "a")


def in_a_transaction(client: Any) -> None:
    with client.pipeline(transaction=True) as pipeline:
        for _ in range(2):
            pipeline.eval(WRITE, 1, "a")
        pipeline.execute()


@pytest.mark.parametrize("write", [alone, in_a_script, in_a_transaction])
def test_once_a_replica_refuses_a_write_every_connection_goes_to_the_new_master(
    pair: Pair, client: Any, write: Any
) -> None:
    write(client)
    pair.exchange()
    assert role(client) == "slave", "its connections stand as they stood"
    with pytest.raises(NotReady), redis_errors:
        write(client)
    write(client)
    taken = [client.connection_pool.get_connection() for _ in range(3)]
    for connection in taken:
        connection.send_command("ROLE")
        assert connection.read_response()[0] == b"master"
        client.connection_pool.release(connection)
