"""One way to open Redis, and what its failures mean.

The clients reconnect by themselves and send a command again when the connection broke under it. So a write may be
applied twice when its answer was lost: stores make their writes idempotent.

No wait is longer than what is left of the current call. redis-py sets a socket's timeout when it connects, so that a
connection would go on with the time of the call that opened it; here it is set again before each command and answer.
What then times out is cleared up as any timeout, and a call without time left ends at the pause before another attempt.

After a failover the address leads to another server, while connections may go on to the one that became a replica. As
soon as it refuses a write, all of them are made anew.
"""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Callable, Iterable, Sequence
from ssl import SSLSocket
from typing import Any

import redis
from redis import Connection, SSLConnection, UnixDomainSocketConnection, exceptions
from redis.backoff import ExponentialWithJitterBackoff
from redis.cluster import RedisCluster
from redis.connection import AbstractConnection
from redis.retry import Retry

from services.errors import InvalidInput, NotReady
from services.runtime import deadlines
from services.runtime.settings import RuntimeSettings

Client = redis.Redis | RedisCluster

RETRIES = 2
BACKOFF_S, LONGEST_BACKOFF_S = 0.05, 0.5

SHORTEST_WAIT_S = 0.001
"""Zero would mean "do not wait at all" to a socket, which is another mode with other errors."""

_UNAVAILABLE = (
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.ClusterDownError,
    exceptions.ReadOnlyError,
    exceptions.OutOfMemoryError,
    exceptions.TryAgainError,
    exceptions.RedisClusterException,
)
_UNAVAILABLE_WORDS = re.compile(
    r"^(Command # \d+ .* of pipeline caused error: )?(Error running script .* -)?"
    r"(MISCONF|LOADING|NOREPLICAS|CLUSTERDOWN|MASTERDOWN|TRYAGAIN|OOM|READONLY)\b",
    re.DOTALL,
)
"""How an error of the server begins, where the client puts nothing before it. Before Redis 7, what a script met is told
after where it met it."""

_FORBIDDEN_WORDS = re.compile(r"The user executing the script can't|ACL failure in script")
"""What a script says that met what its user may not do."""


def open_redis(runtime: RuntimeSettings) -> Client:
    """A client for threads; connects when it is first used, and waits for a free connection of its bounded pool.

    Raises InvalidInput for a URL that is empty or is none, and NotReady for a cluster that does not answer: its nodes
    are asked for here.
    """
    url, retry = _url(runtime), Retry(_TimelyBackoff(LONGEST_BACKOFF_S, BACKOFF_S), RETRIES)
    options: dict[str, Any] = {
        "max_connections": runtime.redis_connections,
        "timeout": runtime.redis_timeout_s,
        "socket_timeout": runtime.redis_timeout_s,
        "socket_connect_timeout": runtime.redis_timeout_s,
        "protocol": 2,
        "client_name": "visrec",
    }
    try:
        if runtime.redis_cluster:
            with redis_errors:
                return RedisCluster.from_url(url, connection_pool_class=_TimelyPool, retry=retry, **options)
        return redis.Redis.from_pool(_TimelyPool.from_url(url, retry=retry, **options))
    except ValueError as problem:
        raise InvalidInput("VISREC_REDIS_URL", str(problem)) from problem


class _RedisErrors:
    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, problem: BaseException | None, __: object) -> None:
        if isinstance(problem, _UNAVAILABLE) or _says(problem, _UNAVAILABLE_WORDS):
            raise NotReady(f"Redis does not answer ({type(problem).__name__})", reason="REDIS_NOT_READY") from problem
        if isinstance(problem, exceptions.NoPermissionError) or _says(problem, _FORBIDDEN_WORDS):
            raise NotReady(
                "the user of this service may not do in Redis what it needs: ACL LOG there tells what was refused",
                reason="REDIS_FORBIDS",
            ) from problem


def _says(problem: object, words: re.Pattern[str]) -> bool:
    return isinstance(problem, exceptions.ResponseError) and words.search(str(problem)) is not None


redis_errors = _RedisErrors()
"""`with redis_errors:` around what a store asks of Redis : an outage of any kind is NotReady."""


def _url(runtime: RuntimeSettings) -> str:
    if not runtime.redis_url:
        raise InvalidInput(
            "VISREC_REDIS_URL", "give the URL of a Redis, or start `python -m services all`, which brings its own"
        )
    return runtime.redis_url


def packed(command: Sequence[Any], encode: Callable[[Any], bytes]) -> bytes:
    """A command in the form of https://redis.io/docs/latest/develop/reference/protocol-spec/. Its name may be of
    several words; `encode` is asked for what is neither bytes nor text."""
    name, *rest = command
    told = [*(name.encode() if isinstance(name, str) else name).split()]
    for argument in rest:
        kind = type(argument)
        told.append(argument if kind is bytes else argument.encode() if kind is str else encode(argument))
    return b"*%d\r\n" % len(told) + b"".join([b"$%d\r\n%b\r\n" % (len(each), each) for each in told])


