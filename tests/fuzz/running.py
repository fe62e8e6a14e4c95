"""A running embedder, photos to ask it about, and a tally of how it answered."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import grpc
import numpy as np
import psutil

from services.launch import SERVICES
from tests.embedder.hostile import Hostile
from tests.fleet import ROOT, free_ports
from tests.servers import await_serving
from visrec.v1 import common_pb2, embedder_pb2, embedder_pb2_grpc

CALL_S = 120.0
"""Deadline of a call. The service gives up a photo after some seconds; several callers may wait for as many of them."""

STREAM_S = 220.0
MOST_TRIES = 50
AGAIN_S = 0.1
ROUNDING = 1e-6

OK: int = grpc.StatusCode.OK.value[0]
INVALID: int = grpc.StatusCode.INVALID_ARGUMENT.value[0]
EXHAUSTED: int = grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]


@dataclass
class Tally:
    """How the calls ended, by name of the status, and the longest of them, in seconds. Used by many threads."""

    statuses: Counter[str] = field(default_factory=Counter)
    longest: tuple[float, str] = (0.0, "")
    wrong: list[str] = field(default_factory=list)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def add(self, question: Question, code: int, answer: embedder_pb2.EmbedImageResponse, seconds: float) -> None:
        """An answer, after its time."""
        wrong = question.judge(code, answer)
        with self._turn:
            self.statuses[f"{'good' if question.expected else 'hostile'} {name_of(code)}"] += 1
            self.longest = max(self.longest, (seconds, question.name))
            if wrong:
                self.wrong.append(wrong)

    def __str__(self) -> str:
        ended = ", ".join(f"{status}: {count}" for status, count in sorted(self.statuses.items()))
        return f"{ended}; the longest took {self.longest[0]:.1f} s ({self.longest[1]})"


@dataclass
class Embedder:
    """A running embedder: its process, its log, calls to it, and a good photo with what it makes of it at the start."""

    process: subprocess.Popen[bytes]
    log: Path
    channel: grpc.Channel
    good: Question = field(init=False)
    tally: Tally = field(default_factory=Tally)

    @property
    def stub(self) -> embedder_pb2_grpc.EmbedderServiceStub:
        return embedder_pb2_grpc.EmbedderServiceStub(self.channel)

    def pss_bytes(self) -> int:
        """Memory of all its processes; what they share is counted once."""
        whole = psutil.Process(self.process.pid)
        return sum(each.memory_full_info().pss for each in (whole, *whole.children(recursive=True)))

    def complaints(self) -> list[str]:
        """Lines of its log that tell of an error, or that are no lines of a log: something else wrote them."""
        return [line for line in self.log.read_text().splitlines() if _level(line) in {None, "error", "critical"}]


def _level(line: str) -> object:
    try:
        return json.loads(line).get("level")
    except (ValueError, AttributeError):
        return None


@dataclass(frozen=True)
class Question:
    """A file, and the answers that are right: the embedding it had before, or for a hostile one none but a refusal,
    unless it may be read."""

    file: Hostile
    expected: embedder_pb2.EmbedImageResponse | None = None

    @property
    def name(self) -> str:
        return self.file.name

    def request(self) -> embedder_pb2.EmbedImageRequest:
        return embedder_pb2.EmbedImageRequest(
            photo=common_pb2.Photo(data=self.file.data), include_raw_features=self.expected is not None
        )

    def judge(self, code: int, answer: embedder_pb2.EmbedImageResponse) -> str:
        """What is wrong with an answer; nothing: it is right."""
        if self.expected is None:
            right = {INVALID} if self.file.refused else {INVALID, OK}
            return "" if code in right else f"{self.name}: {name_of(code)}"
        if code != OK:
            return f"{self.name}: {name_of(code)}"
        return "" if _same(answer, self.expected) else f"{self.name}: another embedding"


def _same(one: embedder_pb2.EmbedImageResponse, other: embedder_pb2.EmbedImageResponse) -> bool:
    """What the network saw is the same to the last bit. The head is a matrix product, whose sums are rounded otherwise
    for several photos at a time: `ROUNDING` for vectors of unit norm."""
    assert one.raw_features
    first, second = (np.frombuffer(each.vector.data, dtype="<f4") for each in (one, other))
    return one.raw_features == other.raw_features and np.allclose(first, second, rtol=0, atol=ROUNDING)


def name_of(code: int) -> str:
    return next(status.name for status in grpc.StatusCode if status.value[0] == code)


@contextmanager
def running_embedder(folder: Path, good: bytes) -> Iterator[Embedder]:
    """From its start to its end, on ports of its own. `good`: the file of a photo to ask about between others."""
    port, metrics = free_ports(2)
    variables = {
        "VISREC_EMBEDDER_MODEL": "lite0",
        "VISREC_EMBEDDER_PORT": str(port),
        "VISREC_EMBEDDER_METRICS_PORT": str(metrics),
        "VISREC_VAR_DIR": str(folder / "var"),
    }
    log = folder / "log.jsonl"
    command = [sys.executable, "-m", "services", "embedder"]
    with log.open("ab") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=os.environ | variables, stdout=output, stderr=output)
    options = [("grpc.max_send_message_length", -1)]
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}", options) as channel:
            try:
                await_serving(channel, SERVICES["embedder"].full_name, CALL_S)
            except grpc.RpcError as problem:
                raise AssertionError(f"it does not serve; its log:\n{log.read_text()[-4000:]}") from problem
            running = Embedder(process, log, channel)
            question = Question(Hostile("a good photo", good), embedder_pb2.EmbedImageResponse())
            answer = running.stub.EmbedImage(question.request(), timeout=CALL_S)
            running.good = replace(question, expected=answer)
            yield running
        process.terminate()
        process.wait(CALL_S)
    finally:
        process.kill()
        process.wait()


def ask(embedder: Embedder, question: Question) -> None:
    """One call, and again as long as the service is full."""
    code, answer, started = EXHAUSTED, embedder_pb2.EmbedImageResponse(), time.monotonic()
    for _ in range(MOST_TRIES):
        try:
            code, answer = OK, embedder.stub.EmbedImage(question.request(), timeout=CALL_S)
        except grpc.RpcError as problem:
            code = problem.code().value[0]
        if code != EXHAUSTED:
            break
        time.sleep(AGAIN_S)
    embedder.tally.add(question, code, answer, time.monotonic() - started)


def ask_in_a_stream(embedder: Embedder, questions: Sequence[Question]) -> None:
    """All in one stream. Answers come in the order of the questions; the time of each is that since the one before."""
    requests = (
        embedder_pb2.EmbedImagesRequest(key=str(number), request=question.request())
        for number, question in enumerate(questions)
    )
    answers = embedder.stub.EmbedImages(requests, timeout=STREAM_S)
    before = time.monotonic()
    for (number, question), answer in zip(enumerate(questions), answers, strict=True):
        now = time.monotonic()
        assert answer.key == str(number)
        embedder.tally.add(question, answer.error.code, answer.embedding, now - before)
        before = now
