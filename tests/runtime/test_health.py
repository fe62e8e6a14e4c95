"""Health follows the canary, and asking for it never costs the service anything."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from structlog.testing import capture_logs

from services.errors import NotReady
from services.runtime.app import AsyncApp
from services.runtime.canary import sing
from services.runtime.settings import RuntimeSettings
from tests.runtime.toy import SERVICE, Toy, ToyStub, async_app, sync_app
from tests.servers import serving, serving_async

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


def watching(channel: grpc.Channel, service: str = SERVICE) -> Any:
    return health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=service), timeout=20)


def check(channel: grpc.Channel, service: str = SERVICE) -> int:
    request = health_pb2.HealthCheckRequest(service=service)
    return int(health_pb2_grpc.HealthStub(channel).Check(request, timeout=10).status)


def test_health_follows_the_canary_down_and_up_again(runtime: RuntimeSettings) -> None:
    toy = Toy(canary_problem=NotReady("loading"))
    with serving(sync_app(toy), runtime, ready=False) as served:
        watch = watching(served.channel)
        assert next(watch).status == NOT_SERVING
        for problem, status in ((None, SERVING), (ValueError("broken"), NOT_SERVING), (None, SERVING)):
            toy.canary_problem = problem
            assert next(watch).status == status
        watch.cancel()


async def test_health_follows_the_canary_on_a_loop(runtime: RuntimeSettings) -> None:
    toy = Toy(canary_problem=NotReady("loading"))
    async with serving_async(async_app(toy), runtime, ready=False) as served:
        stub = health_pb2_grpc.HealthStub(served.channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest(service=SERVICE), timeout=20)
        assert (await watch.read()).status == NOT_SERVING
        for problem, status in ((None, SERVING), (ValueError("broken"), NOT_SERVING), (None, SERVING)):
            toy.canary_problem = problem
            assert (await watch.read()).status == status
        watch.cancel()


def test_a_canary_that_hangs_has_failed(runtime: RuntimeSettings) -> None:
    """And no second one is started beside it."""
    sung: list[int] = []
    silence, let_go = threading.Event(), threading.Event()

    def canary() -> None:
        sung.append(1)
        if silence.is_set():
            let_go.wait(30)

    app = sync_app(Toy())
    app = type(app)(app.services, app.register, canary, app.close)
    with serving(app, runtime.model_copy(update={"canary_deadline_s": 0.05})) as served:
        watch = watching(served.channel)
        assert next(watch).status == SERVING
        silence.set()
        assert next(watch).status == NOT_SERVING
        before = len(sung)
        assert check(served.channel) == NOT_SERVING
        assert len(sung) == before
        silence.clear()
        let_go.set()
        assert next(watch).status == SERVING
        watch.cancel()


async def test_a_canary_that_is_too_slow_is_cancelled(runtime: RuntimeSettings) -> None:
    toy = Toy()
    app = async_app(toy)

    async def canary() -> None:
        await asyncio.Event().wait()

    app = AsyncApp(app.services, app.register, canary, app.close)
    async with serving_async(app, runtime.model_copy(update={"canary_deadline_s": 0.05}), ready=False) as served:
        stub = health_pb2_grpc.HealthStub(served.channel)
        answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=10)
        assert answer.status == NOT_SERVING


async def test_a_canary_that_is_too_slow_is_told_as_such(runtime: RuntimeSettings) -> None:
    told: asyncio.Queue[bool] = asyncio.Queue()

    async def canary() -> None:
        await asyncio.Event().wait()

    with capture_logs() as lines:
        singing = asyncio.create_task(sing(canary, told.put, runtime.model_copy(update={"canary_deadline_s": 0.05})))
        assert not await told.get()
        singing.cancel()
    assert "did not finish its canary in time (within 0.05 s)" in lines[0]["why"]


def test_health_speaks_of_the_service_the_server_and_nothing_else(runtime: RuntimeSettings) -> None:
    with serving(sync_app(Toy()), runtime) as served:
        assert check(served.channel) == check(served.channel, "") == SERVING
        with pytest.raises(grpc.RpcError) as caught:
            check(served.channel, "another")
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        watch = watching(served.channel, "another")
        assert next(watch).status == UNKNOWN
        watch.cancel()
        listed = health_pb2_grpc.HealthStub(served.channel).List(health_pb2.HealthListRequest(), timeout=10)
        assert set(listed.statuses) == {"", SERVICE}


def test_watchers_hold_no_thread(runtime: RuntimeSettings) -> None:
    """Seven watchers on a server of four threads: calls and Check are answered all the same."""
    toy = Toy()
    with serving(sync_app(toy, threads=4), runtime) as served:
        watches = [watching(served.channel) for _ in range(7)]
        assert [next(watch).status for watch in watches] == [SERVING] * 7
        assert check(served.channel) == SERVING
        stub = ToyStub(served.channel)
        waiting = [stub.wait.future(_text()) for _ in range(4)]
        for _ in waiting:
            assert toy.arrived.acquire(timeout=10)
        assert check(served.channel) == SERVING
        toy.gate.set()
        assert [call.result(10).value for call in waiting] == ["x"] * 4
        toy.canary_problem = NotReady("down")
        assert [next(watch).status for watch in watches] == [NOT_SERVING] * 7
        for watch in watches:
            watch.cancel()


def _text() -> Any:
    from google.protobuf.wrappers_pb2 import StringValue

    return StringValue(value="x")
