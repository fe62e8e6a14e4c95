"""Where the scenes are kept that a job has put, for all replicas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from services.errors import Conflict, Overloaded
from services.ranker.scenes.scene import Scene


@dataclass(frozen=True)
class PutScenes:
    """`number`: how often they have been changed."""

    scenes: Mapping[str, Scene] = field(default_factory=dict)
    number: int = 0


class SceneStore(Protocol):
    """Each method raises NotReady when the store does not answer."""

    async def read(self) -> PutScenes:
        """All of them."""

    async def change(self, name: str, scene: Scene | None, most: int, if_number: int | None) -> int:
        """Keeps `scene` under its name, or removes what is there; the number of the change. Raises Conflict with reason
        WEIGHTS_CHANGED when the last change was another than `if_number`, Overloaded with reason TOO_MANY_SCENES when
        there are `most`, and this is another one."""


def changed() -> Conflict:
    """What `change` raises when it comes too late."""
    return Conflict("the weights have been changed since", reason="WEIGHTS_CHANGED")


def too_many(most: int) -> Overloaded:
    """What `change` raises when there are enough."""
    return Overloaded(f"there are {most} scenes already; remove one", retry_after_ms=60_000, reason="TOO_MANY_SCENES")


class MemorySceneStore(SceneStore):
    """In memory."""

    def __init__(self) -> None:
        self._put = PutScenes()

    async def read(self) -> PutScenes:
        return self._put

    async def change(self, name: str, scene: Scene | None, most: int, if_number: int | None) -> int:
        if if_number not in (None, self._put.number):
            raise changed()
        others = {known: kept for known, kept in self._put.scenes.items() if known != name}
        if scene is not None and len(others) >= most:
            raise too_many(most)
        scenes = others if scene is None else {**others, name: scene}
        self._put = PutScenes(scenes, self._put.number + 1)
        return self._put.number
