from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

import pytest

from services.runtime.settings import METRICS_PORTS, PORTS

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Stage:
    """One FROM of the Dockerfile: what it stands on and its instructions in order."""

    base: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def all(self, instruction: str) -> list[str]:
        return [text for name, text in self.instructions if name == instruction]


def stages() -> dict[str, Stage]:
    text = re.sub(r"\\\n\s*", "", (ROOT / "deploy" / "Dockerfile").read_text())
    found: dict[str, Stage] = {}
    stage = Stage("")
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        instruction, rest = line.split(maxsplit=1)
        if instruction == "FROM":
            base, _, name = rest.partition(" AS ")
            stage = found.setdefault(name, Stage(base))
        else:
            stage.instructions.append((instruction, rest))
    return found


STAGES = stages()


def chain(name: str) -> Iterator[Stage]:
    """The stage and those it is built from, the nearest first."""
    while name in STAGES:
        yield STAGES[name]
        name = STAGES[name].base


def copies(name: str) -> Iterator[list[str]]:
    """The words of each COPY from the project that the stage and its bases make."""
    for stage in chain(name):
        for text in stage.all("COPY"):
            if "--from" not in text:
                yield shlex.split(text)


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


@pytest.mark.parametrize("name", PORTS)
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


@pytest.mark.parametrize("name", [*PORTS, *(f"{name}-packages" for name in PORTS)])
def test_what_is_copied_exists_and_is_sent_to_the_builder(name: str) -> None:
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for words in copies(name):
        for source in words[:-1]:
            assert (ROOT / source).exists(), source
            assert any(fnmatch(source, pattern) or source.startswith(f"{pattern}/") for pattern in allowed), source


def test_images_and_manifests_name_each_other() -> None:
    listed = (ROOT / "deploy" / "k8s" / "kustomization.yaml").read_text()
    assert set(re.findall(r"name: visrec-(\w+)", listed)) == set(PORTS) <= set(STAGES)
