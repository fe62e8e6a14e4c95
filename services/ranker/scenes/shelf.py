"""The scenes of this replica: those it came with, and those that a job has put, looked up again and again."""

from __future__ import annotations

from services.errors import Refused
from services.ranker.scenes.book import MOST_SCENES, SceneBook, check
from services.ranker.scenes.name import check_name
from services.ranker.scenes.scene import Scene
from services.ranker.scenes.store import SceneStore, changed


class SceneShelf:
    """`base`: what the service came with. `store`: None where there is none. While it is away, the scenes are those of
    before."""

    def __init__(self, base: SceneBook, store: SceneStore | None) -> None:
        self._base = base
        self._store = store
        self._book = base
        self._looks = self._seen = 0

    @property
    def book(self) -> SceneBook:
        """The scenes that hold now."""
        return self._book

    async def refresh(self) -> None:
        """Looks for what another replica has put. Raises NotReady. What a look sees that began before another one is
        older than what that one has seen."""
        if self._store is None:
            return
        self._looks = look = self._looks + 1
        put = await self._store.read()
        if look > self._seen:
            self._seen = look
            self._book = self._base.with_put(put.scenes, put.number)

    async def put(self, scene: Scene, *, remove: bool, if_version: str) -> str:
        """The version after it; this replica knows at once. Raises InvalidInput, Conflict, Overloaded, NotReady, and
        Refused where there is no store."""
        if remove:
            check_name(scene.name, "scene.name")
        else:
            check(scene)
        if self._store is None:
            raise Refused("weights cannot be put: this service has no Redis", reason="NO_STORE")
        number = self._base.number_of(if_version) if if_version else None
        if if_version and number is None:
            raise changed()
        most = MOST_SCENES - len(self._base.scenes.keys() - {scene.name})
        await self._store.change(scene.name, None if remove else scene, most, number)
        await self.refresh()
        return self._book.version
