from __future__ import annotations

import re
from fnmatch import fnmatch

import pytest

from services.runtime.settings import METRICS_PORTS, PORTS
from tests.deploy.dockerfile import ROOT, STAGES, copies

IMAGES = (*PORTS, "jobs")


def test_the_base_is_pinned_by_digest() -> None:
    text = (ROOT / "deploy" / "Dockerfile").read_text()
    assert re.search(r"^ARG PYTHON=\S+:3\.13\.\d+-slim-bookworm@sha256:[0-9a-f]{64}$", text, re.MULTILINE)
    assert {stage.base for stage in STAGES.values()} - set(STAGES) == {"${PYTHON}"}


@pytest.mark.parametrize("name", PORTS)
def test_an_image_runs_one_service_as_a_numeric_user_without_a_shell(name: str) -> None:
    stage = STAGES[name]
    assert stage.all("ENTRYPOINT") == [f'["python", "-m", "services", "{name}"]']
    assert stage.all("USER") == ["10001:10001"]
    assert stage.all("EXPOSE") == [f"{PORTS[name]} {METRICS_PORTS[name]}"]
    assert STAGES[stage.base].all("STOPSIGNAL") == ["SIGTERM"]


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_installs_its_own_lock_with_hashes_and_wheels_only(name: str) -> None:
    stage = STAGES[f"{name}-packages"]
    assert stage.all("COPY") == [f"requirements/{name}.txt ."]
    (command,) = stage.all("RUN")
    assert f"install --require-hashes --only-binary :all: -r {name}.txt" in command
    assert f"--from={name}-packages /opt/visrec /opt/visrec" in STAGES[name].all("COPY")


@pytest.mark.parametrize("name", PORTS)
def test_an_image_holds_no_other_service(name: str) -> None:
    sources = {source for words in copies(name) for source in words[:-1]}
    assert f"services/{name}" in sources
    assert not sources & {f"services/{other}" for other in PORTS if other != name}


@pytest.mark.parametrize("name", [*IMAGES, *(f"{name}-packages" for name in IMAGES)])
def test_what_is_copied_exists_and_is_sent_to_the_builder(name: str) -> None:
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for words in copies(name):
        for source in words[:-1]:
            assert (ROOT / source).exists(), source
            assert any(fnmatch(source, pattern) or source.startswith(f"{pattern}/") for pattern in allowed), source


def test_the_image_of_jobs_holds_no_service_and_listens_nowhere() -> None:
    stage = STAGES["jobs"]
    assert stage.all("ENTRYPOINT") == ['["python", "-m", "jobs"]']
    assert stage.all("USER") == ["10001:10001"]
    assert stage.all("EXPOSE") == []
    assert {source for words in copies("jobs") for source in words[:-1]} == {"visrec", "jobs"}


def test_images_and_manifests_name_each_other() -> None:
    listed = (ROOT / "deploy" / "k8s" / "kustomization.yaml").read_text()
    assert set(re.findall(r"name: visrec-(\w+)", listed)) == set(IMAGES) <= set(STAGES)
