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
from bench.indexer.plan import FASHION, Plan
from bench.indexer.report import Found
from bench.indexer.screen import Screen
from bench.indexer.synthetic import Synthetic


class Run:
    """`found` has what was measured; `failed`: something else could not be."""

    def __init__(self, plan: Plan, screen: Screen) -> None:
        self.found, self.failed = Found(), False
        self._plan, self._screen = plan, screen
        self._synthetic = Synthetic()

    def measure(self) -> None:
        """All of the plan, whatever fails of it."""
        for size in self._plan.shared_sizes:
            with self._part(f"{size:,} rows"):
                self._at(size)
        for name in self._plan.further_data:
            with self._part(name):
                self._recall_of(name)
        if sizes := self._plan.sizes["growth"]:
            self._screen.say("growth: starting")
            with self._part("growth"), house.opened() as home:
                for grown in Growth(home, self._synthetic, self._plan.seconds, self._screen.say).run(sizes):
                    self.found.growth.append(grown)

    def _at(self, size: int) -> None:
        """Everything that the one catalogue of that size is for. Raises BenchFailed."""
        sections, data, seconds, say = self._plan.at(size), self._synthetic, self._plan.seconds, self._screen.say
        with self._filled(data, size) as (home, rows):
            if "recall" in sections:
                self.found.recall += recall.measure(home, data, rows, say)
            if "cost" in sections:
                with self._part("cost"):
                    self.found.cost.append(cost.measure(home, data, rows, seconds, say))
            if "peers" in sections:
                with self._part("peers"):
                    for compared in comparison.measure(home, data, rows, seconds, say):
                        self.found.peers.setdefault(len(rows), []).append(compared)

    def _recall_of(self, name: str) -> None:
        """Of a data set that may be there or not. Raises BenchFailed."""
        data = self._further(name)
        if data is not None:
            with self._filled(data, data.limit) as (home, rows):
                self.found.recall += recall.measure(home, data, rows, self._screen.say)

    @contextmanager
    def _part(self, name: str) -> Iterator[None]:
        """What fails in it is said, and what comes after it is measured all the same."""
        try:
            yield
        except BenchFailed as error:
            self._screen.note(f"[red]{name}: {error}[/red]")
            self.failed = True

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

    def _further(self, name: str) -> Data | None:
        """None, with a word about it, for one that is not there. Raises BenchFailed."""
        if name == FASHION:
            try:
                return Fashion()
            except BenchFailed as missing:
                self._screen.note(f"[yellow]{missing}[/yellow]")
        elif folder := os.environ.get("CATALOG"):
            self._screen.say("photos: embedding")
            with self._screen.counting("views", photographs.ROWS) as advance:
                return photographs.embedded(Path(folder), advance)
        return None
