"""What the contract says of each RPC, asked of running services."""

from __future__ import annotations

import grpc
import pytest
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status

from tests.contract.rpcs import Rpc, rpcs
from tests.e2e.conftest import CALL_S, Stubs

UNARY = [rpc for rpc in rpcs() if not rpc.method.client_streaming]


def call_with_nothing(visrec: Stubs, rpc: Rpc) -> grpc.RpcError | None:
    """The error that an empty request gets; None when it is answered."""
    request = GetMessageClass(rpc.method.input_type)()
    response = GetMessageClass(rpc.method.output_type)
    call = visrec.channels[rpc.service].unary_unary(
        rpc.path,
        request_serializer=type(request).SerializeToString,
        response_deserializer=response.FromString,
    )
    try:
        call(request, timeout=CALL_S)
    except grpc.RpcError as error:
        return error
    return None


@pytest.mark.parametrize("rpc", [rpc for rpc in UNARY if rpc.later], ids=lambda rpc: rpc.path)
def test_an_rpc_of_a_later_version_says_so(visrec: Stubs, rpc: Rpc) -> None:
    error = call_with_nothing(visrec, rpc)
    assert error is not None
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
    assert rpc.method.name in (error.details() or "")
    assert error_info(error).reason == "NOT_IMPLEMENTED_YET"


@pytest.mark.parametrize("rpc", [rpc for rpc in UNARY if not rpc.later], ids=lambda rpc: rpc.path)
def test_an_empty_request_is_answered_or_refused_with_details(visrec: Stubs, rpc: Rpc) -> None:
    """Nothing that a caller sends, or forgets to send, is an internal error."""
    error = call_with_nothing(visrec, rpc)
    if error is not None:
        assert error.code() in {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND}
        assert error_info(error).domain == "visrec"


@pytest.mark.parametrize("service", ["embedder", "indexer", "profile", "ranker"])
def test_reflection_names_the_service(visrec: Stubs, service: str) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(visrec.channels[service])
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    (answer,) = stub.ServerReflectionInfo(iter([request]), timeout=CALL_S)
    named = {each.name for each in answer.list_services_response.service}
    assert f"visrec.v1.{service.title()}Service" in named


def error_info(error: grpc.RpcError) -> error_details_pb2.ErrorInfo:
    status = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    assert status is not None
    assert any(detail.Unpack(info) for detail in status.details)
    return info
