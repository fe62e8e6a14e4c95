"""Running scripts: however many, whatever the server has forgotten, whatever one of them meets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from services.profile.filing.scripts_redis import MAX_TOGETHER, Call, Script, ScriptRunner

COUNT = Script("popularity", "count")


@pytest.fixture
def client(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as client:
        yield client


def count(item: str, name: str = "all") -> Call:
    """Adds to two lists, and answers 2."""
    return Call(COUNT, [name, f"{name}:one"], [1000, 60_000, item, "1.0", 2])


@pytest.mark.parametrize("calls", [0, 1, 2, MAX_TOGETHER, 2 * MAX_TOGETHER + 1])
def test_every_call_is_answered_once_and_in_order(client: Redis, calls: int) -> None:
    assert ScriptRunner(client).run_all([count(f"item-{number}") for number in range(calls)]) == [2] * calls
    assert client.zcard("all") == calls
    assert client.zcount("all", 1.0, 1.0) == calls


def test_a_server_that_forgot_its_scripts_is_told_them_again(client: Redis) -> None:
    runner = ScriptRunner(client)
    runner.run_all([count("before")])
    client.script_flush()
    assert runner.run_all([count("after-1"), count("after-2")]) == [2, 2]
    assert client.zcard("all") == 3


def test_a_call_that_fails_is_raised_and_the_others_are_done(client: Redis) -> None:
    client.set("broken", "not a sorted set")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        ScriptRunner(client).run_all([count("a"), count("b", "broken"), count("c")])
    assert client.zrange("all", 0, -1) == [b"a", b"c"]
