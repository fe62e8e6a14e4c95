"""Logs say what happened and never what was asked."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr

import grpc
import pytest
import structlog

from services.errors import InvalidInput
from services.runtime import faults, logs
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import Telemetry


@pytest.fixture
def written(runtime: RuntimeSettings) -> Iterator[io.StringIO]:
    """What a process logs at debug; afterwards logging is as it was."""
    root = logging.getLogger()
    handlers, level, before = root.handlers[:], root.level, structlog.get_config()
    output = io.StringIO()
    with redirect_stderr(output):
        logs.configure(runtime.model_copy(update={"log_level": "debug"}), "toy")
    yield output
    structlog.configure(**before)
    logging.getLogger(logs.NAME).setLevel(logging.NOTSET)
    root.handlers[:], root.level = handlers, level


def lines(output: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.getvalue().splitlines()]


def test_a_call_is_one_line(written: io.StringIO) -> None:
    method = Telemetry().method("/toy.Toy/Echo")
    method.began()
    method.succeeded(0.0123)
    (line,) = lines(written)
    expected = {"method": "toy.Toy/Echo", "code": "OK", "ms": 12.3, "service": "toy", "level": "debug"}
    assert line.items() >= expected.items()


def test_a_bug_is_found_by_its_id_and_its_place_without_its_message(written: io.StringIO) -> None:
    def handler() -> None:
        raise ValueError("person 4711")

    with pytest.raises(ValueError, match="person") as caught:
        handler()
    fault = faults.fault_of(caught.value)
    Telemetry().method("/toy.Toy/Fail").failed(grpc.StatusCode.INTERNAL, 0.1, fault)
    (line,) = lines(written)
    assert line["level"] == "error"
    assert line["id"] == fault.metadata["id"]
    assert line["exception"] == "ValueError"
    assert "test_telemetry.py" in str(line["where"])
    assert "4711" not in written.getvalue()


def test_the_callers_mistakes_are_no_warnings(written: io.StringIO) -> None:
    method = Telemetry().method("/toy.Toy/Echo")
    method.failed(grpc.StatusCode.INVALID_ARGUMENT, 0.1, InvalidInput("user_id", "'anna' is unknown"))
    (line,) = lines(written)
    assert line["level"] == "debug"
    assert "anna" not in written.getvalue()


def test_an_outage_is_told_and_not_shouted(written: io.StringIO) -> None:
    method = Telemetry().method("/toy.Toy/Echo")
    for _ in range(100):
        method.failed(grpc.StatusCode.UNAVAILABLE, 0.1)
    assert len(lines(written)) < 100


def test_what_was_held_back_is_counted() -> None:
    now = [0.0]
    calm = logs.Calm(every_s=1.0, clock=lambda: now[0])
    assert [calm.admit("a") for _ in range(4)] == [0, None, None, None]
    assert calm.admit("b") == 0
    now[0] = 1.5
    assert calm.admit("a") == 3


def test_libraries_log_in_the_same_form(written: io.StringIO) -> None:
    logging.getLogger("grpc._server").error("something %s", "bad")
    (line,) = lines(written)
    assert line["event"] == "something bad"
    assert line["service"] == "toy"
    assert sys.stderr is not written
