"""Writes the graph of a model as an ONNX file, as the embedder runs it.

    python -m services.embedder.export lite0.onnx

For other servers and other tools. Its input and outputs are those that the manifest names.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from services.embedder.manifest import Manifest, find_manifest
from services.embedder.opening import build_graph
from services.errors import VisrecError


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m services.embedder.export",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the ONNX file to write")
    parser.add_argument("--model", default="lite0", help="lite0, lite2, or the path of a manifest (default: lite0)")
    parser.add_argument("--precision", choices=["int8", "fp32"], default="int8")
    given = parser.parse_args(arguments)
    try:
        path = find_manifest(given.model)
        given.file.write_bytes(build_graph(Manifest.load(path), path.parent, given.precision).data)
    except VisrecError as problem:
        parser.error(problem.message)
    except OSError as problem:
        parser.error(f"cannot write {given.file}: {problem.strerror}")
    sys.stdout.write(f"{given.file}: {given.model} in {given.precision}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
