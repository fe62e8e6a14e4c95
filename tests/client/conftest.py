from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.client.fakes.fleet import Fleet, fleet
from visrec.cli import app
from visrec.client import Client

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def services() -> Iterator[Fleet]:
    """The four fakes, with a catalogue `shop` that is empty."""
    with fleet() as running:
        running.indexer.catalogues["shop"] = {}
        yield running


@pytest.fixture
def client(services: Fleet) -> Iterator[Client]:
    with Client.connect(services.targets) as connected:
        yield connected


@pytest.fixture
def run(services: Fleet) -> Run:
    """Runs `visrec ARGUMENTS` against the fakes: exit code, standard output and standard error."""

    def run_(*arguments: str, environment: dict[str, str] | None = None) -> tuple[int, str, str]:
        variables = {**services.environment, "COLUMNS": "200", "VISREC_CATALOGUE": "shop", **(environment or {})}
        result = CliRunner().invoke(app, list(arguments), env=variables)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    return run_


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three photos in two categories, one of them broken."""
    for name, data in {"chairs/red.jpg": b"x", "chairs/[b]lue.jpg": b"x", "lamps/tall.jpg": b"bad"}.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    return tmp_path


@pytest.fixture
def stocked(run: Run, folder: Path) -> Run:
    """The command with two chairs in `shop`, and anna."""
    run("ingest", str(folder))
    run("user", "put", "anna", "--age", "31", "--interest", "plants", "--personalisation")
    return run
