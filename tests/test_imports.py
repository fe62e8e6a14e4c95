"""What a process or a caller drags in: each service only what it needs, the client next to nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

LOCKS = Path(__file__).parents[1] / "requirements"

HEAVY = ("faiss", "onnxruntime", "onnx", "PIL", "redis", "numpy", "uvloop", "pydantic", "structlog")

ALLOWED = {
    "visrec": set(),
    "visrec.client": set(),
    "visrec.cli": set(),
    "services.embedder.app": {"onnxruntime", "onnx", "PIL", "numpy", "pydantic", "redis", "structlog", "uvloop"},
    "services.embedder.eye": {"PIL", "numpy", "pydantic"},
    "services.indexer.app": {"faiss", "redis", "numpy", "pydantic", "structlog"},
    "services.profile.app": {"redis", "numpy", "pydantic", "structlog"},
    "services.ranker.app": {"redis", "numpy", "pydantic", "structlog", "uvloop"},
    "services.launch": {"pydantic", "structlog", "numpy"},
}


@pytest.mark.parametrize("module", ALLOWED)
def test_a_module_imports_only_what_it_needs(module: str) -> None:
    code = f"import sys, {module}; print(*(name for name in {HEAVY!r} if name in sys.modules))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert set(printed.stdout.split()) <= ALLOWED[module]


INSTALLED = {
    "services.embedder.app": "embedder",
    "services.indexer.app": "indexer",
    "services.profile.app": "profile",
    "services.ranker.app": "ranker",
}
"""What runs, and the lock from which its image is installed."""

DISTRIBUTIONS = {"PIL": "pillow", "faiss": "faiss-cpu"}
"""Of packages that are named otherwise where they come from."""


@pytest.mark.parametrize("module", INSTALLED)
def test_what_a_service_imports_is_in_its_image(module: str) -> None:
    lock = (LOCKS / f"{INSTALLED[module]}.txt").read_text()
    locked = set(re.findall(r"^([a-z0-9.-]+)==", lock, re.MULTILINE))
    assert {DISTRIBUTIONS.get(package, package) for package in ALLOWED[module]} <= locked
