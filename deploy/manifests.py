"""The Kubernetes manifests of deploy/k8s as Python objects.

They are rendered by kubectl or kustomize where one is installed, and otherwise read file by file: that leaves out the
namespace, the common labels and the generated names, but no field of ours.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # comes with kubernetes-validate, without types

Manifest = Mapping[str, Any]
"""One Kubernetes object as YAML has it."""

K8S = Path(__file__).resolve().parent / "k8s"
RENDER_S = 60
"""Rendering is local work of a fraction of a second; what takes longer hangs."""


class BrokenManifests(Exception):
    """The manifests cannot be rendered or read; the message is the tool's own."""


def load(folder: Path = K8S) -> list[Manifest]:
    """Every object of the kustomization in `folder`. Raises BrokenManifests."""
    command = renderer()
    return rendered(command, folder) if command else plain(folder)


def renderer() -> list[str] | None:
    """The command that renders a kustomization, without the folder; None when no such tool is installed."""
    if shutil.which("kubectl"):
        return ["kubectl", "kustomize"]
    return ["kustomize", "build"] if shutil.which("kustomize") else None


def rendered(command: list[str], folder: Path) -> list[Manifest]:
    """The objects that `command` makes of `folder`. Raises BrokenManifests with what the tool complained about."""
    done = subprocess.run([*command, str(folder)], capture_output=True, text=True, check=False, timeout=RENDER_S)
    if done.returncode:
        raise BrokenManifests(done.stderr.strip())
    return list(_documents(done.stdout, "rendered"))


def plain(folder: Path) -> list[Manifest]:
    """The objects of the files that kustomization.yaml lists, as they are written. Raises BrokenManifests for a listed
    file that is missing and for a manifest that is not listed."""
    kustomization = next(_documents((folder / "kustomization.yaml").read_text(), "kustomization.yaml"))
    listed = list(kustomization["resources"])
    present = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
    if different := present ^ set(listed):
        raise BrokenManifests(f"listed or present, but not both: {', '.join(sorted(different))}")
    for source in _generator_sources(kustomization):
        if not (folder / source).is_file():
            raise BrokenManifests(f"{source}: a generator names it, but there is no such file")
    return [document for name in listed for document in _documents((folder / name).read_text(), name)]


def _generator_sources(kustomization: Manifest) -> Iterator[str]:
    for generator in kustomization.get("configMapGenerator", []):
        yield from generator.get("envs", [])
        yield from generator.get("files", [])


def _documents(text: str, name: str) -> Iterator[Manifest]:
    try:
        yield from (document for document in yaml.safe_load_all(text) if document)
    except yaml.YAMLError as error:
        raise BrokenManifests(f"{name}: {error}") from error
