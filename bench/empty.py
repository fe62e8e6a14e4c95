"""The empty call: what a unary call costs in Python gRPC when the service behind it does nothing.

`python -m bench.empty` serves IndexerService.Search on a free port with four threads and answers each request, which
it decodes, with the same ten hits. It prints its port and serves until it is terminated. No metrics, no deadline, no
interceptor: every millisecond that a service needs beyond this is its own.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import grpc

from visrec.v1 import indexer_pb2

METHOD = "/visrec.v1.IndexerService/Search"
THREADS = 4
HITS = 10
FLOATS = 256


def request() -> indexer_pb2.SearchRequest:
    """What is sent: one query of 256 numbers."""
    query = indexer_pb2.Query(name="query")
    query.vector.space = "empty"
    query.vector.data = bytes(FLOATS * 4)
    return indexer_pb2.SearchRequest(catalogue="empty", queries=[query], limit=HITS)


def answer() -> indexer_pb2.SearchResponse:
    """What comes back."""
    hits = [indexer_pb2.Hit(item_id=f"item-{number}", score=1 - number / HITS) for number in range(HITS)]
    return indexer_pb2.SearchResponse(hits=hits)


def serve() -> None:
    """Until terminated."""
    found = answer()
    handler: grpc.RpcMethodHandler[indexer_pb2.SearchRequest, indexer_pb2.SearchResponse] = (
        grpc.unary_unary_rpc_method_handler(
            lambda _request, _context: found,
            indexer_pb2.SearchRequest.FromString,
            indexer_pb2.SearchResponse.SerializeToString,
        )
    )
    _, service, method = METHOD.split("/")
    server = grpc.server(ThreadPoolExecutor(THREADS), options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service, {method: handler})])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    server.wait_for_termination()


if __name__ == "__main__":
    serve()
