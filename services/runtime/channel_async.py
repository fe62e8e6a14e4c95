"""Channels to another service, on an event loop: what `channel` is for threads, with the same settings and promises."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from typing import Any, Self

import grpc

from services.runtime import deadlines
from services.runtime.channel import channel_credentials, channel_options
from services.runtime.faults import error_from_rpc
from services.runtime.settings import RuntimeSettings


def open_channel(service: str, runtime: RuntimeSettings, *, idempotent: Iterable[str] = ()) -> AsyncChannel:
    """As `services.runtime.channel.open_channel`. Call it on the loop that will use the channel."""
    target, options = runtime.target(service), channel_options(runtime, idempotent)
    credentials = channel_credentials(runtime, target)
    if credentials is None:
        return AsyncChannel(grpc.aio.insecure_channel(target, options), service, runtime)
    return AsyncChannel(grpc.aio.secure_channel(target, credentials, options), service, runtime)


class AsyncChannel(grpc.aio.Channel):
    """An asyncio channel for generated stubs: a unary call is awaited, a stream is iterated with `async for`.

    Cancelling the task that awaits a call cancels the call.
    """

    def __init__(self, inner: grpc.aio.Channel, service: str, runtime: RuntimeSettings) -> None:
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

    def _unary(self, begin: Callable[..., Any], default_s: float) -> Callable[..., Coroutine[Any, Any, Any]]:
        # The name and the meaning of `timeout` are those of gRPC's multicallables.
        async def call(request: Any, timeout: float | None = None, **options: Any) -> Any:
            try:
                return await begin(request, timeout=deadlines.timeout_s(timeout, default_s), **options)
            except grpc.RpcError as failure:
                raise error_from_rpc(failure, self._service) from failure

        return call

    def _stream(self, begin: Callable[..., Any]) -> Callable[..., AsyncIterator[Any]]:
        def call(request: Any, timeout: float | None = None, **options: Any) -> AsyncIterator[Any]:
            responses = begin(request, timeout=deadlines.timeout_s(timeout, self._stream_s), **options)
            return self._responses(responses)

        return call

    async def _responses(self, responses: Any) -> AsyncIterator[Any]:
        """Cancels the call when the reader stops early: nobody would read the rest."""
        try:
            async for response in responses:
                yield response
        except grpc.RpcError as failure:
            raise error_from_rpc(failure, self._service) from failure
        finally:
            responses.cancel()

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        return self._inner.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        await self._inner.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        await self._inner.channel_ready()

    async def close(self, grace: float | None = None) -> None:
        await self._inner.close(grace)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
