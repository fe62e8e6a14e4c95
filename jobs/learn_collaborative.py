"""The job `collaborative`: learns factors from what people do together, and puts items and people into their space."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from jobs.collaborative.acts import Named
from jobs.collaborative.cold import Map, Sums
from jobs.collaborative.factors import Recipe, learned, placed
from jobs.collaborative.generation import name_of, to_go_on_with
from jobs.collaborative.outcome import Outcome, Written
from jobs.collaborative.reading import Reader
from jobs.collaborative.writing import SPACE_GONE, Writer
from jobs.discretion import told
from jobs.head.reading import NothingLearned
from jobs.kmeans import Float32
from jobs.learn_head import OnPhase
from jobs.pages import Patience
from visrec.connection import Connection
from visrec.errors import VisrecCallError

LEAST_PEOPLE = 20
"""Who did something with two items or more; what fewer do together is chance, and tells of each of them."""
LEAST_LIKES = 3
"""Of an item, before the map from looks is fitted to it."""


@dataclass(frozen=True)
class _Found:
    """Rows that are whole in their `space`: `rows` (items, F + 1) of the items of the acts, `having` the ids of all
    that have one, `items`: how many were written by this run."""

    space: str
    rows: Float32
    having: frozenset[str]
    items: Written


@dataclass(frozen=True)
class CollaborativeJob:
    """For one catalogue. The alias moves when everything is written, so a run that is stopped changes no answer. Run
    again soon, it goes on with the rows that were learned if all had been written, whatever has happened since, and
    places people by what they have done until now.

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
        began_s = self.now().timestamp()
        named, since = self._reader.acts(self.most_people, on_phase("events read", None))
        _require(named)
        try:
            return self._put(named, since, began_s, on_phase)
        except VisrecCallError as error:
            if error.reason in SPACE_GONE:
                raise NothingLearned("a run that began later has ended, and has taken this one's space away") from error
            raise

    def _put(self, named: Named, since: datetime, began_s: float, on_phase: OnPhase) -> Outcome:
        writer = self._writer
        begun = to_go_on_with(writer.generations(), repr(self.recipe), began_s)
        found = self._read_back(begun, named, on_phase) if begun else self._learned(named, began_s, on_phase)
        cold, explained = self._cold(named, found, on_phase)
        step = on_phase("people folded", named.acts.people_count)
        places = placed(named.acts, found.rows, self.recipe, lambda: step(1))
        step = on_phase("people placed", int(places.any(axis=1).sum()))
        people = writer.people(found.space, named.people, places, since, step)
        previous = writer.move(found.space)
        acts = len(named.acts.people)
        return Outcome(acts, found.items, people, cold, explained, found.space, previous, went_on=begun is not None)

    @property
    def _reader(self) -> Reader:
        return Reader(self.connection, self.catalogue, self.patience)

    @property
    def _writer(self) -> Writer:
        return Writer(self.connection, self.catalogue, self.patience)

    def _learned(self, named: Named, began_s: float, on_phase: OnPhase) -> _Found:
        step = on_phase("rounds of learning", self.recipe.iterations)
        rows = learned(named.acts, self.recipe, lambda: step(1))
        space = name_of(began_s, repr(self.recipe), named.items, rows)
        writer = self._writer
        writer.create(space, rows.shape[1])
        items = writer.items(space, named.items, rows, on_phase("items placed", len(named.items)))
        writer.mark(space)
        return _Found(space, rows, frozenset(named.items), items)

    def _read_back(self, space: str, named: Named, on_phase: OnPhase) -> _Found:
        """What an earlier run has learned. An item that was touched since has slack alone, which says nothing."""
        number = {name: at for at, name in enumerate(named.items)}
        rows = np.zeros((len(number), self.recipe.factors + 1), dtype=np.float32)
        rows[:, -1] = 1.0
        having: set[str] = set()
        for page in self._reader.rows(space, on_phase("rows read back", None)):
            having.update(page.ids)
            touched = [at for at, name in enumerate(page.ids) if name in number]
            rows[[number[page.ids[at]] for at in touched]] = page.vectors[touched]
        return _Found(space, rows, frozenset(having), Written())

    def _cold(self, named: Named, found: _Found, on_phase: OnPhase) -> tuple[Written, float | None]:
        """Rows of items that have none yet: nobody had touched them."""
        visual, count = self._reader.visual()
        map_, without = self._map(named, found, visual, on_phase("looks read", count))
        if map_ is None:
            return Written(), None
        on_put, total = on_phase("new items placed", without), Written()
        for page in self._reader.rows(visual, lambda _: None) if without else ():
            new = [at for at, name in enumerate(page.ids) if name not in found.having]
            if new:
                ids = [page.ids[at] for at in new]
                total = total.plus(self._writer.items(found.space, ids, map_.rows(page.vectors[new]), on_put))
        return total, map_.explained

    def _map(
        self, named: Named, found: _Found, visual: str, on_read: Callable[[float], None]
    ) -> tuple[Map | None, int]:
        """From looks to rows, and of how many items there are looks and no row."""
        likes = np.bincount(named.acts.items[named.acts.clicks > 0], minlength=named.acts.items_count)
        row_of = {
            name: row for row, name in enumerate(named.items) if likes[row] >= LEAST_LIKES and name in found.having
        }
        sums, without = None, 0
        for page in self._reader.rows(visual, on_read):
            sums = sums or Sums(page.vectors.shape[1], self.recipe.factors)
            known = [at for at, name in enumerate(page.ids) if name in row_of]
            ids = [page.ids[at] for at in known]
            sums.add(ids, page.vectors[known], found.rows[[row_of[name] for name in ids]])
            without += sum(name not in found.having for name in page.ids)
        return (sums.solved() if sums else None), without


def _require(named: Named) -> None:
    pairs = np.unique(np.column_stack([named.acts.people, named.acts.items]), axis=0)
    several = int(np.sum(np.bincount(pairs[:, 0].astype(np.intp), minlength=1) > 1)) if len(pairs) else 0
    if several < LEAST_PEOPLE:
        raise NothingLearned(
            f"{told(several)} people who consent to personalisation did something with two items or more; factors of "
            f"what people do together take at least {LEAST_PEOPLE}"
        )
