"""What the Dockerfile does, done without a container engine: the same lock, the same files, the same entry point."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import venv
from pathlib import Path

import pytest

from services.runtime.settings import PORTS
from tests.deploy.dockerfile import ROOT, STAGES, copies

pytestmark = pytest.mark.soak

READY_S = 60
FAR_AWAY = "redis://127.0.0.1:1/0"


@pytest.fixture(params=PORTS)
def image(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path, Path]:
    """Name of a service, the folder that is /app in its image, and the image's Python."""
    return request.param, *_built(request.param, tmp_path)


def _built(name: str, tmp_path: Path) -> tuple[Path, Path]:
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / "bin" / "python"
    (install,) = STAGES[f"{name}-packages"].all("RUN")
    arguments = shlex.split(install.replace("/opt/visrec", str(python)))[1:]
    subprocess.run([sys.executable, "-m", "pip", "--quiet", *arguments], cwd=ROOT / "requirements", check=True)
    app = tmp_path / "app"
    for *sources, target in copies(name):
        for source in sources:
            _copy(ROOT / source, app / target, into=len(sources) > 1)
    return app, python


def _copy(source: Path, target: Path, *, into: bool) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        target.mkdir(parents=True, exist_ok=True) if into else None
        shutil.copy(source, target)


def test_an_image_starts_its_service_with_nothing_but_its_own_lock(image: tuple[str, Path, Path]) -> None:
    """It listens, even while what it calls and the record are away, and stops cleanly on the image's stop signal."""
    name, app, python = image
    environment = {
        "PATH": os.environ["PATH"],
        "VISREC_REDIS_URL": FAR_AWAY,
        "VISREC_VAR_DIR": str(app.parent / "var"),
        f"VISREC_{name.upper()}_PORT": "0",
        f"VISREC_{name.upper()}_METRICS_PORT": "0",
    }
    command = [str(python), "-m", "services", name]
    with subprocess.Popen(command, cwd=app, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        watchdog = threading.Timer(READY_S, process.kill)
        watchdog.start()
        lines = []
        for line in process.stderr:
            lines.append(line)
            if "listening" in line:
                process.send_signal(signal.SIGTERM)
        watchdog.cancel()
    assert process.returncode == 0, "".join(lines)


def test_the_image_of_jobs_runs_each_with_nothing_but_its_own_lock(tmp_path: Path) -> None:
    """They begin, and find nobody to ask."""
    app, python = _built("jobs", tmp_path)
    environment = {f"VISREC_{name.upper()}_TARGET": "127.0.0.1:1" for name in PORTS}
    for job in ("segments", "collaborative", "head", "weights", "rebuild-profiles", "forget-catalogue"):
        command = [str(python), "-m", "jobs", job, "-c", "shop", "--patience", "0"]
        done = subprocess.run(command, cwd=app, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 1, done.stderr
        assert "answers at 127.0.0.1:1" in done.stderr


def test_the_network_of_the_embedder_is_built_with_the_image(tmp_path: Path) -> None:
    """The command of the Dockerfile, in this environment and with another folder."""
    command = STAGES["embedder"].all("RUN")[-1].replace("/app/models", str(tmp_path))
    subprocess.run([sys.executable, *shlex.split(command)[1:]], cwd=ROOT, check=True)
    (graph,) = tmp_path.iterdir()
    assert graph.suffix == ".onnx"
