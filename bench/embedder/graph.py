"""The graph that the embedder runs, so that what it is compared with runs no other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench.failure import BenchFailed

WITHIN_S = 240.0


def export(path: Path) -> None:
    """Has the embedder write its int8 ONNX graph to `path`: `pixels` uint8 (n, 224, 224, 3) in, `features` float32
    (n, 1280) out, perhaps with more outputs. Raises BenchFailed."""
    command = [sys.executable, "-m", "services.embedder.export", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=WITHIN_S)
    if done.returncode or not path.exists():
        raise BenchFailed(f"the embedder did not hand out its graph: {done.stderr.strip()[-500:]}")
