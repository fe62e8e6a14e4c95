"""`make bench-indexer`: the indexer beside what it is made of, beside other servers, and as its catalogue grows.

cost     CPU of a search beside an empty call and a bare FAISS search of the same vectors and recall
peers    Redis' vector sets and Milvus, same vectors, queries and callers, equal recall
recall   of every mix of blocks and of filters, against comparing everything; also of Fashion-MNIST, if it is installed,
         and of the photos in the folder CATALOG, if one is given
growth   writing, memory, restarts, freshness, and searches beside a merge, over the size of the catalogue

Prints tables, writes var/bench/indexer.json and plots below var/bench/indexer, and ends with exit code 1 when a bar is
missed or something could not be measured. What was built of the data sets there is kept for the next run.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from rich.console import Console

from bench.indexer import others, report
from bench.indexer.plan import Plan, parser
from bench.indexer.run import Run
from bench.indexer.screen import Screen

console = Console()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and reports."""
    options = parser(__doc__).parse_args(arguments)
    signal.signal(signal.SIGTERM, _end)
    busy = others.cores()
    with Screen(console) as screen:
        if busy > others.QUIET:
            screen.note(f"[red]Something else takes {busy:.1f} cores: these figures mean little.[/red]")
        run = Run(Plan.of(options), screen)
        run.measure()
    found = run.found
    if found.sections():
        report.show(found, console)
        written = report.write(found, vars(options) | {"cores_taken_before": busy})
        console.print("written: " + ", ".join(map(str, written)), soft_wrap=True)
    return 1 if run.failed or not all(bar.held for bar in found.bars()) else 0


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    """So that everything that was started is stopped."""
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
