"""`python -m demo` as a stranger runs it: a folder of photos in, a page out, and nothing left running."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from tests.e2e.conftest import Stubs
from tests.e2e.pictures import COLOURS, picture
from tests.fleet import ROOT

WITHIN_S = 240
"""A bound for what hangs, not a measure."""

SERVICES = ("embedder", "indexer", "profile", "ranker")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Twelve photos in two sub-folders."""
    for pattern in ("rings", "checks"):
        (tmp_path / "my photos" / pattern).mkdir(parents=True)
        for number, colour in enumerate([*COLOURS, "red", "blue"]):
            file = tmp_path / "my photos" / pattern / f"{colour}_{number}.jpg"
            file.write_bytes(picture(pattern, colour, number))
    return tmp_path / "my photos"


def demo(
    folder: Path, photos: Path, environment: Mapping[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    """One run with `folder` as the working directory, where it makes its `var`."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "CATALOG": str(photos), **environment}
    command = [sys.executable, "-m", "demo", *arguments]
    return subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, timeout=WITHIN_S, check=False
    )


def running_below(folder: Path) -> list[psutil.Process]:
    """Processes that were started in `folder`."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(folder):
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_the_whole_demonstration_from_nothing(tmp_path: Path, photos: Path, models: dict[str, str]) -> None:
    """Starts the services, ingests, recommends, writes the page and stops the services again."""
    nobody = {f"VISREC_{name.upper()}_TARGET": "127.0.0.1:0" for name in SERVICES}
    done = demo(tmp_path, photos, {**models, **nobody})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "10 written, 0 there already, 0 removed, 0 failed" in done.stdout
    assert done.stdout.count("▸ Recommended") == 7
    page = (tmp_path / "var/demo/index.html").read_text()
    assert page.count("<article class=card>") >= 20
    assert running_below(tmp_path) == []


def test_services_that_run_already_are_used_and_left_running(tmp_path: Path, photos: Path, visrec: Stubs) -> None:
    targets = {f"VISREC_{name.upper()}_TARGET": visrec.fleet.target(name) for name in SERVICES}
    first, second = (demo(tmp_path, photos, targets) for _ in range(2))
    assert (first.returncode, second.returncode) == (0, 0), first.stdout + second.stdout
    assert "using the services that run already" in first.stdout
    assert "0 written, 10 there already, 0 removed, 0 failed" in second.stdout
    visrec.fleet.await_serving("ranker")


def test_services_that_run_already_cannot_be_served_a_second_time(tmp_path: Path, photos: Path, visrec: Stubs) -> None:
    targets = {f"VISREC_{name.upper()}_TARGET": visrec.fleet.target(name) for name in SERVICES}
    done = demo(tmp_path, photos, targets, "--serve")
    assert done.returncode == 1
    assert visrec.fleet.target("ranker") in done.stdout
    assert "VISREC_VAR_DIR" in done.stdout
    assert "Serving" not in done.stdout


def test_what_is_served_tells_metrics_and_ends_with_a_signal(
    tmp_path: Path, photos: Path, models: dict[str, str]
) -> None:
    nobody = {f"VISREC_{name.upper()}_TARGET": "127.0.0.1:0" for name in SERVICES}
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "CATALOG": str(photos), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "demo", "--serve"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=variables | models | nobody, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        addresses = []
        for line in process.stdout:
            if found := re.search(r"http://\S+/metrics", line):
                addresses.append(found[0])
            if len(addresses) == len(SERVICES):
                break
        pages = [urlopen(address, timeout=10).read().decode() for address in addresses]
        process.send_signal(signal.SIGTERM)
    assert len(pages) == len(SERVICES)
    assert all("grpc_server" in page for page in pages)
    assert running_below(tmp_path) == []


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    done = demo(tmp_path, tmp_path / "nowhere", {})
    assert done.returncode == 1
    assert f"error: {tmp_path / 'nowhere'} does not exist" in done.stdout.replace("\n", "")
