"""A guarded server, as a caller sees it. The same behaviour from threads and from an event loop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import Int64Value, StringValue
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from services import errors
from services.runtime.app import AsyncApp
from services.runtime.guard import MAX_REFUSALS
from services.runtime.settings import MIB, RuntimeSettings
from tests.runtime.toy import SERVICE, Toy, ToyStub, async_app, sync_app
from tests.servers import Served, fault, serving, serving_on_a_loop

Start = Callable[[Toy, RuntimeSettings], AbstractContextManager[Served[grpc.Channel]]]


def on_threads(toy: Toy, runtime: RuntimeSettings) -> AbstractContextManager[Served[grpc.Channel]]:
    return serving(sync_app(toy, threads=2, long_threads=2), runtime)


def on_a_loop(toy: Toy, runtime: RuntimeSettings) -> AbstractContextManager[Served[grpc.Channel]]:
    async def build() -> AsyncApp:
        return async_app(toy)

    return serving_on_a_loop(build, runtime)


@pytest.fixture(params=[on_threads, on_a_loop], ids=["threads", "loop"])
def start(request: pytest.FixtureRequest) -> Start:
    chosen: Start = request.param
    return chosen


@pytest.fixture
def toy() -> Toy:
    return Toy()


@pytest.fixture
def served(start: Start, toy: Toy, runtime: RuntimeSettings) -> Iterator[Served[grpc.Channel]]:
    with start(toy, runtime) as served:
        yield served
        toy.gate.set()


@pytest.fixture
def stub(served: Served[grpc.Channel]) -> ToyStub:
    return ToyStub(served.channel)


def failure(call: Callable[[], Any]) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value


def test_unary_and_streaming_calls_are_answered(stub: ToyStub) -> None:
    assert stub.echo(StringValue(value="hello")).value == "hello"
    assert [answer.value for answer in stub.count(Int64Value(value=3))] == [0, 1, 2]
    assert stub.total(iter([Int64Value(value=2), Int64Value(value=3)])).value == 5


def test_an_error_arrives_with_its_details(stub: ToyStub, toy: Toy) -> None:
    toy.problem = errors.InvalidInput("n", "must be 1 to 1000")
    problem = failure(lambda: stub.fail(StringValue()))
    assert problem.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert problem.details() == "n: must be 1 to 1000"
    error = fault(problem)
    assert isinstance(error, errors.InvalidInput)
    assert error.field == "n"


@pytest.mark.parametrize("letter", ["漢", "🙂", "%", "x"])
def test_the_longest_name_arrives_with_its_details_in_any_script(stub: ToyStub, toy: Toy, letter: str) -> None:
    toy.problem = errors.NotFound("catalogue", 2000 * letter)
    error = fault(failure(lambda: stub.fail(StringValue())))
    assert isinstance(error, errors.NotFound)
    assert error.reason == "CATALOGUE_NOT_FOUND"
    assert error.name
    assert not error.name.strip(letter)


def test_an_error_in_a_stream_comes_after_what_was_sent(stub: ToyStub, toy: Toy) -> None:
    toy.problem = errors.NotReady("gone")
    got = []

    def read() -> None:
        got.extend(stub.count(Int64Value(value=101)))

    assert failure(read).code() is grpc.StatusCode.UNAVAILABLE
    assert len(got) == 101


def test_a_bug_shows_an_id_and_not_its_message(stub: ToyStub) -> None:
    problem = failure(lambda: stub.fail(StringValue()))
    assert problem.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in str(problem)
    assert fault(problem).metadata["id"]


def test_bytes_that_are_no_message_are_the_callers_error(stub: ToyStub) -> None:
    problem = failure(lambda: stub.raw(b"\xff\xff\xff"))
    assert problem.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert fault(problem).reason == "MALFORMED"


def test_a_method_that_does_not_exist_is_unimplemented(stub: ToyStub) -> None:
    assert failure(lambda: stub.unknown(StringValue())).code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_call_without_a_deadline_gets_the_default_one(stub: ToyStub, runtime: RuntimeSettings) -> None:
    assert 0 < stub.left(StringValue()).value <= runtime.default_deadline_s


def test_the_callers_deadline_is_the_one_that_counts(stub: ToyStub) -> None:
    assert 10 < stub.left(StringValue(), timeout=25).value <= 25.5


def test_a_message_over_the_limit_is_refused_and_the_next_is_served(
    start: Start, toy: Toy, runtime: RuntimeSettings
) -> None:
    with start(toy, runtime.model_copy(update={"max_message_bytes": MIB})) as served:
        stub = ToyStub(served.channel)
        problem = failure(lambda: stub.echo(StringValue(value="x" * MIB)))
        assert problem.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert isinstance(fault(problem), errors.InvalidInput)
        assert stub.echo(StringValue(value="x")).value == "x"


def test_a_full_queue_is_said_with_a_time_to_come_again(start: Start, toy: Toy, runtime: RuntimeSettings) -> None:
    with start(toy, runtime.model_copy(update={"max_waiting_calls": 1})) as served:
        stub = ToyStub(served.channel)
        first = stub.wait.future(StringValue(value="first"))
        assert toy.arrived.acquire(timeout=10)
        problem = failure(lambda: stub.wait(StringValue()))
        assert problem.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        error = fault(problem)
        assert isinstance(error, errors.Overloaded)
        assert error.retry_after_ms > 0
        assert health(served).status == health_pb2.HealthCheckResponse.SERVING
        toy.gate.set()
        assert first.result(10).value == "first"


def test_a_flood_is_refused_alike_and_health_is_answered(toy: Toy, runtime: RuntimeSettings) -> None:
    """Whether there was room for a refusal with details, or gRPC refused by itself."""
    with on_threads(toy, runtime.model_copy(update={"max_waiting_calls": 1})) as served:
        stub = ToyStub(served.channel)
        first = stub.wait.future(StringValue(value="first"))
        assert toy.arrived.acquire(timeout=10)
        refused = [stub.wait.future(StringValue()) for _ in range(2 * MAX_REFUSALS)]
        codes = {problem.code() for call in refused if isinstance(problem := call.exception(10), grpc.RpcError)}
        assert codes == {grpc.StatusCode.RESOURCE_EXHAUSTED}
        assert health(served).status == health_pb2.HealthCheckResponse.SERVING
        toy.gate.set()
        assert first.result(10).value == "first"


def test_calls_are_counted_by_method_and_status(stub: ToyStub, served: Served[grpc.Channel], toy: Toy) -> None:
    toy.problem = errors.NotFound("item", "x")
    stub.echo(StringValue())
    failure(lambda: stub.fail(StringValue()))

    def count(method: str, code: str) -> float | None:
        labels = {"grpc_service": SERVICE, "grpc_method": method, "grpc_code": code}
        return served.telemetry.registry.get_sample_value("grpc_server_handled_total", labels)

    assert count("Echo", "OK") == 1
    assert count("Fail", "NOT_FOUND") == 1
    labels = {"grpc_service": SERVICE, "grpc_method": "Echo"}
    assert served.telemetry.registry.get_sample_value("grpc_server_in_flight", labels) == 0
    assert served.telemetry.registry.get_sample_value("grpc_server_handling_seconds_count", labels) == 1


def test_reflection_names_the_service(served: Served[grpc.Channel]) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(served.channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    answer = next(iter(stub.ServerReflectionInfo(iter([request]))))
    assert SERVICE in {service.name for service in answer.list_services_response.service}


def test_reflection_can_be_switched_off(start: Start, toy: Toy, runtime: RuntimeSettings) -> None:
    with start(toy, runtime.model_copy(update={"reflection": False})) as served:
        stub = reflection_pb2_grpc.ServerReflectionStub(served.channel)
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        problem = failure(lambda: list(stub.ServerReflectionInfo(iter([request]))))
        assert problem.code() is grpc.StatusCode.UNIMPLEMENTED


def test_drain_finishes_a_running_call_and_then_closes(start: Start, toy: Toy, runtime: RuntimeSettings) -> None:
    with start(toy, runtime) as served:
        channel = grpc.insecure_channel(served.target)
        running = ToyStub(channel).wait.future(StringValue(value="kept"))
        assert toy.arrived.acquire(timeout=10)
        watch = iter(health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=SERVICE)))
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING

        def let_go() -> None:
            """The watcher hears that health is down while the call still runs; only then it may end."""
            told.append(next(watch).status)
            toy.gate.set()

        told: list[int] = []
        threading.Thread(target=let_go).start()
    assert running.result(10).value == "kept"
    assert told == [health_pb2.HealthCheckResponse.NOT_SERVING]
    assert toy.closed
    channel.close()


def test_drain_cancels_what_takes_longer_than_the_setting(start: Start, toy: Toy, runtime: RuntimeSettings) -> None:
    with start(toy, runtime.model_copy(update={"drain_s": 0.05})) as served:
        channel = grpc.insecure_channel(served.target)
        running = ToyStub(channel).wait.future(StringValue())
        assert toy.arrived.acquire(timeout=10)
    assert isinstance(running.exception(10), grpc.RpcError)
    assert toy.closed
    toy.gate.set()
    channel.close()


def health(served: Served[grpc.Channel], service: str = SERVICE) -> health_pb2.HealthCheckResponse:
    return health_pb2_grpc.HealthStub(served.channel).Check(health_pb2.HealthCheckRequest(service=service), timeout=10)
