"""The bare loop: no server at all, photo after photo in one process.

`python -m bench.embedder.peers.loop GRAPH SECONDS PHOTO...` takes SECONDS with one thread and as long with two, and
prints one JSON object: `wall_ms` of each photo and `cpu_ms` of one with one thread; `per_s` and `two_cpu_ms` with two;
`features` of the first photo, by which others can be told to compute the same.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path

from bench.embedder.peers.hand import Network

THREADS = 2


def run(network: Network, photos: Sequence[bytes], seconds: float, first: int = 0) -> list[float]:
    """The wall time of each photo, in milliseconds; in turn, from the photo number `first` on."""
    walls: list[float] = []
    end = time.perf_counter() + seconds
    for photo in islice(cycle(photos), first, None):
        begin = time.perf_counter()
        if begin >= end:
            break
        network.embed([photo])
        walls.append((time.perf_counter() - begin) * 1e3)
    return walls


def main(graph: str, seconds: float, paths: Sequence[str]) -> dict[str, object]:
    """What is printed."""
    network, photos = Network(Path(graph)), [Path(path).read_bytes() for path in paths]
    features = [network.embed([photo])[0] for photo in photos]
    used = time.process_time()
    walls = run(network, photos, seconds)
    cpu_s, used = time.process_time() - used, time.process_time()
    begin = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        firsts = [number * len(photos) // THREADS for number in range(THREADS)]
        done = sum(len(each) for each in pool.map(lambda first: run(network, photos, seconds, first), firsts))
    wall_s = time.perf_counter() - begin
    return {
        "features": features[0].tolist(),
        "wall_ms": walls,
        "cpu_ms": cpu_s * 1e3 / len(walls),
        "per_s": done / wall_s,
        "two_cpu_ms": (time.process_time() - used) * 1e3 / done,
    }


if __name__ == "__main__":
    json.dump(main(sys.argv[1], float(sys.argv[2]), sys.argv[3:]), sys.stdout)
