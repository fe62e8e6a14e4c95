"""All catalogues as this process has them: a shelf for each, opened and closed as catalogues come and go."""

from __future__ import annotations

import threading
from collections.abc import Callable

from services.errors import NotFound, NotReady
from services.indexer.catalogue import Catalogues, Definition, Receipt
from services.indexer.index.port import Index
from services.indexer.shelf import FOLLOW_WAIT_S, Shelf

LOOK_EVERY_S = 1.0
"""Between two looks for catalogues that other replicas made or deleted."""
SETTLE_EVERY_S = 0.1
CREATE_WAIT_S = 2.0
"""An empty catalogue is read in milliseconds."""

MakeIndex = Callable[[Definition], Index]
Report = Callable[[str, Exception], None]
"""Told what failed (a catalogue's name, or "") and will be tried again."""


class GiveUp(Exception):
    """Raised into a build when the process ends."""


class Shelves:
    """`built`: told how many seconds each build of an index took; `clock`: monotonic seconds."""

    def __init__(
        self,
        catalogues: Catalogues,
        make_index: MakeIndex,
        report: Report,
        built: Callable[[float], None],
        clock: Callable[[], float],
    ) -> None:
        self._catalogues = catalogues
        self._make_index = make_index
        self._report = report
        self._built = built
        self._clock = clock
        self._lock = threading.Lock()
        self._shelves: dict[str, Shelf] = {}
        self._looked = False
        self._begun = False
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._repeat, args=(self.look, LOOK_EVERY_S), name="catalogues", daemon=True),
            threading.Thread(target=self._repeat, args=(self._settle, SETTLE_EVERY_S), name="builder", daemon=True),
        ]

    def start(self) -> None:
        """Begins to look for catalogues and to build."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Ends every thread; a build is given up."""
        self._stop.set()
        shelves = self.all()
        for shelf in shelves:
            shelf.stop()
        for thread in filter(threading.Thread.is_alive, self._threads):
            thread.join(2 * FOLLOW_WAIT_S)
        for shelf in shelves:
            shelf.join(2 * FOLLOW_WAIT_S)

    def all(self) -> list[Shelf]:
        """By name of the catalogue."""
        with self._lock:
            return [self._shelves[name] for name in sorted(self._shelves)]

    def get(self, name: str) -> Shelf:
        """The shelf of a catalogue. Raises NotFound."""
        shelf = self._shelves.get(name)
        if shelf is None or shelf.gone:
            self.look()
            shelf = self._shelves.get(name)
        if shelf is None:
            raise NotFound("catalogue", name, "CreateCatalogue makes one")
        return shelf

    def create(self, definition: Definition, receipt: Receipt | None) -> Definition:
        """As `Catalogues.create`; on this replica the catalogue can be searched at once."""
        made = self._catalogues.create(definition, receipt)
        self.get(made.name).wait_until_ready(CREATE_WAIT_S)
        return made

    def delete(self, name: str) -> int:
        """As `Catalogues.delete`. Raises NotFound."""
        items = self._catalogues.delete(self.get(name).definition)
        self.look()
        return items

    def look(self) -> None:
        """Opens a shelf for each catalogue that has none and closes those of catalogues that are gone."""
        with self._lock:
            wanted = {definition.name: definition for definition in self._catalogues.all()}
            for name, shelf in list(self._shelves.items()):
                if wanted.get(name) != shelf.definition:
                    self._shelves.pop(name).stop()
            for name in wanted.keys() - self._shelves.keys():
                shelf = Shelf(self._catalogues.open(wanted[name]), self._make_index(wanted[name]), self._report)
                self._shelves[name] = shelf
                shelf.start()
            self._looked = True

    def require_ready(self) -> None:
        """Searches every index and asks the record. Raises NotReady until all catalogues that were there at the start
        have been read, and when the record does not answer."""
        self._catalogues.ping()
        if not self._looked:
            raise NotReady("the catalogues have not been looked up yet")
        for shelf in self.all():
            # One that came later, from another replica, must not take this one out of service for the others.
            if shelf.ready or not self._begun:
                shelf.probe()
        self._begun = True

    def _settle(self) -> None:
        for shelf in self.all():
            began = self._clock()
            while shelf.index.settle(self._proceed):
                self._built(self._clock() - began)
                began = self._clock()

    def _proceed(self) -> None:
        if self._stop.is_set():
            raise GiveUp

    def _repeat(self, work: Callable[[], None], every_s: float) -> None:
        while not self._stop.wait(every_s if self._looked else 0):
            try:
                work()
            except GiveUp:
                return
            except Exception as problem:  # noqa: BLE001 - without this thread the process would go on half dead
                self._report("", problem)
                self._stop.wait(every_s)
