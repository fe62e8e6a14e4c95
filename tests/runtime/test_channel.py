"""Channels between services, from threads and on a loop: errors of the family, deadlines, retries, TLS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import Int64Value, StringValue

from services import errors
from services.runtime import channel, channel_async, deadlines
from services.runtime.settings import RuntimeSettings
from services.runtime.transport import server_credentials
from tests.fleet import free_ports
from tests.runtime.toy import SERVICE, Toy, ToyStub, async_app, sync_app
from tests.servers import Served, serving, serving_async

CERTIFICATES = Path(__file__).parent / "certificates"


@pytest.fixture
def toy() -> Toy:
    return Toy()


@pytest.fixture
def served(toy: Toy, runtime: RuntimeSettings) -> Iterator[Served[grpc.Channel]]:
    with serving(sync_app(toy), runtime) as served:
        yield served


def calling(runtime: RuntimeSettings, target: str, **more: Any) -> RuntimeSettings:
    return runtime.model_copy(update={"indexer_target": target, **more})


def test_calls_and_streams_over_threads(served: Served[grpc.Channel], runtime: RuntimeSettings) -> None:
    with channel.open_channel("indexer", calling(runtime, served.target)) as opened:
        stub = ToyStub(opened)
        assert stub.echo(StringValue(value="x")).value == "x"
        assert [answer.value for answer in stub.count(Int64Value(value=3))] == [0, 1, 2]
        assert stub.total(iter([Int64Value(value=4)])).value == 4


async def test_calls_and_streams_on_a_loop(toy: Toy, runtime: RuntimeSettings) -> None:
    async with (
        serving_async(async_app(toy), runtime) as served,
        channel_async.open_channel("indexer", calling(runtime, served.target)) as opened,
    ):
        stub = ToyStub(opened)
        assert (await stub.echo(StringValue(value="x"))).value == "x"
        assert [answer.value async for answer in stub.count(Int64Value(value=3))] == [0, 1, 2]
        assert (await stub.total(iter([Int64Value(value=4)]))).value == 4


def test_the_callers_side_sees_the_error_that_was_raised(
    served: Served[grpc.Channel], toy: Toy, runtime: RuntimeSettings
) -> None:
    toy.problem = errors.SpaceMismatch("visual@1", "visual@2")
    with channel.open_channel("indexer", calling(runtime, served.target)) as opened:
        with pytest.raises(errors.SpaceMismatch) as caught:
            ToyStub(opened).fail(StringValue())
        assert caught.value.given == "visual@2"
        with pytest.raises(errors.SpaceMismatch):
            list(ToyStub(opened).count(Int64Value(value=101)))


async def test_the_same_on_a_loop(toy: Toy, runtime: RuntimeSettings) -> None:
    toy.problem = errors.SpaceMismatch("visual@1", "visual@2")
    async with (
        serving_async(async_app(toy), runtime) as served,
        channel_async.open_channel("indexer", calling(runtime, served.target)) as opened,
    ):
        with pytest.raises(errors.SpaceMismatch):
            await ToyStub(opened).fail(StringValue())
        with pytest.raises(errors.SpaceMismatch):
            _ = [answer async for answer in ToyStub(opened).count(Int64Value(value=101))]


async def test_a_service_that_is_not_there_is_not_ready(runtime: RuntimeSettings) -> None:
    settings = calling(runtime, f"127.0.0.1:{free_ports(1)[0]}")
    with channel.open_channel("indexer", settings) as opened, pytest.raises(errors.NotReady, match="indexer"):
        ToyStub(opened).echo(StringValue())
    async with channel_async.open_channel("indexer", settings) as opened:
        with pytest.raises(errors.NotReady, match="indexer"):
            await ToyStub(opened).echo(StringValue())


def test_a_call_inherits_what_remains_of_the_deadline(
    served: Served[grpc.Channel], toy: Toy, runtime: RuntimeSettings
) -> None:
    with channel.open_channel("indexer", calling(runtime, served.target)) as opened:
        stub = ToyStub(opened)
        with deadlines.within(3):
            assert stub.left(StringValue()).value <= 3.1
        assert 3.1 < stub.left(StringValue()).value <= runtime.default_deadline_s + 0.1
        with deadlines.within(0.05), pytest.raises(errors.TooLate):
            stub.wait(StringValue())
    toy.gate.set()


def test_only_what_may_be_repeated_is_sent_again(
    served: Served[grpc.Channel], toy: Toy, runtime: RuntimeSettings
) -> None:
    toy.problem = errors.NotReady("not now")
    calls = {"grpc_service": SERVICE, "grpc_method": "Fail", "grpc_code": "UNAVAILABLE"}
    settings = calling(runtime, served.target)
    for idempotent, attempts in (((), 1), ((f"{SERVICE}/Fail",), 1 + channel.RETRY_ATTEMPTS)):
        opening = channel.open_channel("indexer", settings, idempotent=idempotent)
        with opening as opened, pytest.raises(errors.NotReady):
            ToyStub(opened).fail(StringValue())
        assert served.telemetry.registry.get_sample_value("grpc_server_handled_total", calls) == attempts


@pytest.mark.parametrize(
    "address", ["127.0.0.1:1", "localhost:1", "[::1]:1", "dns:///127.0.0.1:1", "unix:/tmp/x", "::1"]
)
def test_plain_text_is_for_this_machine(address: str, runtime: RuntimeSettings) -> None:
    channel.require_loopback(address, runtime, "VISREC_TLS_CERT")


@pytest.mark.parametrize(
    "address", ["10.0.0.1:1", "0.0.0.0", "dns:///indexer:50052", "indexer:50052", "localhost.evil:1"]
)
def test_plain_text_beyond_this_machine_must_be_asked_for(address: str, runtime: RuntimeSettings) -> None:
    with pytest.raises(errors.InvalidInput, match="VISREC_INSECURE"):
        channel.require_loopback(address, runtime, "VISREC_TLS_CERT")
    channel.require_loopback(address, runtime.model_copy(update={"insecure": True}), "VISREC_TLS_CERT")


def tls(runtime: RuntimeSettings, *, mutual: bool) -> RuntimeSettings:
    leaf, key, authority = (CERTIFICATES / name for name in ("leaf.pem", "leaf.key", "ca.pem"))
    update: dict[str, object] = {"tls_cert": leaf, "tls_key": key, "channel_ca": authority}
    if mutual:
        update |= {"tls_client_ca": authority, "channel_cert": leaf, "channel_key": key}
    return runtime.model_copy(update=update)


@pytest.mark.parametrize("mutual", [False, True], ids=["server shows", "both show"])
def test_services_speak_tls_by_setting(toy: Toy, runtime: RuntimeSettings, mutual: bool) -> None:
    settings = tls(runtime, mutual=mutual)
    with serving(sync_app(toy), settings, ready=False) as served:
        with channel.open_channel("indexer", calling(settings, served.target)) as opened:
            assert ToyStub(opened).echo(StringValue(value="x"), wait_for_ready=True).value == "x"
        with channel.open_channel("indexer", calling(runtime, served.target)) as plain, pytest.raises(errors.NotReady):
            ToyStub(plain).echo(StringValue())


def test_a_caller_without_a_certificate_is_turned_away_where_one_is_asked_for(
    toy: Toy, runtime: RuntimeSettings
) -> None:
    settings = tls(runtime, mutual=True)
    with serving(sync_app(toy), settings, ready=False) as served:
        anonymous = calling(settings, served.target, channel_cert=None, channel_key=None)
        with channel.open_channel("indexer", anonymous) as opened, pytest.raises(errors.NotReady):
            ToyStub(opened).echo(StringValue())


def test_half_of_a_certificate_is_an_error_that_names_the_settings(runtime: RuntimeSettings) -> None:
    with pytest.raises(errors.InvalidInput, match="VISREC_TLS_KEY"):
        server_credentials(runtime.model_copy(update={"tls_cert": CERTIFICATES / "leaf.pem"}))
    with pytest.raises(errors.InvalidInput, match="VISREC_TLS_CERT"):
        server_credentials(runtime.model_copy(update={"host": "0.0.0.0"}))


def test_a_certificate_that_cannot_be_read_is_named(runtime: RuntimeSettings) -> None:
    gone = CERTIFICATES / "gone.pem"
    with pytest.raises(errors.InvalidInput, match=r"VISREC_TLS_KEY: cannot read .*gone\.pem"):
        server_credentials(runtime.model_copy(update={"tls_cert": CERTIFICATES / "leaf.pem", "tls_key": gone}))
    with pytest.raises(errors.InvalidInput, match="VISREC_CHANNEL_CA"):
        channel.open_channel("indexer", runtime.model_copy(update={"channel_ca": gone}))


def test_a_file_that_holds_something_else_is_named(runtime: RuntimeSettings) -> None:
    with pytest.raises(errors.InvalidInput, match=r"VISREC_CHANNEL_CA: .*leaf\.key holds no PEM certificate"):
        channel.open_channel("indexer", runtime.model_copy(update={"channel_ca": CERTIFICATES / "leaf.key"}))
    update = dict.fromkeys(("tls_cert", "tls_key"), CERTIFICATES / "leaf.pem")
    with pytest.raises(errors.InvalidInput, match=r"VISREC_TLS_KEY: .*leaf\.pem holds no PEM private key"):
        server_credentials(runtime.model_copy(update=update))
