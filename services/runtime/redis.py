"""One way to open Redis, and what its failures mean.

The clients reconnect by themselves and send a command again when the connection broke under it. So a write may be
applied twice when its answer was lost: stores make their writes idempotent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import redis
import redis.asyncio
from redis import exceptions
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ExponentialWithJitterBackoff
from redis.cluster import RedisCluster
from redis.retry import Retry

from services.errors import InvalidInput, NotReady, Refused
from services.runtime.settings import RuntimeSettings

Client = redis.Redis | RedisCluster
AsyncClient = redis.asyncio.Redis | redis.asyncio.RedisCluster

OLDEST = (6, 2)
"""The first version with every command that the stores use."""

RETRIES = 2
BACKOFF_S, LONGEST_BACKOFF_S = 0.05, 0.5

Durability = Literal["always", "everysec", "no", "none", "unknown"]

_UNAVAILABLE = (
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.ClusterDownError,
    exceptions.ReadOnlyError,
    exceptions.OutOfMemoryError,
    exceptions.TryAgainError,
    exceptions.RedisClusterException,
)
_UNAVAILABLE_WORDS = ("MISCONF", "LOADING", "NOREPLICAS", "CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN", "OOM")


def open_redis(runtime: RuntimeSettings) -> Client:
    """A client for threads; connects when it is first used, and waits for a free connection of its bounded pool.

    Raises InvalidInput for a URL that is empty or is none.
    """
    url, options = _url(runtime), _options(runtime, Retry(_backoff(), RETRIES))
    try:
        if runtime.redis_cluster:
            return RedisCluster.from_url(url, max_connections=runtime.redis_connections, **options)
        pool = redis.BlockingConnectionPool.from_url(
            url, max_connections=runtime.redis_connections, timeout=runtime.redis_timeout_s, **options
        )
    except ValueError as problem:
        raise InvalidInput("VISREC_REDIS_URL", str(problem)) from problem
    return redis.Redis.from_pool(pool)


def open_redis_async(runtime: RuntimeSettings) -> AsyncClient:
    """The same for an event loop. Call it on the loop that will use the client."""
    url, options = _url(runtime), _options(runtime, AsyncRetry(_backoff(), RETRIES))
    try:
        if runtime.redis_cluster:
            return redis.asyncio.RedisCluster.from_url(url, max_connections=runtime.redis_connections, **options)
        pool = redis.asyncio.BlockingConnectionPool.from_url(
            url, max_connections=runtime.redis_connections, timeout=runtime.redis_timeout_s, **options
        )
    except ValueError as problem:
        raise InvalidInput("VISREC_REDIS_URL", str(problem)) from problem
    return redis.asyncio.Redis.from_pool(pool)


class _RedisErrors:
    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, problem: BaseException | None, __: object) -> None:
        if isinstance(problem, _UNAVAILABLE) or (
            isinstance(problem, exceptions.ResponseError) and str(problem).startswith(_UNAVAILABLE_WORDS)
        ):
            raise NotReady(f"Redis does not answer ({type(problem).__name__})", reason="REDIS_NOT_READY") from problem


redis_errors = _RedisErrors()
"""`with redis_errors:` around what a store asks of Redis (awaits included): an outage of any kind is NotReady."""


@dataclass(frozen=True)
class RedisFacts:
    """What the server behind a client is. `durability` says which acknowledged writes a crash of it may take:
    "always" none, "everysec" the last second's, "no" what the kernel had not written, "none" all since the last dump;
    "unknown" when it does not tell, as managed ones.
    """

    version: str
    durability: Durability


def inspect_redis(client: Client) -> RedisFacts:
    """Asks the server. Raises NotReady when it does not answer and Refused when it is older than `OLDEST`."""
    with redis_errors:
        version = str(_any_node(client.info("server"))["redis_version"])
        _require_version(version)
        return RedisFacts(version, _durability(client))


def _require_version(version: str) -> None:
    if version_of(version) < OLDEST:
        raise Refused(f"Redis {version} is too old: {'.'.join(map(str, OLDEST))} is needed", reason="REDIS_TOO_OLD")


def version_of(text: str) -> tuple[int, int]:
    """Major and minor of "6.2.14". Raises ValueError for another form."""
    major, minor, *_ = text.split(".")
    return int(major), int(minor)


def _durability(client: Client) -> Durability:
    try:
        told = _any_node(client.config_get("append*"))
    except exceptions.ResponseError:  # managed servers have no CONFIG
        return "unknown"
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


def _url(runtime: RuntimeSettings) -> str:
    if not runtime.redis_url:
        raise InvalidInput(
            "VISREC_REDIS_URL", "give the URL of a Redis, or start `python -m services all`, which brings its own"
        )
    return runtime.redis_url


def _backoff() -> ExponentialWithJitterBackoff:
    return ExponentialWithJitterBackoff(cap=LONGEST_BACKOFF_S, base=BACKOFF_S)


def _options(runtime: RuntimeSettings, retry: Any) -> dict[str, Any]:
    return {
        "socket_timeout": runtime.redis_timeout_s,
        "socket_connect_timeout": runtime.redis_timeout_s,
        "retry": retry,
        "protocol": 2,
        "client_name": "visrec",
    }
