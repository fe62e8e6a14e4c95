"""Telling: the items themselves, and the reasons for their places in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.errors import NotFound
from services.ranker.answer import Ask, Recommended, ToldReason
from services.ranker.finding.material import Material
from services.ranker.limits import Limits
from services.ranker.others.ports import CatalogueItem, Indexer, SearchPlan, Source
from services.ranker.ranking import Ranking
from services.ranker.reasons.reason import Reason, reasons
from services.ranker.reasons.sources import nearest_sources
from services.ranker.reasons.words import reason_text
from services.ranker.stages import ITEMS, ITEMS_SHARE, Stages

REASONS = "reasons"
"""Named among the dropped when the strongest source of an interest is told instead of the nearest."""

Sources = Mapping[str, Sequence[Source]]
Nearest = Mapping[str, Mapping[str, Source]]


class Teller:
    """Asks the indexer."""

    def __init__(self, indexer: Indexer, limits: Limits) -> None:
        self._indexer = indexer
        self._limits = limits

    async def nearest(self, stages: Stages, material: Material, plan: SearchPlan | None) -> Nearest:
        """Item id to query name to the source that is nearest to the item. Empty when it cannot be had: then the
        strongest source of an interest stands for it. `plan`: that of `sources`; None: nothing to look for."""
        if plan is None:
            return {}
        search = self._indexer.search(plan)
        try:
            found = await stages.spare("reasons", "indexer", [REASONS], search, self._limits.reasons_share)
        except NotFound as gone:
            stages.drop(REASONS, gone.reason, "something that the person liked is not there any more")
            return {}
        return nearest_sources(plan, found, material) if found else {}

    async def tell(
        self,
        stages: Stages,
        ask: Ask,
        ranking: Ranking,
        *,
        sources: Sources,
        nearest: Nearest,
        blocks: Mapping[str, float],
        version: str,
        known: Mapping[str, CatalogueItem],
    ) -> tuple[list[Recommended], Mapping[str, CatalogueItem]]:
        """The first `ask.n` of the ranking, with reasons if they are asked for, and all items that were read. One that
        was deleted since the search is left out; when none could be read there are only ids. `blocks`: the weights that
        what is shown was compared by; `known`: items that need not be read again."""
        shown = ranking.ids[: ask.n]
        told: list[list[Reason]] = []
        if ask.explain:
            first = {query: some[0] for query, some in sources.items() if some}
            told = [
                reasons(ranking.parts(row), {**first, **nearest.get(item_id, {})}, blocks)
                for row, item_id in enumerate(shown)
            ]
        referred = [reason.source.item_id for each in told for reason in each if reason.source]
        wanted = [*shown, *filter(None, dict.fromkeys(referred))] if referred else shown
        read = await self._items(stages, ask, wanted, version, known)
        items = read or {}
        payloads = dict.fromkeys(shown) if read is None else {key: item.payload for key, item in items.items()}
        if not ask.explain:
            scores = ranking.scores[: ask.n].tolist()
            return [
                Recommended(item_id, payloads[item_id], score, (), ())
                for item_id, score in zip(shown, scores, strict=True)
                if item_id in payloads
            ], items
        titles = {item_id: item.title for item_id, item in items.items()}
        return [
            Recommended(
                item_id,
                payloads[item_id],
                float(ranking.scores[row]),
                ranking.parts(row),
                [told_reason(reason, titles, ask.language) for reason in told[row]],
            )
            for row, item_id in enumerate(shown)
            if item_id in payloads
        ], items

    async def _items(
        self, stages: Stages, ask: Ask, wanted: Sequence[str], version: str, known: Mapping[str, CatalogueItem]
    ) -> Mapping[str, CatalogueItem] | None:
        if not wanted or known:
            return known
        items = self._indexer.items(ask.catalogue, wanted, version)
        return await stages.spare("items", "indexer", [ITEMS], items, ITEMS_SHARE)


def told_reason(reason: Reason, titles: Mapping[str, str], language: str) -> ToldReason:
    """A reason in words. `titles`: by item id."""
    item_id = reason.source.item_id if reason.source else ""
    return ToldReason(reason.kind.name, reason_text(reason, titles, language), item_id, reason.contribution)
