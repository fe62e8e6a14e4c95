"""A load generator in Python, in a process of its own: for machines without h2load and ghz.

`python -m bench.callers TARGET METHOD CALLERS SECONDS < request` prints the latency of each answer, in milliseconds, as
one JSON list, or ends with an error at the first call that fails.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import grpc


async def call_all(target: str, method: str, request: bytes, callers: int, seconds: float) -> list[float]:
    """Latencies in milliseconds of every call that `callers`, each one call at a time, make within `seconds`."""
    latencies: list[float] = []
    async with grpc.aio.insecure_channel(target) as channel:
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
        await call(request)
        end = time.perf_counter() + seconds

        async def caller() -> None:
            while (start := time.perf_counter()) < end:
                await call(request)
                latencies.append((time.perf_counter() - start) * 1e3)

        await asyncio.gather(*(caller() for _ in range(callers)))
    return latencies


if __name__ == "__main__":
    _, target, method, callers, seconds = sys.argv
    found = asyncio.run(call_all(target, method, sys.stdin.buffer.read(), int(callers), float(seconds)))
    json.dump(found, sys.stdout)
