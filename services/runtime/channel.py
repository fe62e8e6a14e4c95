"""Channels to another service, from threads. A stub over such a channel has a deadline on every call and raises the
family of `services.errors`, so the code that calls needs no gRPC of its own. `channel_async` is the same on a loop."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Self

import grpc

from services.errors import InvalidInput
from services.runtime import deadlines
from services.runtime.faults import error_from_rpc
from services.runtime.settings import RuntimeSettings

KEEPALIVE_MS = 30_000
CERTIFICATE, KEY = "CERTIFICATE", "PRIVATE KEY"
"""What a PEM file may hold."""
RETRY_ATTEMPTS = 3
"""The first attempt included."""


def open_channel(service: str, runtime: RuntimeSettings, *, idempotent: Iterable[str] = ()) -> Channel:
    """A lazily connecting channel to `service` (embedder, indexer, profile or ranker) at its target of the settings.

    `idempotent` names the methods, in full ("visrec.v1.EmbedderService/EmbedImage"), that may be sent again when the
    service was unavailable. Raises InvalidInput when plain text would leave this machine unasked.
    """
    target, options = runtime.target(service), channel_options(runtime, idempotent)
    credentials = channel_credentials(runtime, target)
    if credentials is None:
        return Channel(grpc.insecure_channel(target, options), service, runtime)
    return Channel(grpc.secure_channel(target, credentials, options), service, runtime)


def channel_options(runtime: RuntimeSettings, idempotent: Iterable[str]) -> list[tuple[str, Any]]:
    """Channel arguments: limits, keepalive, round robin over the replicas, retries of what may be repeated."""
    return [
        ("grpc.max_send_message_length", runtime.max_message_bytes),
        ("grpc.max_receive_message_length", runtime.max_message_bytes),
        ("grpc.keepalive_time_ms", KEEPALIVE_MS),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.service_config", json.dumps(_service_config(idempotent))),
    ]


def channel_credentials(runtime: RuntimeSettings, target: str) -> grpc.ChannelCredentials | None:
    """What the settings say, None for plain text. Raises InvalidInput when they forbid plain text to this target, or
    name a file that cannot be read."""
    if runtime.channel_ca is None:
        require_loopback(target, runtime, "VISREC_CHANNEL_CA")
        return None
    key = read_pem(runtime.channel_key, "VISREC_CHANNEL_KEY", KEY) if runtime.channel_key else None
    chain = read_pem(runtime.channel_cert, "VISREC_CHANNEL_CERT") if runtime.channel_cert else None
    return grpc.ssl_channel_credentials(read_pem(runtime.channel_ca, "VISREC_CHANNEL_CA"), key, chain)


def read_pem(path: Path, setting: str, what: str = CERTIFICATE) -> bytes:
    """The bytes of the file that `setting` names. Raises InvalidInput when it cannot be read or holds no `what`: gRPC
    would tell of that in lines of its own, or only when the first call fails."""
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise InvalidInput(setting, f"cannot read {path} ({problem.strerror})") from problem
    if not re.search(rb"-----BEGIN [A-Z0-9 ]*" + what.encode(), data):
        raise InvalidInput(setting, f"{path} holds no PEM {what.lower()}")
    return data


def require_loopback(address: str, runtime: RuntimeSettings, remedy: str) -> None:
    """Raises InvalidInput, naming the setting `remedy`, when plain text to or on `address` would leave this machine."""
    if not (runtime.insecure or _is_loopback(address)):
        raise InvalidInput(remedy, f"{address} is not loopback: give certificates, or set VISREC_INSECURE=true")


def _is_loopback(address: str) -> bool:
    if address.startswith("unix:"):
        return True
    host = address.rpartition("/")[2]
    host = re.sub(r"(?<=[^:]):\d+$", "", host).strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _service_config(idempotent: Iterable[str]) -> dict[str, Any]:
    names = [dict(zip(("service", "method"), name.split("/"), strict=True)) for name in idempotent]
    policy = {
        "maxAttempts": RETRY_ATTEMPTS,
        "initialBackoff": "0.05s",
        "maxBackoff": "0.5s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    retries = [{"name": names, "retryPolicy": policy}] if names else []
    return {"loadBalancingConfig": [{"round_robin": {}}], "methodConfig": retries}


class Channel(grpc.Channel):
    """A gRPC channel for generated stubs: deadlines by default and from the context, errors of the family."""

    def __init__(self, inner: grpc.Channel, service: str, runtime: RuntimeSettings) -> None:
        self._inner = inner
        self._service = service
        self._unary_s = runtime.default_deadline_s
        self._stream_s = runtime.stream_deadline_s

    def unary_unary(self, method: str, *args: Any, **kwargs: Any) -> Any:
        return self._unary(self._inner.unary_unary(method, *args, **kwargs), self._unary_s)

    def stream_unary(self, method: str, *args: Any, **kwargs: Any) -> Any:
        return self._unary(self._inner.stream_unary(method, *args, **kwargs), self._stream_s)

    def unary_stream(self, method: str, *args: Any, **kwargs: Any) -> Any:
        return self._stream(self._inner.unary_stream(method, *args, **kwargs))

    def stream_stream(self, method: str, *args: Any, **kwargs: Any) -> Any:
        return self._stream(self._inner.stream_stream(method, *args, **kwargs))

    def _unary(self, begin: Callable[..., Any], default_s: float) -> Callable[..., Any]:
        def call(request: Any, timeout: float | None = None, **options: Any) -> Any:
            try:
                return begin(request, timeout=deadlines.timeout_s(timeout, default_s), **options)
            except grpc.RpcError as failure:
                raise error_from_rpc(failure, self._service) from failure

        return call

    def _stream(self, begin: Callable[..., Any]) -> Callable[..., Iterator[Any]]:
        def call(request: Any, timeout: float | None = None, **options: Any) -> Iterator[Any]:
            responses = begin(request, timeout=deadlines.timeout_s(timeout, self._stream_s), **options)
            return self._responses(responses)

        return call

    def _responses(self, responses: Any) -> Iterator[Any]:
        """Cancels the call when the reader stops early: nobody would read the rest."""
        try:
            yield from responses
        except grpc.RpcError as failure:
            raise error_from_rpc(failure, self._service) from failure
        finally:
            responses.cancel()

    def subscribe(self, callback: Callable[..., Any], try_to_connect: bool = False) -> None:
        self._inner.subscribe(callback, try_to_connect)

    def unsubscribe(self, callback: Callable[..., Any]) -> None:
        self._inner.unsubscribe(callback)

    def close(self) -> None:
        self._inner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
