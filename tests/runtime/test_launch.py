"""How a service that cannot start ends: one line that says why, and an exit code that says whether to try again."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import NoReturn

import pytest
from pydantic_settings import SettingsConfigDict

from services.errors import NotReady, Refused
from services.launch import EXIT_CONFIGURATION
from services.runtime.settings import ServiceSettings

PROGRAM = """
import sys
from services.launch import Service, run
here = "tests.runtime.test_launch"
sys.exit(run(Service("toy", "sync", f"{here}:ToySettings", f"{here}:{sys.argv[1]}")))
"""


class ToySettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="VISREC_TOY_", frozen=True)

    port: int = 0
    metrics_port: int = 0


def build_without_weights(*_: object) -> NoReturn:
    raise Refused("the weights are missing: pip install them")


def build_without_cluster(*_: object) -> NoReturn:
    raise NotReady("Redis does not answer")


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        yield somebody.getsockname()[1]


def ended(*arguments: str, **variables: object) -> tuple[int, str]:
    environment = os.environ | {name: str(value) for name, value in variables.items()}
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("build", "code", "told"),
    [
        ("build_without_weights", EXIT_CONFIGURATION, "pip install them"),
        ("build_without_cluster", 1, "Redis does not answer"),
    ],
)
def test_what_is_missing_is_told_in_one_line(build: str, code: int, told: str) -> None:
    """And only what may come back is worth another start."""
    found, line = ended("-c", PROGRAM, build)
    assert found == code
    assert told in line
    assert line.count("\n") == 1


@pytest.mark.parametrize("service", ["embedder", "profile"])
@pytest.mark.parametrize("which", ["PORT", "METRICS_PORT"])
def test_a_taken_port_is_named(service: str, which: str, taken: int) -> None:
    ports = {f"VISREC_{service.upper()}_{name}": 0 for name in ("PORT", "METRICS_PORT")}
    ports[f"VISREC_{service.upper()}_{which}"] = taken
    code, told = ended(
        "-m", "services", service, VISREC_EMBEDDER_MODEL="toy", VISREC_REDIS_URL="unix:///nowhere", **ports
    )
    assert code == EXIT_CONFIGURATION
    assert f"127.0.0.1:{taken}" in told
    assert "Traceback" not in told


@pytest.mark.parametrize("what", ["profile", "all"])
def test_a_misspelt_variable_is_told_before_anything_is_started(what: str) -> None:
    code, told = ended("-m", "services", what, VISREC_PROFIL_WINDOW="3")
    assert code == EXIT_CONFIGURATION
    assert "VISREC_PROFIL_WINDOW: there is no such setting; did you mean VISREC_PROFILE_WINDOW?" in told


def test_the_settings_may_be_read_by_halves() -> None:
    command = [sys.executable, "-m", "services", "settings"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as printing:
        assert printing.stdout
        assert printing.stderr
        printing.stdout.close()
        assert printing.stderr.read() == ""
    assert printing.returncode == 0
