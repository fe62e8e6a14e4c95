"""Why one item of a frozen result stands where it does: its parts and reasons, what would change its place, and which
regions of the photo count.

For the map the caller sends the photo once more. What a map is made from is 50 KB a photo, seven times all else that is
frozen, and tells much of the photo; few answers are ever explained, and the embedder remembers a photo that it has just
seen. So nothing of the photo is kept, and nobody has to be asked whether it may be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from services.errors import InvalidInput
from services.ranker.finding.moved import moved
from services.ranker.frozen.archive import Archive, ShownItem, check_language
from services.ranker.frozen.freezer import Freezer
from services.ranker.frozen.result import Frozen
from services.ranker.order.calibration import Calibration
from services.ranker.others.ports import Indexer, Opaque
from services.ranker.others.ports_explain import ItemVectors, PhotoEvidence
from services.ranker.ranking import Part
from services.ranker.reasons.counterfactual import Change, counterfactual, is_by_score
from services.ranker.reasons.evidence import EvidenceInputs, EvidenceMap, Shown, evidence_map, mismatch
from services.ranker.reasons.words import change_text
from services.ranker.scenes.scene import PHOTO
from services.ranker.stages import Stages
from services.spaces import Space


@dataclass(frozen=True)
class Explanation:
    """`text`: the first of `changes`, in words, or empty. `map`: only when it was asked for."""

    frozen: Frozen
    item: ShownItem
    changes: Sequence[Change]
    text: str
    map: EvidenceMap | None


@dataclass(frozen=True)
class Explainer:
    """`clock`: seconds, monotonic. `calibration`: the curves that hold now."""

    freezer: Freezer
    archive: Archive
    indexer: Indexer
    photos: PhotoEvidence
    items: ItemVectors
    calibration: Callable[[], Calibration]
    clock: Callable[[], float]

    async def explain(
        self, recommendation_id: str, item_id: str, photo: Opaque | None, language: str, budget_s: float
    ) -> Explanation:
        """`photo`: that of the answer, for a map; None: without one.

        Raises NotFound for a result (RECOMMENDATION_EXPIRED) or an item in it (ITEM_NOT_FOUND), InvalidInput for a
        photo where the answer had none, Refused for another photo, and NotReady.
        """
        check_language(language)
        stages = Stages(self.clock, budget_s)
        _, frozen = await stages.need("frozen", self.freezer.find(recommendation_id))
        row = frozen.ranking.row(item_id)
        changes = counterfactual(frozen.ranking, frozen.used, item_id, frozen.n)
        others = [change.other_item_id for change in changes[:1]]
        item, titles = await self.archive.item(stages, frozen, row, language, others)
        text = ""
        if changes:
            as_shown, spoken = is_by_score(frozen.ranking), language or frozen.language
            text = change_text(changes[0], item_id, titles, frozen.n, spoken, as_shown=as_shown)
        seen = None if photo is None else await self._map(stages, frozen, item, photo)
        return Explanation(frozen, item, changes, text, seen)

    async def _map(self, stages: Stages, frozen: Frozen, item: ShownItem, photo: Opaque) -> EvidenceMap:
        if PHOTO not in frozen.used:
            raise InvalidInput("include_evidence_map", "the answer was not made from a photo", reason="NO_PHOTO")
        space = await self._space(stages, frozen)
        inputs = await stages.need("embed", self.photos.evidence(photo, space.name))
        vectors = await stages.need("search", self.items.of(frozen.catalogue, item.item_id, space.name))
        at = [block.name for block in space.blocks].index(inputs.block)
        start = space.block_starts[at]
        photos = vectors[:, start : start + len(inputs.offset)]
        share = float(space.weights(frozen.blocks)[at])
        return evidence_map(inputs, photos, self._counted(frozen, inputs, share), _shown(item.parts, inputs))

    async def _space(self, stages: Stages, frozen: Frozen) -> Space:
        """That of the answer, which the alias may have left since."""
        spaces = await stages.need("space", self.indexer.spaces(frozen.catalogue))
        space = spaces.named(frozen.versions.space)
        if space is None and (now := await moved(stages, self.indexer, frozen.catalogue, spaces)):
            space = now.named(frozen.versions.space)
        if space is None:
            raise mismatch()
        return space

    def _counted(self, frozen: Frozen, inputs: EvidenceInputs, share: float) -> Callable[[float], float]:
        curves = self.calibration().of(frozen.catalogue, frozen.versions.space)
        if curves.version != frozen.versions.calibration:
            raise mismatch()
        curve = curves.of.get((PHOTO, inputs.block))

        def counted(likeness: float) -> float:
            return share * (float(curve(np.array(likeness))) if curve else likeness)

        return counted


def _shown(parts: Sequence[Part], inputs: EvidenceInputs) -> Shown | None:
    """None by reciprocal rank, which knows no blocks."""
    for part in parts:
        if part.signal == PHOTO and part.block == inputs.block:
            return Shown(part.value, part.contribution)
    return None
