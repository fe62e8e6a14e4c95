"""The bare clients of `make bench-indexer`, against servers that are not theirs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest

from bench.failure import BenchFailed
from bench.indexer import dialogue, exact, load
from bench.indexer.child import Child
from bench.indexer.grpc_line import GrpcLine, body
from bench.indexer.line import CallFailed, Line
from bench.indexer.load import Endpoint, Reading
from bench.indexer.peers import loop
from bench.indexer.redis_line import RedisLine, command, words
from bench.indexer.shared import Shared

METHOD = "/test.Echo/Echo"
REFUSED = b"refuse"


def echo(request: bytes, context: grpc.ServicerContext) -> bytes:
    if request == REFUSED:
        context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "not now")
    return request * 3


@pytest.fixture
def address() -> Iterator[str]:
    """Of a real gRPC server that answers with the request three times."""
    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {"Echo": grpc.unary_unary_rpc_method_handler(echo)}
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("test.Echo", handlers)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait()


@pytest.mark.parametrize("size", [1, 1_000, 16_384, 40_000])
def test_a_grpc_call_is_answered_however_long_it_is(address: str, size: int) -> None:
    message = bytes(range(256)) * (size // 256 + 1)
    line = GrpcLine(address, METHOD)
    assert [line.call(body(message[:size])) for _ in range(3)] == [message[:size] * 3] * 3
    line.close()


def test_many_calls_on_one_connection_do_not_close_its_window(address: str) -> None:
    line = GrpcLine(address, METHOD)
    for _ in range(50):
        assert len(line.call(body(bytes(30_000)))) == 90_000
    line.close()


def test_a_grpc_call_that_is_refused_fails(address: str) -> None:
    line = GrpcLine(address, METHOD)
    with pytest.raises(CallFailed, match="error instead of a message"):
        line.call(body(REFUSED))
    line.close()


def test_every_body_is_sent_once_and_answers_stay_in_order(address: str) -> None:
    endpoint = Endpoint(lambda: GrpcLine(address, METHOD), [body(b"%d" % number) for number in range(20)])

    answers, latency = load.asked(endpoint, times=2)
    load.once(endpoint, callers=3)

    assert answers == [b"%d" % number * 3 for number in range(20)]
    assert 0 < latency.p50_ms <= latency.p99_ms


def test_a_call_that_fails_ends_the_load(address: str) -> None:
    endpoint = Endpoint(lambda: GrpcLine(address, METHOD), [body(b"fine"), body(REFUSED)])
    with pytest.raises(BenchFailed, match="a call failed"):
        load.once(endpoint, callers=2)


def test_a_server_that_is_not_there_is_no_figure() -> None:
    def nobody() -> Line:
        raise ConnectionRefusedError("nobody there")

    with pytest.raises(BenchFailed, match="nobody there"):
        load.once(Endpoint(nobody, [b""]), callers=1)


def test_figures_are_of_what_was_answered_between_the_readings() -> None:
    before, after = Reading(10.0, 5, cpu_s=1.0, own_s=0.1), Reading(12.0, 9, cpu_s=1.2, own_s=0.2)

    found = load.between(before, after, [1.0, 2.0, 3.0, 4.0])

    assert found.per_s == 2.0
    assert found.cpu_ms == pytest.approx(50.0)
    assert found.own_cores == pytest.approx(0.05)
    assert (found.latency.p50_ms, found.latency.p99_ms) == (3.0, 4.0)


@pytest.mark.parametrize(
    "answer", [b":1\r\n", b"+OK\r\n", b"$-1\r\n", b"$3\r\nabc\r\n", b"*0\r\n", b"*2\r\n$1\r\n7\r\n$2\r\n42\r\n"]
)
def test_a_redis_answer_is_whole_when_its_last_byte_came(answer: bytes) -> None:
    line = RedisLine.__new__(RedisLine)
    line._come = b""
    pieces = [line.take(bytes((byte,))) for byte in answer]
    assert pieces == [None] * (len(answer) - 1) + [answer]
    assert line.take(answer) == answer


def test_what_redis_refuses_fails() -> None:
    line = RedisLine.__new__(RedisLine)
    line._come = b""
    with pytest.raises(CallFailed, match="ERR no such command"):
        line.take(b"-ERR no such command\r\n")


def test_commands_and_lists_of_redis() -> None:
    assert command("VSIM", b"\r\n", 10) == b"*3\r\n$4\r\nVSIM\r\n$2\r\n\r\n\r\n$2\r\n10\r\n"
    assert words(b"*2\r\n$1\r\n7\r\n$2\r\n42\r\n") == [b"7", b"42"]
    assert words(b"*0\r\n") == []


def test_the_bare_search_finds_what_there_is_and_keeps_what_it_built(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    vectors = random.normal(size=(400, 8)).astype(np.float16)
    queries = random.normal(size=(20, 8)).astype(np.float32)
    vectors.tofile(tmp_path / "vectors")
    np.save(tmp_path / "queries.npy", queries)
    task: dict[str, object] = {"rows": 400, "dimension": 8, "links": 16, "ef_construction": 100, "kept_rows": 300}
    task |= {
        "keep": str(tmp_path / "kept"),
        "vectors": str(tmp_path / "vectors"),
        "queries": str(tmp_path / "queries.npy"),
    }

    found = loop.Bare(task).answer(ef=200)["found"]
    kept = (tmp_path / "kept").stat().st_mtime_ns
    again = loop.Bare(task).answer(ef=200)["found"]

    assert isinstance(found, list)
    assert exact.recall(found, exact.nearest(vectors, queries, loop.LIMIT)) > 0.95
    assert isinstance(again, list)
    assert exact.recall(again, found) > 0.95
    assert (tmp_path / "kept").stat().st_mtime_ns == kept


def test_a_helper_is_asked_line_by_line_and_ends_when_it_hears_no_more(tmp_path: Path) -> None:
    program = "import sys, json\nfor line in sys.stdin: print(json.dumps([json.loads(line)]), flush=True)"
    with dialogue.started("echo", [sys.executable, "-c", program], tmp_path / "log") as said:
        assert said.ask(one=1) == [{"one": 1}]
        assert said.ask(two=[2]) == [{"two": [2]}]


def test_a_helper_that_ends_says_why(tmp_path: Path) -> None:
    program = "raise SystemExit('out of memory')"
    with (
        dialogue.started("helper", [sys.executable, "-c", program], tmp_path / "log") as said,
        pytest.raises(BenchFailed, match="out of memory"),
    ):
        said.hear()


def test_a_helper_leaves_no_lines_that_are_not_json(tmp_path: Path) -> None:
    program = "print('hello', flush=True); input()"
    with (
        dialogue.started("helper", [sys.executable, "-c", program], tmp_path / "log") as said,
        pytest.raises(json.JSONDecodeError),
    ):
        said.hear()


def test_a_server_that_ends_is_not_waited_for(tmp_path: Path) -> None:
    with (
        Child("server", [sys.executable, "-c", "raise SystemExit(3)"], tmp_path / "log") as child,
        pytest.raises(BenchFailed, match="server ended with exit code 3"),
    ):
        child.await_that(lambda: False, 60.0)


def test_a_server_is_gone_at_the_end_with_all_that_it_started(tmp_path: Path) -> None:
    program = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"
    with Child("server", [sys.executable, "-c", program], tmp_path / "log") as child:
        child.await_that(lambda: len(child.meter.processes()) == 2, 60.0)
        started = child.meter.processes()
    assert not any(each.is_running() for each in started)


def test_each_thing_goes_to_one_thread() -> None:
    shared = Shared(range(1000))
    with ThreadPoolExecutor(4) as pool:
        taken = [pool.submit(lambda: list(shared)) for _ in range(4)]
    assert sorted(thing for each in taken for thing in each.result()) == list(range(1000))


def test_nobody_gets_more_after_a_failure() -> None:
    shared = Shared(range(1000))

    def fail() -> None:
        next(iter(shared))
        raise BenchFailed("no")

    with pytest.raises(BenchFailed):
        shared.guarded(fail)
    assert list(shared) == []
