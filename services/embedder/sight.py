"""A photo's file -> what a network sees in it, behind a port: in this process, or in one of its own that may be
killed."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from services.embedder.framing import WHOLE, Box, Pixels
from services.embedder.images import DEFAULT_LIMITS, Limits, read_views
from services.embedder.network import Network
from services.embedder.room import Room
from services.embedder.seen import Seen
from services.errors import InvalidInput, VisrecError


@dataclass(frozen=True)
class Picture:
    """A file and what to see of it: the part `crop`, in one view or as the mean of all `framing.VIEWS`, with or without
    its `regions`. `ours` is not under the configured limits: the canary has to be seen whatever they are. `field` is
    its path in the request, for errors to name."""

    data: bytes
    crop: Box = WHOLE
    views: int = 1
    regions: bool = False
    ours: bool = False
    field: str = "photo"


@dataclass(frozen=True, eq=False)
class Sighting:
    """One picture as it was seen, and what that took, in milliseconds. Pictures that were looked at together share
    their `network_ms`."""

    seen: Seen
    decode_ms: float
    network_ms: float


Outcome = Sighting | VisrecError


class Sight(ABC):
    """For one event loop. It looks once at a time, and may be asked again meanwhile: then the next request is there
    when the one before is done."""

    @abstractmethod
    async def see(self, pictures: Sequence[Picture]) -> list[Outcome]:
        """Looks at all of them in one run of the network; one that cannot be read fails alone, with what
        `images.read_views` raises. Raises NotReady when there is no way to look at present, and whatever a network
        raises that fails."""

    @abstractmethod
    async def ready(self) -> None:
        """Returns when it can see. Raises NotReady when it cannot at present, Refused when it never will."""

    @abstractmethod
    async def close(self) -> None:
        """Gives back what it holds. It may be told twice."""


class LocalSight(Sight):
    """In this process, on another thread: as safe as the decoders are, and with nothing to start. For tests."""

    def __init__(self, network: Network, limits: Limits = DEFAULT_LIMITS) -> None:
        self._network = network
        self._limits = limits

    async def see(self, pictures: Sequence[Picture]) -> list[Outcome]:
        return await asyncio.to_thread(look_at, pictures, self._network, self._limits)

    async def ready(self) -> None:
        pass

    async def close(self) -> None:
        pass


def look_at(
    pictures: Sequence[Picture],
    network: Network,
    limits: Limits,
    room: Room | None = None,
    decoding: Callable[[bool], None] = lambda _: None,
) -> list[Outcome]:
    """As `Sight.see`. `decoding` is told when decoding a file begins and when all have been decoded."""
    read: list[tuple[Pixels, float] | VisrecError] = []
    for picture in pictures:
        decoding(True)
        read.append(_read(picture, network.side, limits, room))
    decoding(False)
    good = [each for each in read if not isinstance(each, VisrecError)]
    if not good:
        return [each for each in read if isinstance(each, VisrecError)]
    started = time.perf_counter()
    pixels = good[0][0] if len(good) == 1 else np.concatenate([views for views, _ in good])
    seen, start = network.look(pixels, regions=any(picture.regions for picture in pictures)), 0
    if len(seen) != len(pixels):
        raise ValueError(f"{len(pixels)} pictures in, {len(seen)} out")
    network_ms = 1e3 * (time.perf_counter() - started)
    outcomes: list[Outcome] = []
    for picture, each in zip(pictures, read, strict=True):
        if isinstance(each, VisrecError):
            outcomes.append(each)
            continue
        views, decode_ms = each
        rows = seen.rows(slice(start, start + len(views)))
        start += len(views)
        outcomes.append(Sighting(_one(rows, regions=picture.regions), decode_ms, network_ms))
    return outcomes


def _read(picture: Picture, side: int, limits: Limits, room: Room | None) -> tuple[Pixels, float] | VisrecError:
    """The views, and how many milliseconds they took."""
    started = time.perf_counter()
    try:
        views = read_views(
            picture.data,
            side,
            views=picture.views,
            field=picture.field,
            crop=picture.crop,
            limits=DEFAULT_LIMITS if picture.ours else limits,
            room=room,
        )
    except InvalidInput as problem:
        return problem
    return views, 1e3 * (time.perf_counter() - started)


def _one(views: Seen, *, regions: bool) -> Seen:
    if len(views) > 1:
        return views.mean()
    return views if regions else Seen(views.features, views.own)
