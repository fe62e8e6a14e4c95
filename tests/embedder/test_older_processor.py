"""The numbers of the network on a processor without VNNI, which an emulator stands in for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

CANARY = """
from services.embedder.manifest import find_manifest
from services.embedder.opening import prepare
from services.embedder.model import canary_picture
prepared = prepare(find_manifest("lite0"))
prepared.model.check(prepared.plan.careful().open().look(canary_picture(224)[None]))
"""

EMULATOR = shutil.which("qemu-x86_64")


@pytest.mark.soak
@pytest.mark.skipif(EMULATOR is None, reason="qemu-x86_64 is not installed (on Debian: qemu-user)")
def test_the_canary_is_known_to_a_processor_without_vnni() -> None:
    """Multiplying uint8 by int8 overflows there unless onnxruntime is told to avoid it."""
    command = [str(EMULATOR), "-cpu", "Haswell", sys.executable, "-c", CANARY]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