class _Wait:
    """An attribute in seconds that is read as at most what is left of the current call."""

    def __set_name__(self, _: type, name: str) -> None:
        self._name = f"_longest_{name}"

    def __set__(self, owner: Any, seconds: float) -> None:
        setattr(owner, self._name, seconds)

    def __get__(self, owner: Any, _: type) -> float:
        longest: float = getattr(owner, self._name)
        left = deadlines.remaining_s()
        return longest if left is None else max(SHORTEST_WAIT_S, min(longest, left))


class _Address:
    """What the connections of one pool know of where they lead to."""

    turns = 0

    def turn(self) -> None:
        """It leads elsewhere than some connections do."""
        self.turns += 1


class _Timely(AbstractConnection):
    socket_timeout: Any = _Wait()
    socket_connect_timeout: Any = _Wait()

    def __init__(self, address: _Address | None = None, **options: Any) -> None:
        self._address = address or _Address()
        self._turns = self._address.turns
        self._in_kernel = False
        self.socket_timeout = options["socket_timeout"]
        self.socket_connect_timeout = options["socket_connect_timeout"]
        super().__init__(**options)

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        # Without a check of health, a connection is being made.
        if check_health and self._turns != self._address.turns:
            self._turns = self._address.turns
            self.disconnect()  # type: ignore[no-untyped-call]
        self._hurry()
        super().send_packed_command(command, check_health)  # type: ignore[no-untyped-call]

    def pack_commands(self, commands: Iterable[Sequence[Any]]) -> list[bytes]:
        """In one piece, and in half the time that redis-py takes for it: it packs argument by argument, and sends 6 kB
        at a time. Raises redis.DataError for what is neither text, bytes nor a number."""
        return [b"".join(packed(command, self.encoder.encode) for command in commands)]

    def read_response(self, *arguments: Any, **options: Any) -> Any:
        self._hurry()
        try:
            answer = super().read_response(*arguments, **options)
        except exceptions.ResponseError as problem:
            self._look_again(problem)
            raise
        if type(answer) is list and answer and isinstance(answer[0], exceptions.ResponseError):  # of a transaction
            self._look_again(answer[0])
        return answer

    def read_responses(self, count: int) -> list[Any]:
        """So many, each of which may be the error of its command."""
        self._hurry()
        answers: list[Any] = []
        for _ in range(count):
            # They come right after each other: to set a timeout before each would take longer than to read it.
            deadlines.check()
            try:
                answers.append(super().read_response())
            except exceptions.ResponseError as problem:
                answers.append(problem)
        return answers

    def _look_again(self, problem: exceptions.ResponseError) -> None:
        is_replica = isinstance(problem, exceptions.ReadOnlyError) or "-READONLY" in str(problem)
        # One that was made before the last turn tells nothing new.
        if is_replica and self._turns == self._address.turns:
            self._address.turn()

    def wait_in_kernel(self) -> None:
        """From now on timeouts are kept by the kernel, not by Python, which asks whether a socket is ready before each
        use of it, and lets go of the interpreter for that, as for every change of a timeout: six times for a command
        and its answer instead of twice. While other threads want it, each time costs more than the command. Not for
        connections that are borrowed from a pool, which changes their timeouts itself. Over TLS all stays as it is."""
        self._in_kernel = True

    def _hurry(self) -> None:
        connected = self._get_socket()
        if connected is None:
            return
        if not self._in_kernel or isinstance(connected, SSLSocket):
            connected.settimeout(self.socket_timeout)
            return
        if connected.gettimeout() is not None:
            connected.settimeout(None)
        seconds = self.socket_timeout
        lasting = struct.pack("@ll", int(seconds), int(seconds % 1 * 1e6))
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, lasting)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, lasting)


class _TimelyTcp(_Timely, Connection):
    pass


class _TimelyTls(_Timely, SSLConnection):
    pass


class _TimelyUnix(_Timely, UnixDomainSocketConnection):
    pass


_CLASSES = {Connection: _TimelyTcp, SSLConnection: _TimelyTls, UnixDomainSocketConnection: _TimelyUnix}


class _TimelyPool(redis.BlockingConnectionPool):
    """Waits for a free connection, at most `timeout` seconds and what is left of the call; its connections the same.

    `connection_class` is what redis-py reads from the scheme of the URL.
    """

    timeout: Any = _Wait()

    def __init__(self, connection_class: type[AbstractConnection] = Connection, **options: Any) -> None:
        options |= {"connection_class": _CLASSES[connection_class], "address": _Address()}
        super().__init__(**options)  # type: ignore[no-untyped-call]


class _TimelyBackoff(ExponentialWithJitterBackoff):
    """Pauses within the current call. Raises TooLate when there is no time for another attempt."""

    def compute(self, failures: int) -> float:
        """Seconds until the next attempt."""
        return deadlines.timeout_s(None, super().compute(failures))
