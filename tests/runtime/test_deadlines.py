"""Deadlines: given, default, inherited by what a handler calls, and kept."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextvars import copy_context
from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import Int64Value, StringValue

from services.errors import TooLate
from services.runtime import deadlines
from services.runtime.settings import RuntimeSettings
from tests.runtime.toy import Toy, ToyStub, async_app, sync_app
from tests.servers import fault, serving, serving_async


@pytest.fixture(autouse=True)
def own_context() -> Iterator[None]:
    """A test's deadline must not bind the next test."""
    with deadlines.within(deadlines.NO_DEADLINE_S):
        yield


def test_a_downstream_call_gets_the_smaller_of_what_it_asks_for_and_what_remains() -> None:
    with deadlines.within(5):
        assert deadlines.timeout_s(None, 10) <= 5
        assert deadlines.timeout_s(1, 10) == 1
        with deadlines.within(60):
            assert deadlines.timeout_s(None, 10) <= 5, "a looser bound does not loosen"
        with deadlines.within(2):
            assert deadlines.timeout_s(None, 10) <= 2
    assert deadlines.timeout_s(None, 10) == 10


def test_without_a_bound_nothing_is_late() -> None:
    def alone() -> None:
        assert deadlines.timeout_s(None, 7) == 7

    copy_context().run(alone)


def test_a_call_that_cannot_be_answered_in_time_is_not_begun() -> None:
    with deadlines.within(0):
        with pytest.raises(TooLate):
            deadlines.timeout_s(None, 10)
        with pytest.raises(TooLate):
            deadlines.check()


async def test_a_handler_is_cancelled_at_the_default_deadline(runtime: RuntimeSettings) -> None:
    toy = Toy()
    async with serving_async(async_app(toy), runtime.model_copy(update={"default_deadline_s": 0.05})) as served:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ToyStub(served.channel).wait(StringValue())
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert isinstance(fault(caught.value), TooLate)
        assert toy.cancelled.is_set()


async def test_a_handler_is_cancelled_at_the_callers_deadline(runtime: RuntimeSettings) -> None:
    toy = Toy()
    async with serving_async(async_app(toy), runtime) as served:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ToyStub(served.channel).wait(StringValue(), timeout=0.1)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert await asyncio.to_thread(toy.cancelled.wait, 10)


def test_a_call_that_waited_too_long_in_the_queue_is_not_begun(runtime: RuntimeSettings) -> None:
    toy = Toy()
    with serving(sync_app(toy, threads=1), runtime) as served:
        stub = ToyStub(served.channel)
        first = stub.wait.future(StringValue())
        assert toy.arrived.acquire(timeout=10)
        late = stub.wait.future(StringValue(), timeout=0.05)
        assert late.exception(10).code() is grpc.StatusCode.DEADLINE_EXCEEDED
        toy.gate.set()
        first.result(10)
        stub.echo(StringValue())
        assert not toy.arrived.acquire(blocking=False), "the late call must not have reached its handler"


def test_a_stream_that_goes_silent_is_ended(runtime: RuntimeSettings) -> None:
    """Its thread waits in the request iterator, where no deadline of ours would be looked at."""
    gate = Toy().gate

    def requests() -> Iterator[Any]:
        yield Int64Value(value=1)
        gate.wait(20)

    quick = runtime.model_copy(update={"stream_deadline_s": 0.2})
    with serving(sync_app(Toy()), quick) as served:
        call = ToyStub(served.channel).total.future(requests())
        assert isinstance(call.exception(10), grpc.RpcError)
        gate.set()
