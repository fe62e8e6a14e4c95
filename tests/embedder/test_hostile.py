"""Broken and hostile files: one after the other through the reader, and thousands through a running embedder."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.launch import SERVICES
from tests.embedder.hostile import NAMED, corpus, cuts, mutated
from tests.embedder.pictures import jpeg
from tests.fleet import ROOT
from tests.fuzz.running import CALL_S, Embedder, Question, ask, ask_in_a_stream, running_embedder
from tests.fuzz.strangers import POSTSCRIPT

SEED = 1
FILES = 10_000
PART = 1_000
"""Files of one test: each has to end before the time that a hanging test gets."""

IN_STREAMS = 8
"""From this part on they come by EmbedImages."""

CALLERS = 8
STREAMS = 2
EACH_GOOD = 10
"""Hostile files between two good ones."""

PSS_BYTES = 700 * 10**6

linux = pytest.mark.skipif(sys.platform != "linux", reason="nowhere else RLIMIT_AS bounds what is allocated")


# ---- one after the other


@dataclass(frozen=True)
class Batch:
    """What became of each file by name, and whether an interpreter of PostScript was started."""

    outcomes: dict[str, str]
    postscript: bool


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Batch:
    """All files through the reader, in one process of little memory whose PATH leads to a ghostscript that tells."""
    folder = tmp_path_factory.mktemp("batch")
    ran, trap = folder / "ran", folder / "gs"
    trap.write_text(f"#!/bin/sh\ntouch '{ran}'\n")
    trap.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.batch"],
        cwd=ROOT,
        env=os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert done.returncode == 0, f"it died of {lines[-1:]}: {done.stderr}"
    assert not done.stderr
    return Batch({name: outcome for name, outcome, _ in lines}, ran.exists())


@linux
def test_hostile_files_are_read_or_refused_and_nothing_else(batch: Batch) -> None:
    assert len(batch.outcomes) > 800
    assert not {name: outcome for name, outcome in batch.outcomes.items() if outcome not in {"read", "refused"}}
    assert Counter(batch.outcomes.values())["read"] > 100, "nothing that is damaged is read: the damage is too much"


@linux
def test_what_holds_no_picture_is_refused(batch: Batch) -> None:
    due = {name for name, case in NAMED.items() if case.refused}
    assert due <= batch.outcomes.keys()
    assert not {name for name in due if batch.outcomes[name] != "refused"}


@linux
def test_postscript_is_never_run(batch: Batch) -> None:
    assert batch.outcomes["other: PostScript"] == "refused"
    assert POSTSCRIPT.startswith(b"%!PS")
    assert not batch.postscript


def test_the_corpus_is_the_same_for_the_same_seed() -> None:
    some = list(islice(mutated(SEED), 60))
    assert some == list(islice(mutated(SEED), 60))
    assert some[40:] == list(islice(mutated(SEED, start=40), 20))
    assert some != list(islice(mutated(SEED + 1), 60))


def test_the_corpus_has_every_named_file_and_every_cut_once() -> None:
    total = len(NAMED) + len(list(cuts())) + 50
    parts = [file.name for start in (0, total // 2) for file in islice(corpus(total, SEED, start), total // 2)]
    whole = [file.name for file in corpus(total, SEED)]
    assert len(whole) == len(set(whole)) == total
    assert parts == whole[: len(parts)]
    assert NAMED.keys() <= set(whole)
    assert [file.name for file in corpus(7, SEED, start=5)] == [file.name for file in corpus(7, SEED)][5:]


# ---- thousands at once


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedder]:
    """One for all parts, so that what a file leaves behind meets those that follow."""
    with running_embedder(tmp_path_factory.mktemp("embedder"), jpeg(seed=7, height=480, width=640)) as running:
        yield running


def _questions(start: int, good: Question) -> Iterator[Question]:
    """A part of the hostile files, and the good one after every tenth."""
    for number, file in enumerate(islice(corpus(FILES, SEED, start), PART)):
        yield Question(file)
        if number % EACH_GOOD == EACH_GOOD - 1:
            yield good


def _check(embedder: Embedder) -> None:
    """The same process is well, of little memory, and has nothing to report but its calls."""
    print(f"after {embedder.tally}; {embedder.pss_bytes() / 1e6:.0f} MB")  # noqa: T201 - the summary of a long run
    assert not embedder.tally.wrong
    assert embedder.process.poll() is None
    health = health_pb2_grpc.HealthStub(embedder.channel).Check(
        health_pb2.HealthCheckRequest(service=SERVICES["embedder"].full_name), timeout=CALL_S
    )
    assert health.status == health_pb2.HealthCheckResponse.SERVING
    assert embedder.pss_bytes() < PSS_BYTES
    assert not embedder.complaints()


@pytest.mark.soak
@pytest.mark.parametrize("part", range(IN_STREAMS))
def test_hostile_files_from_many_callers_do_no_harm(embedder: Embedder, part: int) -> None:
    questions, turn = _questions(part * PART, embedder.good), threading.Lock()

    def call() -> None:
        while True:
            with turn:
                question = next(questions, None)
            if question is None:
                return
            ask(embedder, question)

    with ThreadPoolExecutor(CALLERS) as callers:
        for caller in [callers.submit(call) for _ in range(CALLERS)]:
            caller.result()
    _check(embedder)


@pytest.mark.soak
@pytest.mark.parametrize("part", range(IN_STREAMS, FILES // PART))
def test_hostile_files_in_streams_do_no_harm(embedder: Embedder, part: int) -> None:
    questions = list(_questions(part * PART, embedder.good))
    with ThreadPoolExecutor(STREAMS) as callers:
        streams = [callers.submit(ask_in_a_stream, embedder, questions[number::STREAMS]) for number in range(STREAMS)]
        for stream in streams:
            stream.result()
    _check(embedder)
