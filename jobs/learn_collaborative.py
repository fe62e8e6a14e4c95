"""The job `collaborative`: learns factors from what people do together, and puts items and people into their space."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from jobs.collaborative.acts import Named
from jobs.collaborative.cold import Map, Sums
from jobs.collaborative.factors import Recipe, learned, placed
from jobs.collaborative.outcome import Outcome, Written
from jobs.collaborative.reading import Reader
from jobs.collaborative.writing import Writer
from jobs.head.reading import NothingLearned
from jobs.kmeans import Float32
from jobs.learn_head import OnPhase
from jobs.pages import Patience
from visrec.connection import Connection

LEAST_PEOPLE = 20
"""Who did something with two items or more; what fewer do together is chance, and tells of each of them."""
LEAST_LIKES = 3
"""Of an item, before the map from looks is fitted to it."""


@dataclass(frozen=True)
class CollaborativeJob:
    """For one catalogue. The alias moves when everything is written, so a run that is stopped changes no answer; run
    again it begins anew, and if nothing has happened meanwhile it finds its space and what it has written there.

    `most_people`: whose acts are read; who is beyond is folded in by the profile service, as newcomers are. `now`: the
    time, with its zone."""

    connection: Connection
    catalogue: str
    patience: Patience
    recipe: Recipe = field(default_factory=Recipe)
    most_people: int = 1_000_000
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def run(self, on_phase: OnPhase) -> Outcome:
        """Raises NothingLearned, pages.BrokenOff when a reading was, VisrecCallError."""
        since = self.now()
        named = self._reader.acts(self.most_people, on_phase("events read", None))
        _require(named)
        step = on_phase("learned", 1)
        rows = learned(named.acts, self.recipe)
        step(1)
        writer = Writer(self.connection, self.catalogue, self.patience)
        space = writer.create(named, rows)
        items = writer.items(space, named.items, rows, on_phase("items placed", len(named.items)))
        map_ = self._map(named, rows, on_phase("looks read", None))
        cold = self._cold(named, map_, writer, space, on_phase) if map_ else Written()
        places = placed(named.acts, rows, self.recipe)
        people = writer.people(space, named.people, places, since, on_phase("people placed", len(named.people)))
        previous = writer.move(space)
        writer.remove_but(previous)
        explained = map_.explained if map_ else None
        return Outcome(len(named.acts.people), items, people, cold, explained, space, previous)

    @property
    def _reader(self) -> Reader:
        return Reader(self.connection, self.catalogue, self.patience)

    def _map(self, named: Named, rows: Float32, on_read: Callable[[float], None]) -> Map | None:
        likes = np.bincount(named.acts.items[named.acts.clicks > 0], minlength=named.acts.items_count)
        row_of = {name: row for row, name in enumerate(named.items) if likes[row] >= LEAST_LIKES}
        sums: Sums | None = None
        for page in self._reader.looks(on_read):
            sums = sums or Sums(page.vectors.shape[1], rows.shape[1] - 1)
            known = [at for at, name in enumerate(page.ids) if name in row_of]
            ids = [page.ids[at] for at in known]
            sums.add(ids, page.vectors[known], rows[[row_of[name] for name in ids]])
        return sums.solved() if sums else None

    def _cold(self, named: Named, map_: Map, writer: Writer, space: str, on_phase: OnPhase) -> Written:
        """Rows of items that nobody has touched."""
        touched = frozenset(named.items)
        on_put, total = on_phase("new items placed", None), Written()
        for page in self._reader.looks(lambda _: None):
            untouched = [at for at, name in enumerate(page.ids) if name not in touched]
            if untouched:
                ids = [page.ids[at] for at in untouched]
                total = total.plus(writer.items(space, ids, map_.rows(page.vectors[untouched]), on_put))
        return total


def _require(named: Named) -> None:
    pairs = np.unique(np.column_stack([named.acts.people, named.acts.items]), axis=0)
    several = int(np.sum(np.bincount(pairs[:, 0].astype(np.intp), minlength=1) > 1)) if len(pairs) else 0
    if several < LEAST_PEOPLE:
        raise NothingLearned(
            f"{several} people who consent to personalisation did something with two items or more; factors of what "
            f"people do together take at least {LEAST_PEOPLE}"
        )
