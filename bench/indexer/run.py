"""One run: a catalogue for each size that cost, recall and peers share, then others, then the one that grows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.failure import BenchFailed
from bench.indexer import comparison, cost, filling, house, photographs, recall
from bench.indexer.data import Data, Rows
from bench.indexer.fashion import Fashion
from bench.indexer.growth import Growth
from bench.indexer.house import FRESH_BOUND, House
from bench.indexer.plan import FASHION, PHOTOS, Plan
from bench.indexer.report import Found
from bench.indexer.screen import Screen
from bench.indexer.synthetic import Synthetic


class Run:
    """`found` has what was measured, also after something has failed."""

    def __init__(self, plan: Plan, screen: Screen) -> None:
        self.found = Found()
        self._plan, self._screen = plan, screen
        self._synthetic = Synthetic()

    def measure(self) -> None:
        """All of the plan. Raises BenchFailed."""
        for size in self._plan.shared_sizes:
            self._at(size)
        for data in self._further():
            with self._filled(data, data.limit) as (home, rows):
                self.found.recall += recall.measure(home, data, rows, self._screen.say)
        if sizes := self._plan.sizes["growth"]:
            self._screen.say("growth: starting")
            with house.opened() as home:
                self.found.growth += Growth(home, self._synthetic, self._plan.seconds, self._screen.say).run(sizes)

    def _at(self, size: int) -> None:
        """Everything that the one catalogue of that size is for."""
        sections, data, seconds, say = self._plan.at(size), self._synthetic, self._plan.seconds, self._screen.say
        with self._filled(data, size) as (home, rows):
            if "recall" in sections:
                self.found.recall += recall.measure(home, data, rows, say)
            if "cost" in sections:
                self.found.cost.append(cost.measure(home, data, rows, seconds, say))
            if "peers" in sections:
                self.found.peers.setdefault(len(rows), []).extend(comparison.measure(home, data, rows, seconds, say))

    @contextmanager
    def _filled(self, data: Data, size: int) -> Iterator[tuple[House, Rows]]:
        """A catalogue of about `size` rows, such that half of what may be fresh is; and its rows."""
        self._screen.say(f"{data.name}: making {size:,} rows")
        Rows.written(data, size)
        with house.opened() as home:
            home.create(data.space)
            self._screen.say(f"{data.name}: filling the catalogue")
            first = max(size - FRESH_BOUND // 2, size // 2) if size < data.limit else size
            with self._screen.counting("rows", first) as advance:
                filled = filling.fill(home, data, 0, first, advance)
            self._screen.say(f"{data.name}: settling")
            home.settle()
            rows = filling.half_fresh(home, data, filled.rows, lambda _: None)
            yield home, Rows.written(data, rows)

    def _further(self) -> Iterator[Data]:
        """Data sets that may be there or not."""
        if FASHION in self._plan.further_data:
            try:
                yield Fashion()
            except BenchFailed as missing:
                self._screen.note(f"[yellow]{missing}[/yellow]")
        folder = os.environ.get("CATALOG")
        if PHOTOS in self._plan.further_data and folder:
            self._screen.say("photos: embedding")
            with self._screen.counting("views", photographs.ROWS) as advance:
                photos = photographs.embedded(Path(folder), advance)
            yield photos
