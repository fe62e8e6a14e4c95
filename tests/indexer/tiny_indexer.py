"""`python -m tests.indexer.tiny_indexer PORT PHASES`: the real indexer, with bounds so small that it builds, saves and
trims all the time. Into the file PHASES it writes again and again what its threads are at, for whoever kills it."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from types import FrameType

from services.indexer.app import build
from services.indexer.settings import IndexerSettings
from services.runtime.server import SyncServer
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import Telemetry

TINY = {
    "fresh_rows": 40,
    "max_fresh_rows": 2000,
    "small_rows": 200,
    "graph_rows": 400,
    "dead_fraction": 0.1,
    "snapshot_every_s": 0.05,
    "log_entries": 200,
}
PHASES = {
    ("shelf", "_restore"): "restore",
    ("shelf", "_read_all"): "bootstrap",
    ("shelf", "_apply"): "follow",
    ("faiss_index", "_settle"): "append",
    ("faiss_index", "_merge"): "merge",
    ("faiss_index", "_link"): "link",
    ("faiss_index", "_measure"): "measure",
    ("snapshots", "write"): "snapshot",
    ("snapshots", "_prune"): "prune",
    ("ingest", "ingest"): "ingest",
    ("ingest", "delete"): "delete",
}
"""By file and function: a thread that is in it is at that."""
LOOK_S = 0.001


def main(port: int, phases: Path) -> None:
    """Serves until it is killed."""
    # Copied, which checks nothing: the bounds are those of production.
    settings = IndexerSettings().model_copy(update=TINY)
    runtime, telemetry = RuntimeSettings(), Telemetry()
    threading.Thread(target=_tell, args=(phases,), daemon=True).start()
    server = SyncServer(build(settings, runtime, telemetry), runtime, telemetry, port)
    server.start()
    threading.Event().wait()


def _tell(path: Path) -> None:
    pause = threading.Event()
    with path.open("wb", buffering=0) as file:
        while not pause.wait(LOOK_S):
            found = sorted({phase for frame in sys._current_frames().values() for phase in _phases(frame)})
            file.seek(0)
            file.write(" ".join(found).ljust(120).encode())


def _phases(frame: FrameType | None) -> set[str]:
    """Innermost first; what waits for its next turn is at nothing."""
    found: set[str] = set()
    while frame is not None:
        if phase := PHASES.get((Path(frame.f_code.co_filename).stem, frame.f_code.co_name)):
            found.add(phase)
        frame = frame.f_back
    return found


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
