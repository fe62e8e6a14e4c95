"""Reads many hostile files one after the other, in one process of little memory: `python -m tests.fuzz.batch`.

Prints the name of each file before it is read, and then what became of it: `read`, `refused`, or what should not be.
"""

from __future__ import annotations

import argparse
import resource
import time
import warnings
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

import numpy as np
from PIL import Image

from services.embedder.images import read_picture
from services.errors import InvalidInput
from tests.embedder.hostile import Hostile, cuts, mutated, named

SIDE = 32


def outcome(data: bytes) -> str:
    """What `read_picture` makes of a file, and nothing of what it promises not to do goes unseen."""
    try:
        pixels = read_picture(data, SIDE)
    except InvalidInput:
        return "refused"
    except BaseException as problem:  # noqa: BLE001 - this is what is looked for
        return repr(problem)
    if pixels.shape != (SIDE, SIDE, 3) or pixels.dtype != np.uint8:
        return f"{pixels.shape} of {pixels.dtype}"
    return "read"


def confine(memory_bytes: int, seconds: int) -> None:
    """From now on: so much memory beyond what is in use, and so much time of the processor."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + memory_bytes,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))


def files(damaged: int, seed: int) -> Iterator[Hostile]:
    """All that are made by hand and end by themselves, all cuts, and so many that were damaged by chance."""
    return chain(named(slow=False), cuts(), islice(mutated(seed), damaged))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.batch", description=__doc__)
    parser.add_argument("--damaged", type=int, default=300, help="files that are damaged by chance")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--memory-mib", type=int, default=1024, help="memory beyond what the process has at the start")
    parser.add_argument("--seconds", type=int, default=120, help="time of the processor")
    asked = parser.parse_args()
    # Decoders warn of what is odd in a file; whoever runs them says where to.
    warnings.simplefilter("ignore")
    Image.init()
    confine(asked.memory_mib * 2**20, asked.seconds)
    for file in files(asked.damaged, asked.seed):
        print(file.name, end="\t", flush=True)  # noqa: T201
        started = time.perf_counter()
        found = outcome(file.data)
        print(f"{found}\t{1000 * (time.perf_counter() - started):.0f}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
