"""What a process or a caller drags in: each service only what it needs, the client next to nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

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
