"""Many photos through the embedder, as streams and as single calls, while its memory is watched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from pathlib import Path

import grpc

from bench.embedder import bare, servers
from bench.embedder.measure import Say
from bench.embedder.meter import Meter
from bench.embedder.photos import Photos, enlarged, request
from bench.embedder.series import Sample, Series
from bench.failure import BenchFailed
from visrec.v1 import embedder_pb2, embedder_pb2_grpc

EVERY = 1_000
STREAMS = 2
SINGLE_CALLERS = 4
DEADLINE_S = 30.0
LARGE_EVERY, LARGE_TIMES = 8, 3
"""Every eighth photo is of 1920 by 1440: what is always of one size fits where the last one was."""
REFERENCE_S = 0.1
"""The bare loop runs for so long: it is asked for what the features are, not for how fast it is."""

Advance = Callable[[int], None]


def run(graph: Path, folder: Path, photos: int, say: Say, advance: Advance) -> Series:
    """So many photos, memory every thousand of them. Raises BenchFailed, also when one is refused."""
    sent = Photos.written(folder)
    server = servers.visrec(folder)
    say("starting")
    reference = bare.measure(graph, sent.pictures, REFERENCE_S)
    with servers.started(server, sent.pictures[0].read_bytes(), reference.features) as meter:
        soak = Soak(sent, photos, meter, advance)
        say("photos")
        try:
            asyncio.run(soak.run(server.endpoint.address))
        except grpc.aio.AioRpcError as error:
            raise BenchFailed(f"a call failed: {error.code().name} {error.details()}") from error
    return Series(soak.samples)


class Soak:
    """Hands photos out to streams and callers, and takes a sample when another thousand is answered."""

    def __init__(self, sent: Photos, total: int, meter: Meter, advance: Advance) -> None:
        files = [path.read_bytes() for path in sent.pictures]
        files[::LARGE_EVERY] = [enlarged(data, LARGE_TIMES) for data in files[::LARGE_EVERY]]
        self._requests = [embedder_pb2.EmbedImageRequest.FromString(request(data)) for data in files]
        self._numbers: Iterator[int] = iter(range(total))
        self._answered = count(1)
        self._meter, self._advance = meter, advance
        self.samples: list[Sample] = [Sample(0, meter.memory_mb())]

    async def run(self, address: str) -> None:
        """Until all are answered."""
        async with grpc.aio.insecure_channel(address) as channel, asyncio.TaskGroup() as group:
            stub = embedder_pb2_grpc.EmbedderServiceStub(channel)
            for _ in range(STREAMS):
                group.create_task(self._stream(stub))
            for _ in range(SINGLE_CALLERS):
                group.create_task(self._call(stub))

    async def _stream(self, stub: embedder_pb2_grpc.EmbedderServiceAsyncStub) -> None:
        async for answer in stub.EmbedImages(self._keyed()):
            if answer.WhichOneof("result") != "embedding":
                raise BenchFailed(f"a photo of a stream was refused: {answer.error.message}")
            self._count()

    async def _keyed(self) -> AsyncIterator[embedder_pb2.EmbedImagesRequest]:
        for number in self._numbers:
            photo = self._requests[number % len(self._requests)]
            yield embedder_pb2.EmbedImagesRequest(key=str(number), request=photo)

    async def _call(self, stub: embedder_pb2_grpc.EmbedderServiceAsyncStub) -> None:
        for number in self._numbers:
            await stub.EmbedImage(self._requests[number % len(self._requests)], timeout=DEADLINE_S)
            self._count()

    def _count(self) -> None:
        answered = next(self._answered)
        self._advance(1)
        if answered % EVERY == 0:
            self.samples.append(Sample(answered, self._meter.memory_mb()))
