"""All catalogues as this process has them: a shelf for each, opened and closed as catalogues come and go."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from itertools import count

from services.errors import NotFound, NotReady, Overloaded, Refused
from services.indexer.definition import Definition
from services.indexer.index.port import Index, Proceed
from services.indexer.record.catalogue import Receipt
from services.indexer.record.catalogues import Catalogues
from services.indexer.serving.keeper import Keeper
from services.indexer.serving.shelf import FOLLOW_WAIT_S, GiveUp, MakeIndex, Shelf

LOOK_EVERY_S = 1.0
"""Between two looks for catalogues that other replicas made or deleted."""
SETTLE_EVERY_S = 0.1
MEMORY_LOOK_S = 0.2
SAVE_EVERY_S = 2.0
"""Between two looks whether a snapshot is due."""
CREATE_WAIT_S = 2.0
"""An empty catalogue is read in milliseconds."""
MAX_FOLLOWERS = 1024
"""Partitions of all catalogues together; each has a thread that holds a connection to the record while it waits."""

Report = Callable[[str, Exception], None]
"""Told what failed (a catalogue's name, or "") and will be tried again."""


class Shelves:
    """`built`: told how many seconds each build of an index took; `clock`: monotonic seconds; `max_followers`:
    partitions of all catalogues together, beyond which none is made; `max_bytes`: of all indexes together, beyond which
    writers wait, 0 for any."""

    def __init__(
        self,
        catalogues: Catalogues,
        make_index: MakeIndex,
        report: Report,
        built: Callable[[float], None],
        clock: Callable[[], float],
        *,
        max_followers: int = MAX_FOLLOWERS,
        keeper: Keeper | None = None,
        max_bytes: int = 0,
    ) -> None:
        self._catalogues = catalogues
        self._make_index = make_index
        self._report = report
        self._built = built
        self._clock = clock
        self._max_followers = max_followers
        self._keeper = keeper
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._shelves: dict[str, Shelf] = {}
        self._looks = count(1)
        self._looked = 0
        self._begun = False
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._repeat, args=(self.look, LOOK_EVERY_S), name="catalogues", daemon=True),
            threading.Thread(target=self._repeat, args=(self._settle, SETTLE_EVERY_S), name="settler", daemon=True),
            threading.Thread(target=self._repeat, args=(self._merge, SETTLE_EVERY_S), name="merger", daemon=True),
            threading.Thread(target=self._repeat, args=(self._link, SETTLE_EVERY_S), name="linker", daemon=True),
            threading.Thread(target=self._repeat, args=(self._save, SAVE_EVERY_S), name="keeper", daemon=True),
        ]

    def start(self) -> None:
        """Begins to look for catalogues and to build."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Ends every thread; a build is given up."""
        with self._lock:  # a look that goes on opens no shelf after this
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

    def known(self, name: str) -> Shelf | None:
        """The shelf of a catalogue, None unless this replica has it. Never waits for the record."""
        shelf = self._shelves.get(name)
        return None if shelf is None or shelf.gone else shelf

    def get(self, name: str) -> Shelf:
        """The shelf of a catalogue, looked up in the record when this replica has none. Raises NotFound, NotReady when
        the process ends."""
        if self.known(name) is None:
            self.look()
        shelf = self._shelves.get(name)
        if shelf is None:
            if self._stop.is_set():
                raise NotReady("this replica ends")
            raise NotFound("catalogue", name, "CreateCatalogue makes one")
        return shelf

    def require(self, shelf: Shelf, index: Index) -> None:
        """Raises NotFound when the catalogue or the space of an index has been deleted: nobody needs what is built for
        it."""
        name = shelf.definition.name
        if self.known(name) is not shelf:
            raise NotFound("catalogue", name)
        if all(one is not index for one in shelf.indexes.values()):
            raise NotFound("space", index.view().space.name)

    def create(self, definition: Definition, receipt: Receipt | None) -> Definition:
        """As `Catalogues.create`; on this replica the catalogue can be searched at once. Raises Refused when there
        would be too many partitions."""
        self._require_followers(definition)
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
        number = next(self._looks)
        # Outside of the lock: whoever asks for shelves must not wait for the record.
        wanted = {definition.name: definition for definition in self._catalogues.all()}
        gone: list[Shelf] = []
        with self._lock:
            # What a look saw that began after this one is already in place.
            if number < self._looked or self._stop.is_set():
                return
            for name, shelf in list(self._shelves.items()):
                if wanted.get(name) != shelf.definition:
                    self._shelves.pop(name).stop()
                    gone.append(shelf)
            for name in wanted.keys() - self._shelves.keys():
                self._shelves[name] = self._open(wanted[name])
            self._looked = number
        for shelf in gone:
            if self._keeper:
                self._keeper.forget(shelf.definition)

    def _open(self, definition: Definition) -> Shelf:
        restore = {"restore_index": self._keeper.restore} if self._keeper else {}
        opened = self._catalogues.open(definition)
        shelf = Shelf(opened, self._make_index, self._report, **restore, clock=self._clock)
        shelf.start()
        return shelf

    def require_memory(self, timeout_s: float) -> None:
        """Waits while all indexes together hold more memory than they may. Raises Overloaded after `timeout_s`:
        deleting items makes room, once their parts have been compacted."""
        until = self._clock() + timeout_s
        while self._max_bytes and (held := self.nbytes()) > self._max_bytes:
            if self._clock() >= until or self._stop.wait(MEMORY_LOOK_S):
                raise Overloaded(
                    f"the indexes hold {held >> 20} MiB, at most {self._max_bytes >> 20} MiB are allowed: delete "
                    "items, or give the indexer more memory and raise VISREC_INDEXER_MAX_INDEX_MIB",
                    retry_after_ms=10_000,
                    reason="INDEX_MEMORY",
                )

    def nbytes(self) -> int:
        """Bytes that all indexes hold, about."""
        return sum(index.view().nbytes for index in self._indexes())

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

    def _require_followers(self, definition: Definition) -> None:
        # Without the one of this name: a creation that is repeated gets the answer of the first.
        others = sum(shelf.definition.partitions for shelf in self.all() if shelf.definition.name != definition.name)
        if others + definition.partitions > self._max_followers:
            raise Refused(
                f"{others} partitions are in use, at most {self._max_followers} can be: delete a catalogue, or ask for "
                "fewer",
                reason="TOO_MANY_PARTITIONS",
            )

    def _settle(self) -> None:
        """One build of each index at most, so that a catalogue that fills keeps no other waiting."""
        self._build(lambda index, proceed: index.settle(proceed))

    def _merge(self) -> None:
        """On a thread of its own: what is fresh must not wait for it."""
        self._build(lambda index, proceed: index.merge(proceed))

    def _link(self) -> None:
        """On a thread of its own, too: it takes minutes, and is missed by nobody."""
        self._build(lambda index, proceed: index.link(proceed))

    def _build(self, build: Callable[[Index, Proceed], bool]) -> None:
        for shelf in self.all():
            for index in list(shelf.indexes.values()):
                began = self._clock()
                try:
                    if build(index, partial(self._proceed_with, shelf, index)):
                        self._built(self._clock() - began)
                except (GiveUp, NotFound) as problem:
                    if isinstance(problem, GiveUp):
                        raise
                except Exception as problem:  # noqa: BLE001 - what fails for one must not keep the others waiting
                    self._report(shelf.definition.name, problem)

    def _save(self) -> None:
        if self._keeper is None:
            return
        looked = self._looked  # first: what was not looked for yet when it was listed is not what is gone
        shelves = self.all()
        if looked:
            self._keeper.sweep(shelves)  # before anything is saved, which a full disk may keep from being done
        for shelf in shelves:
            self._keeper.save_what_is_due(shelf, self._proceed)

    def _indexes(self) -> list[Index]:
        return [index for shelf in self.all() for index in shelf.indexes.values()]

    def _proceed(self) -> None:
        if self._stop.is_set():
            raise GiveUp

    def _proceed_with(self, shelf: Shelf, index: Index) -> None:
        self._proceed()
        self.require(shelf, index)

    def _repeat(self, work: Callable[[], None], every_s: float) -> None:
        while not self._stop.wait(every_s if self._looked else 0):
            try:
                work()
            except GiveUp:
                return
            except Exception as problem:  # noqa: BLE001 - without this thread the process would go on half dead
                self._report("", problem)
                self._stop.wait(every_s)
