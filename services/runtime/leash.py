"""A child that dies with its parent, even when the parent is killed.

On Linux the kernel does it (PR_SET_PDEATHSIG). Elsewhere a process of ours watches a thread's `getppid`, and a foreign
program (redis-server) is started without a leash: its lock on its directory keeps a second one from starting beside it.

    python -I leash.py PARENT SIGNAL PROGRAM ARGUMENT…

puts itself on the leash and becomes the program, which keeps it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading

PR_SET_PDEATHSIG = 1
WATCH_EVERY_S = 1.0


def put_on(parent: int, sign: signal.Signals) -> None:
    """From now on this process gets `sign` when the process `parent`, which started it, is gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(sign), 0, 0, 0)
    else:
        threading.Thread(target=_watch, args=(parent, sign), name="leash", daemon=True).start()
    if os.getppid() != parent:  # it was gone before we asked
        os.kill(os.getpid(), sign)


def command(sign: signal.Signals, program: list[str]) -> list[str]:
    """The command line that runs `program` on a leash of the calling process."""
    return [sys.executable, "-I", __file__, str(os.getpid()), sign.name, *program]


def _watch(parent: int, sign: signal.Signals) -> None:
    pause = threading.Event()
    while os.getppid() == parent:
        pause.wait(WATCH_EVERY_S)
    os.kill(os.getpid(), sign)


def main() -> None:
    """Becomes the program of the command line."""
    parent, sign, *program = sys.argv[1:]
    put_on(int(parent), signal.Signals[sign])
    os.execv(program[0], program)  # noqa: S606 - our own launcher chose the program


if __name__ == "__main__":
    main()
