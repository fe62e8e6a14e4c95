"""The photos of one request, embedded together: all of them or none."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from services.embedder.photo import Embedded, Photo
from services.errors import InvalidPicture

Embed: TypeAlias = Callable[[Photo, float], Awaitable[Embedded]]
"""As `EmbeddingQueue.embed`."""


async def embed_all(photos: Sequence[Photo], embed: Embed, deadline: float) -> list[Embedded]:
    """In their order. Every photo is in the queue at once, where workers share them out. The first that fails takes the
    others out again; what it raises, this raises. `field` of a photo here is the path of its bytes."""
    tasks = [asyncio.create_task(_embed_one(photo, embed, deadline)) for photo in photos]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _embed_one(photo: Photo, embed: Embed, deadline: float) -> Embedded:
    try:
        return await embed(photo, deadline)
    except InvalidPicture as problem:
        # Elsewhere a photo is a message that has its bytes in a field; here it is these bytes.
        at = problem.field.removesuffix(".data")
        raise InvalidPicture(at, problem.description, reason=problem.reason) from problem
