"""Every import rule of pyproject.toml is broken once, in a copy of the tree, to see that it notices."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SETTINGS: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
RULES = [contract["name"] for contract in SETTINGS["contracts"]]

BREACHES = {
    "The launcher stands on the services, they on the runtime; no service imports another": [
        ("services/ranker/trespass.py", "import services.profile"),
        ("services/runtime/trespass.py", "import services.ranker"),
        ("services/errors.py", "import services.spaces"),
        ("services/unplaced.py", ""),
    ],
    "The domain knows no transport, no contract, no store and no runtime": [
        ("services/ranker/trespass.py", "import grpc"),
        ("services/ranker/trespass.py", "from visrec.v1 import common_pb2"),
        ("services/indexer/trespass.py", "from services.runtime import settings"),
        ("services/spaces.py", "from google.protobuf import message"),
    ],
    "Pillow stays with the pictures": [("services/embedder/trespass.py", "from PIL import Image")],
    "onnx and onnxruntime stay with the network": [("services/embedder/trespass.py", "import onnxruntime")],
    "torch stays with the training": [("services/embedder/trespass.py", "import torch")],
    "Training is a command: nothing that serves or calls needs it": [("jobs/trespass.py", "import train.photos")],
    "faiss stays with the index": [("services/indexer/trespass.py", "import faiss")],
    "Roaring bitmaps stay with the index": [("services/indexer/trespass.py", "import pyroaring")],
    "redis stays with the stores": [("services/profile/servicer.py", "import redis")],
    "Only apps wire: nothing else in a service imports its adapters": [
        ("services/ranker/trespass.py", "from services.ranker.others import peers")
    ],
    "What callers install imports nothing of the services": [("visrec/trespass.py", "import numpy")],
    "What stands around the services speaks to them as any caller does": [
        ("deploy/trespass.py", "import services.spaces"),
        ("jobs/trespass.py", "from services.profile import segments"),
    ],
}


def test_every_rule_is_broken_below() -> None:
    assert set(BREACHES) == set(RULES)


@pytest.mark.parametrize(
    ("rule", "file", "line"),
    [(rule, file, line) for rule, breaches in BREACHES.items() for file, line in breaches],
)
def test_a_breach_is_noticed(rule: str, file: str, line: str, tmp_path: Path) -> None:
    """The linter fails, and names the rule that was broken."""
    for package in (*SETTINGS["root_packages"], "tooling"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / file).open("a") as module:
        module.write(f"\n{line}\n")

    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    told = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)

    assert told.returncode == 1, told.stderr
    assert f"{rule} BROKEN" in " ".join(told.stdout.split())
