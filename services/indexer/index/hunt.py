"""One search in a settled part: by the cheapest way, and on until enough is found.

The part is searched as if everything might come back, and what may not is left out afterwards. So what remains are the
nearest of those that may, as surely as the nearest of all are found, wherever they lie; when too little remains more is
looked for, as long as that is cheaper than to compare everything that may come back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from services.indexer.index.effort import Plan, Spread, Way
from services.indexer.index.flat import Near
from services.indexer.index.part import Chosen, Found, rows_of
from services.indexer.index.port import Accuracy, Aims, Proceed
from services.spaces import Float32

if TYPE_CHECKING:
    from services.indexer.index.settled import SettledPart


PIECE_US = 20_000
"""Nobody can stop a call into FAISS: queries that would take longer together are asked in several."""


@dataclass(frozen=True)
class Hunt:
    """For `wanted` different items of the chosen ones of a part."""

    part: SettledPart
    chosen: Chosen
    wanted: int
    accuracy: Accuracy
    proceed: Proceed

    def nearest(self, aims: Aims) -> Sequence[Found]:
        """For each query rows that hold the best of so many items."""
        if self.wanted == 0:
            return [(np.empty(0, np.int64), np.empty(0, np.float32))] * len(aims.weighed)
        effort = self.part.effort
        known: dict[bytes, Plan] = {}  # of many queries most weigh the blocks alike
        for weights in aims.weights:
            if (mix := weights.tobytes()) not in known:
                known[mix] = effort.plan(weights, self.accuracy, self.wanted, self.spread)
        plans = [known[weights.tobytes()] for weights in aims.weights]
        found: list[Found] = []
        for place, (plan, first) in enumerate(zip(plans, self._together(aims.weighed, plans), strict=True)):
            found.append(self._enough(aims.weighed[place : place + 1], aims.weights[place], plan, first))
        return found

    def _together(self, weighed: Float32, plans: Sequence[Plan]) -> list[Found]:
        """Queries that go the same way go in one call, with the greatest effort among them."""
        found: dict[int, Found] = {}
        for way in {plan.way for plan in plans}:
            places = [place for place, plan in enumerate(plans) if plan.way is way]
            count = max(plans[place].count for place in places)
            most = max(plans[place].effort for place in places)
            dearest = max(plans[place].cost_us for place in places)
            for some in _pieces(places, max(1, int(PIECE_US / dearest))):
                every = weighed if len(some) == len(plans) else weighed[some]
                found.update(zip(some, self._passing(self._go(every, Plan(way, count, most, 0))), strict=True))
                if len(some) < len(places):
                    self.proceed()
        return [found[place] for place in range(len(plans))]

    def _enough(self, weighed: Float32, weights: Float32, plan: Plan, found: Found) -> Found:
        """Goes on until there is enough."""
        while plan.way is not Way.COMPARE and (different := self._different(found[0])) < self.wanted:
            self.proceed()
            passed = different / self.wanted
            plan = self.part.effort.longer(weights, self.accuracy, plan, passed, self.spread)
            found = self._passing(self._go(weighed, plan))[0]
        return found

    def _go(self, weighed: Float32, plan: Plan) -> Near:
        part = self.part
        if plan.way is Way.WALK and (graph := part.walkable):
            return graph.nearest(weighed, plan.count, plan.effort)
        if plan.way is Way.SCAN and part.refined:
            return part.refined.nearest(weighed, plan.count, plan.effort)
        return self._compared(weighed)

    def _compared(self, weighed: Float32) -> Near:
        """Of everything that may come back, as many rows as hold the items wanted."""
        rows, available = self._rows, self.spread.chosen
        count = min(available, self.wanted)
        while True:
            near = self.part.flat.compare(weighed, count, rows)
            if count == available or all(self._different(mine) >= self.wanted for mine in near[1]):
                return near
            # Several photos of one item take several of the places.
            count = min(available, 4 * count)

    def _passing(self, near: Near) -> list[Found]:
        scores, rows = near
        if self.chosen.everything and rows[:, -1].min() >= 0:
            return list(zip(rows, scores, strict=True))
        passing = rows >= 0
        if not self.chosen.everything:
            passing &= self.chosen.mask[self.part.owners_of(rows)]
        return [(mine[kept], theirs[kept]) for mine, theirs, kept in zip(rows, scores, passing, strict=True)]

    def _different(self, rows: NDArray[np.int64]) -> int:
        """How many items the rows belong to."""
        owners = self.part.owners
        return len(rows) if owners is None else len(np.unique(owners[rows]))

    @cached_property
    def spread(self) -> Spread:
        """What there is to search."""
        part = self.part
        chosen = part.rows if self.chosen.everything else part.rows_of(self.chosen)
        photos = part.rows / part.items
        return Spread(
            part.rows, chosen, photos, part.flat.index.d, scan=part.sketch is not None, walk=part.walkable is not None
        )

    @cached_property
    def _rows(self) -> NDArray[np.intp] | None:
        if self.chosen.everything:
            return None
        # By places, not by the mask: of a million rows, few may come back.
        places = self.chosen.places.astype(np.intp)
        return places if self.part.owners is None else rows_of(self.part.starts, places)


def _pieces(places: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (places[start : start + size] for start in range(0, len(places), size))
