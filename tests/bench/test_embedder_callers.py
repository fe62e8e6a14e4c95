"""Callers against servers that do nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from bench import cases
from bench.embedder.answers import Answer
from bench.embedder.callers import CALLERS, Callers, H2load, Python, answers_of_log, steadily
from bench.embedder.endpoints import Endpoint, cosine
from bench.embedder.photos import COUNT, Photos, enlarged, framed, request
from bench.failure import BenchFailed
from bench.pictures import picture
from visrec.v1 import embedder_pb2, indexer_pb2

GENERATORS = [
    pytest.param(H2load(), id="h2load", marks=pytest.mark.skipif(not shutil.which("h2load"), reason="no h2load here")),
    pytest.param(Python(), id="python"),
]


class Answering(BaseHTTPRequestHandler):
    """Answers 200 to what is not empty, 500 to what is."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)[:8]
        self.send_response(200 if body else 500)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Says nothing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 2 * CALLERS


@pytest.fixture
def http1() -> Iterator[Endpoint]:
    with Server(("127.0.0.1", 0), Answering) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield Endpoint("http1", f"127.0.0.1:{server.server_port}", "/predict")
        server.shutdown()
        thread.join()


@pytest.fixture
def grpc() -> Iterator[Endpoint]:
    with cases.empty_call() as case:
        yield Endpoint("grpc", case.request.target, case.request.method)


@pytest.fixture(params=["grpc", "http1"])
def endpoint(request: pytest.FixtureRequest) -> Endpoint:
    found: Endpoint = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def photos(tmp_path: Path) -> Photos:
    """Two bodies that the servers above can read."""
    files: dict[str, list[Path]] = {"pictures": [], "grpc": [], "framed": []}
    for number in range(2):
        message = indexer_pb2.SearchRequest(catalogue=f"catalogue-{number}").SerializeToString()
        for kind, content in (("pictures", message), ("grpc", message), ("framed", framed(message))):
            path = tmp_path / f"{number}.{kind}"
            path.write_bytes(content)
            files[kind].append(path)
    return Photos(**files)


@pytest.mark.parametrize("callers", GENERATORS)
def test_one_caller_sends_every_photo_as_often_as_it_was_told(
    callers: Callers, endpoint: Endpoint, photos: Photos
) -> None:
    answers = callers.alone(endpoint, photos, 3)

    assert len(answers) == 6
    assert all(answer.ms > 0 for answer in answers)


@pytest.mark.parametrize("callers", GENERATORS)
def test_all_callers_get_answers(callers: Callers, endpoint: Endpoint, photos: Photos) -> None:
    assert len(callers.together(endpoint, photos, 0.5)) >= CALLERS


def test_at_a_rate_so_many_are_sent_whether_answers_come_or_not(endpoint: Endpoint, photos: Photos) -> None:
    assert len(steadily(endpoint, photos, rate=100.0, seconds=0.5)) == 50


def test_calls_that_fail_are_not_figures(http1: Endpoint, grpc: Endpoint, photos: Photos, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing"
    nothing.touch()
    with pytest.raises(BenchFailed, match="500"):
        Python().alone(http1, Photos([nothing], [nothing], [nothing]), 1)
    with pytest.raises(BenchFailed, match="UNIMPLEMENTED"):
        Python().alone(Endpoint("grpc", grpc.address, "/visrec.v1.IndexerService/Nothing"), photos, 1)


def test_a_line_of_the_log_is_an_answer() -> None:
    assert answers_of_log("1700000000000000\t200\t5000\n") == [Answer(1_700_000_000.005, 5.0)]
    assert answers_of_log("") == []


def test_a_status_that_is_not_200_is_not_a_figure() -> None:
    with pytest.raises(BenchFailed, match="503"):
        answers_of_log("1700000000000000\t200\t5000\n1700000000000000\t503\t5000\n")


def test_photos_differ_and_are_sent_as_the_embedder_takes_them(tmp_path: Path) -> None:
    photos = Photos.written(tmp_path)
    data = [path.read_bytes() for path in photos.pictures]

    assert len(set(data)) == COUNT
    assert embedder_pb2.EmbedImageRequest.FromString(photos.grpc[1].read_bytes()).photo.data == data[1]
    assert photos.framed[1].read_bytes() == framed(request(data[1]))


def test_a_photo_is_enlarged() -> None:
    assert len(enlarged(picture(0), 2)) > len(picture(0))


def test_who_computes_the_same_is_told_by_the_cosine(http1: Endpoint) -> None:
    features = http1.features(b"\0\0\x80\x3f\0\0\0\x40")

    assert features is not None
    assert features.tolist() == [1.0, 2.0]
    assert cosine(features, features) == pytest.approx(1.0)
    assert cosine(features, -features) == pytest.approx(-1.0)
    assert cosine(features, 0 * features) == 0.0


def test_nobody_there_is_no_answer_yet() -> None:
    """Port 9 (discard) of loopback has nobody who would answer."""
    assert Endpoint("http1", "127.0.0.1:9", "/").features(b"photo") is None
    assert Endpoint("grpc", "127.0.0.1:9", "/").features(b"photo") is None
