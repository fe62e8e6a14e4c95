"""What the Redis behind a client is: how old, what a crash of it may take, and whether it may throw data away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from redis import exceptions
from redis.cluster import RedisCluster

from services.errors import Refused
from services.runtime.redis import Client, redis_errors

OLDEST = (6, 2)
"""The first version with every command that the stores use."""

Durability = Literal["always", "everysec", "no", "none", "replicated", "unknown"]

NEVER_EVICTS = "noeviction"


@dataclass(frozen=True)
class RedisFacts:
    """What the server behind a client is. `durability` says which acknowledged writes a crash of it may take: of a
    single server "always" none, "everysec" the last second's, "no" what the kernel had not written, "none" all since
    the last dump. "replicated": those that had not reached the replica that takes over, which Redis does not wait for.
    "unknown" when it does not tell, as managed ones, or when what it tells does not suffice: a replica, a cluster whose
    replicas are not in sight.
    """

    version: str
    durability: Durability


def inspect_redis(client: Client) -> RedisFacts:
    """Asks the server. Raises NotReady when it does not answer, and Refused when it is older than `OLDEST` or may throw
    data away: it holds the only copy, and half a person or half a catalogue is worse than none."""
    with redis_errors:
        version = str(_any_node(client.info("server"))["redis_version"])
        _require_version(version)
        _require_no_eviction(client)
        return RedisFacts(version, _durability(client))


def _require_version(version: str) -> None:
    if version_of(version) < OLDEST:
        raise Refused(f"Redis {version} is too old: {'.'.join(map(str, OLDEST))} is needed", reason="REDIS_TOO_OLD")


def _require_no_eviction(client: Client) -> None:
    # Not CONFIG, which managed servers do not have. Without a bound nothing is evicted, whatever the policy.
    memory = _any_node(client.info("memory"))
    policy = memory.get("maxmemory_policy", NEVER_EVICTS)
    if memory.get("maxmemory", 0) and policy != NEVER_EVICTS:
        raise Refused(
            f"this Redis may throw data away (maxmemory-policy {policy}): set maxmemory-policy {NEVER_EVICTS}",
            reason="REDIS_EVICTS",
        )


def version_of(text: str) -> tuple[int, int]:
    """Major and minor of "6.2.14". Raises ValueError for another form."""
    major, minor, *_ = text.split(".")
    return int(major), int(minor)


def _durability(client: Client) -> Durability:
    if isinstance(client, RedisCluster):
        return "replicated" if client.get_replicas() else "unknown"  # type: ignore[no-untyped-call]
    try:
        replication, told = _any_node(client.info("replication")), _any_node(client.config_get("append*"))
    except exceptions.ResponseError:  # managed servers have no CONFIG
        return "unknown"
    if replication["role"] != "master":
        return "unknown"
    # The backlog outlives the last replica by an hour: one that is cut off for a moment may still be the next master.
    if replication["connected_slaves"] or replication["repl_backlog_active"]:
        return "replicated"
    if told.get("appendonly") == "no":
        return "none"
    known: Iterable[Durability] = ("always", "everysec", "no")
    return next((word for word in known if word == told.get("appendfsync")), "unknown")


def _any_node(answer: Any) -> dict[str, Any]:
    """A cluster answers per node; the nodes of one are configured alike."""
    if answer and all(isinstance(value, dict) for value in answer.values()):
        answer = next(iter(answer.values()))
    return {_text(key): _text(value) for key, value in answer.items()}


def _text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value
