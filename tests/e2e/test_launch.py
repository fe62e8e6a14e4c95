"""`python -m services all` itself: one per var directory, children started again, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import grpc
import psutil
import pytest

from services.launch import EXIT_CONFIGURATION, SERVICES
from tests.fleet import ROOT, STOP_S, Fleet, fleet, free_ports
from tests.servers import await_serving


def children(running: Fleet) -> list[psutil.Process]:
    """Four services and a Redis."""
    found: list[psutil.Process] = psutil.Process(running.launcher.pid).children(recursive=True)
    # Below the embedder there are the processes that look at photos.
    assert len(psutil.Process(running.launcher.pid).children()) == len(SERVICES) + 1 < len(found)
    return found


def left(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that are still there after a while. An orphan that nobody reaps is as good as gone."""
    _, alive = psutil.wait_procs(processes, timeout=STOP_S)
    return [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]


def test_ctrl_c_stops_everything_and_says_so(tmp_path: Path, models: dict[str, str]) -> None:
    with fleet(tmp_path, models) as running:
        again = subprocess.run(
            [sys.executable, "-m", "services", "all"],
            cwd=ROOT,
            env=os.environ | {"VISREC_VAR_DIR": str(running.var_dir)},
            capture_output=True,
            text=True,
            timeout=STOP_S,
            check=False,
        )
        assert again.returncode == 1
        assert "runs already" in again.stderr

        before = running.process("profile").pid
        running.kill("profile")
        running.await_serving("profile")
        assert running.process("profile").pid != before

        family = children(running)
        assert running.stop() == 0
        assert left(family) == []
        assert "visrec is ready" in running.log.read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere Redis has no leash, see services.runtime.leash")
def test_a_killed_launcher_leaves_no_orphans(tmp_path: Path, models: dict[str, str]) -> None:
    with fleet(tmp_path, models) as running:
        family = children(running)
        running.launcher.kill()
        assert left(family) == []


def test_a_wrong_setting_ends_the_start_with_its_name(tmp_path: Path) -> None:
    """Last, and before anything is started where the settings alone tell; else the others stop first."""
    command = [sys.executable, "-m", "services", "all"]
    for variables, told in (
        ({"VISREC_DRAIN_S": "soon"}, "VISREC_DRAIN_S"),
        ({"VISREC_INDEXER_PORT": "0"}, "VISREC_INDEXER_PORT"),
        ({"VISREC_HOST": "0.0.0.0"}, "VISREC_INSECURE"),
        ({"VISREC_REDIS_URL": "localhost"}, "VISREC_REDIS_URL: give redis://"),
        ({"VISREC_RANKER_SCENES": "/nowhere"}, "ranker cannot run: VISREC_RANKER_SCENES: /nowhere"),
    ):
        environment = os.environ | {"VISREC_VAR_DIR": str(tmp_path / "var")} | variables
        ended = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=STOP_S, check=False
        )
        assert ended.returncode == EXIT_CONFIGURATION
        assert told in ended.stderr.splitlines()[-1]


def test_many_signals_at_once_stop_a_service_as_one_does(redis_url: str, tmp_path: Path) -> None:
    """A handler may run within another one, so it must not take a lock."""
    (port,) = free_ports(1)
    environment = {
        "VISREC_REDIS_URL": redis_url,
        "VISREC_VAR_DIR": str(tmp_path),
        "VISREC_INDEXER_PORT": str(port),
        "VISREC_INDEXER_METRICS_PORT": "0",
    }
    with subprocess.Popen([sys.executable, "-m", "services", "indexer"], cwd=ROOT, env=os.environ | environment) as one:
        try:
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                await_serving(channel)
            for _ in range(300):
                one.send_signal(signal.SIGTERM)
            one.wait(STOP_S)
        finally:
            one.kill()
    assert one.returncode == 0
