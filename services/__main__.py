"""The command line: `python -m services all`, or one service by its name."""

from __future__ import annotations

import argparse
import os
import sys

from services.launch import SERVICES, run, settings_classes
from services.runtime.settings import markdown_table

DESCRIPTION = """\
Runs visrec.

  all        the four services below, and a private redis-server unless VISREC_REDIS_URL names one;
             what dies is started again, Ctrl-C stops everything
  embedder   photo -> vector
  indexer    vectors -> nearest items
  profile    a person, as vectors and facts
  ranker     the answer: the top items, each with its reasons
  settings   prints every setting as a markdown table: environment variable, default, meaning
"""

EPILOG = """\
examples:
  python -m services all
  VISREC_VAR_DIR=/srv/visrec VISREC_LOG_FORMAT=console python -m services all
  VISREC_REDIS_URL=redis://redis:6379 VISREC_HOST=0.0.0.0 VISREC_INSECURE=true python -m services indexer
"""


MATHS_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")


def main(arguments: list[str]) -> int:
    """Runs the command and returns the exit code: 0 after a clean stop, 78 for wrong settings."""
    # Before numpy and faiss are loaded, which read these once. A service has a thread for each call already; a pool of
    # threads below every matrix product only spins: the head of four photos took 38 ms of CPU instead of 1.
    for name in MATHS_THREADS:
        os.environ.setdefault(name, "1")
    parser = argparse.ArgumentParser(
        prog="python -m services",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=["all", *SERVICES, "settings"], metavar="WHAT", help="one of the above")
    what = parser.parse_args(arguments).what
    if what == "settings":
        return _print(markdown_table(settings_classes()))
    if what == "all":
        # Only here: the image of one service has neither the client of Redis nor a redis-server.
        from services.launch_all import run_all

        return run_all()
    return run(SERVICES[what])


def _print(text: str) -> int:
    """Also to a reader who has seen enough, such as `head`."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # What Python still writes at its end goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
