"""What was found: tables on the terminal, var/bench/indexer.json, plots beside it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import machine
from bench.embedder.bars import Bar
from bench.fleet import ROOT
from bench.indexer import growth, plots, recall, record, tables
from bench.indexer.comparison import Compared
from bench.indexer.cost import Cost
from bench.indexer.data import FOLDER
from bench.indexer.growth import Grown
from bench.indexer.recall import Recalled

FILE = ROOT / "var" / "bench" / "indexer.json"

NOTES = """\
The callers are bare sockets in one Python thread, the same for every server; what they took is own_cores in the file.
CPU is of all processes of a server for each answer. The bare search had the processors for itself. Everything else
shared them with its callers. Peers have the least ef with which they find
0.97 (usual) or as much as the indexer (equal), or the greatest.
"""


@dataclass
class Found:
    """By section; `peers` by rows."""

    cost: list[Cost] = field(default_factory=list)
    peers: dict[int, list[Compared]] = field(default_factory=dict)
    recall: list[Recalled] = field(default_factory=list)
    growth: list[Grown] = field(default_factory=list)

    def bars(self) -> list[Bar]:
        """All of them, of what was measured."""
        return [bar for bars in self._bars().values() for bar in bars]

    def sections(self) -> dict[str, Any]:
        """As JSON has it, without what was not measured."""
        everything: dict[str, Any] = {
            "cost": [{**asdict(each), "ratio": each.ratio, "spread": each.spread} for each in self.cost],
            "peers": {str(rows): [asdict(each) for each in found] for rows, found in self.peers.items()},
            "recall": [asdict(each) for each in self.recall],
            "growth": [
                {**asdict(each), "row_bytes": each.row_bytes, "least_row_bytes": each.least_row_bytes}
                for each in self.growth
            ],
        }
        bars = {name: [{**asdict(bar), "held": bar.held} for bar in section] for name, section in self._bars().items()}
        return {name: {"found": found, "bars": bars[name]} for name, found in everything.items() if found}

    def _bars(self) -> dict[str, list[Bar]]:
        """By section."""
        return {
            "cost": [bar for each in self.cost for bar in each.bars()],
            "peers": [bar for several in self.peers.values() for each in several for bar in each.bars()],
            "recall": recall.bars(self.recall),
            "growth": growth.bars(self.growth),
        }


def show(found: Found, console: Console) -> None:
    """Everything that was measured."""
    for cost in found.cost:
        console.print(tables.cost(cost))
    for rows, compared in found.peers.items():
        console.print(tables.peers(compared, rows))
        for each in compared:
            idle = f"idle it takes {each.equal.idle_cores:.2f} cores"
            moved = f"visrec moved by {each.drift:.0%} between its turns"
            console.print(f"{each.name}: {each.settings}; filled in {each.build_s:.0f} s; {idle}; {moved}")
    for table in tables.recalled(found.recall):
        console.print(table)
    if found.growth:
        console.print(tables.growth(found.growth))
        for why_not in dict.fromkeys(each.why_not for each in found.growth if each.why_not):
            console.print(f"restart from a snapshot: {why_not}")
    console.print(tables.bars(found.bars()))
    console.print(NOTES.replace("\n", " "))
    console.print(", ".join(f"{name} {value}" for name, value in _machine().items()))


def write(found: Found, settings: dict[str, object], file: Path = FILE, folder: Path = FOLDER) -> Sequence[Path]:
    """The file, in which sections that were not measured now stay as they were, each with when and on what it was; and
    the plots. What was written."""
    known: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    where = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": _machine(), "settings": settings}
    known |= {name: {**where, **section} for name, section in found.sections().items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(known, indent=2) + "\n")
    written = [file]
    for name, plot in (
        ("recall.svg", plots.of_recall(found.recall) if found.recall else ""),
        ("growth.svg", plots.of_growth(found.growth) if found.growth else ""),
    ):
        if plot:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(plot)
            written.append(folder / name)
    return written


def _machine() -> dict[str, str]:
    """With what makes matrix products slower or faster, where somebody has chosen it."""
    chosen = {name: value for name, value in sorted(os.environ.items()) if name.startswith(("OMP_", "OPENBLAS_"))}
    return machine.describe() | {"redis-server": record.version(record.own_program())} | chosen
