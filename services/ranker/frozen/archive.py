"""Frozen results, looked at again: their next pages, what was shown, and why one item stands where it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from services.errors import InvalidInput
from services.ranker.answer import MAX_N, Dropped, ToldReason
from services.ranker.frozen.freezer import Freezer
from services.ranker.frozen.result import Frozen
from services.ranker.frozen.tickets import Page
from services.ranker.others.ports import CatalogueItem, Indexer, Opaque
from services.ranker.ranking import Part
from services.ranker.reasons.reason import reasons
from services.ranker.reasons.telling import told_reason
from services.ranker.reasons.words import LANGUAGES
from services.ranker.stages import ITEMS, ITEMS_SHARE, Stages


@dataclass(frozen=True)
class ShownItem:
    """One place of a ranking. `payload`: None for an item that was deleted since, or while the indexer is away."""

    item_id: str
    payload: Opaque | None
    rank: int
    score: float
    parts: Sequence[Part] = ()
    reasons: Sequence[ToldReason] = ()


@dataclass(frozen=True)
class Shown:
    """Some places of a frozen result. `costs`: ms by stage."""

    frozen: Frozen
    recommendation_id: str
    next_page_token: str
    items: Sequence[ShownItem]
    dropped: Sequence[Dropped]
    costs: Mapping[str, float] = field(default_factory=dict)


class Archive:
    """`clock`: seconds, monotonic."""

    def __init__(self, freezer: Freezer, indexer: Indexer, clock: Callable[[], float]) -> None:
        self._freezer = freezer
        self._indexer = indexer
        self._clock = clock

    async def next_page(self, page_token: str, n: int, language: str, *, explain: bool, budget_s: float) -> Shown:
        """The page that the token is for, of `n` items or, for 0, of as many as the first. Those deleted since are left
        out. Raises InvalidInput, NotFound (RECOMMENDATION_EXPIRED) and NotReady."""
        if not 0 <= n <= MAX_N:
            raise InvalidInput("n", f"must be 1 to {MAX_N} (0: as many as before)")
        check_language(language)
        stages = Stages(self._clock, budget_s)
        frozen, page = await stages.need("frozen", self._freezer.find_page(page_token))
        page = replace(page, n=n or page.n)
        rows = range(page.offset, min(page.offset + page.n, len(frozen.ranking)))
        shown, _ = await self._told(stages, frozen, rows, language, explain=explain)
        return Shown(
            frozen,
            await self._freezer.recommendation_id(page.ticket),
            await self._token(frozen, replace(page, offset=rows.stop)),
            [item for item in shown if item.payload is not None or _unknown(stages)],
            [*frozen.dropped, *stages.dropped],
            stages.costs,
        )

    async def recommendation(self, recommendation_id: str, language: str, budget_s: float) -> Shown:
        """The first page as it was, with parts and reasons. Raises NotFound (RECOMMENDATION_EXPIRED) and NotReady."""
        check_language(language)
        stages = Stages(self._clock, budget_s)
        ticket, frozen = await stages.need("frozen", self._freezer.find(recommendation_id))
        rows = range(min(frozen.n, len(frozen.ranking)))
        items, _ = await self._told(stages, frozen, rows, language, explain=True)
        token = await self._token(frozen, Page(ticket, rows.stop, frozen.n))
        dropped = [*frozen.dropped, *stages.dropped]
        return Shown(frozen, recommendation_id, token, items, dropped, stages.costs)

    async def item(
        self, stages: Stages, frozen: Frozen, row: int, language: str, others: Sequence[str]
    ) -> tuple[ShownItem, Mapping[str, str]]:
        """One place, with parts and reasons, and the titles of it and of `others` by id."""
        (shown,), titles = await self._told(stages, frozen, range(row, row + 1), language, others, explain=True)
        return shown, titles

    async def _token(self, frozen: Frozen, page: Page) -> str:
        return await self._freezer.page_token(page) if page.offset < len(frozen.ranking) else ""

    async def _told(
        self,
        stages: Stages,
        frozen: Frozen,
        rows: range,
        language: str,
        others: Sequence[str] = (),
        *,
        explain: bool,
    ) -> tuple[list[ShownItem], Mapping[str, str]]:
        ranking = frozen.ranking
        parts = [ranking.parts(row) if explain else () for row in rows]
        told = [
            reasons(each, frozen.sources_of(ranking.ids[row]), frozen.blocks)
            for row, each in zip(rows, parts, strict=True)
        ]
        referred = [reason.source.item_id for each in told for reason in each if reason.source]
        wanted = [*(ranking.ids[row] for row in rows), *referred, *others]
        items = await self._items(stages, frozen.catalogue, wanted)
        titles = {item_id: item.title for item_id, item in items.items()}
        shown = [
            ShownItem(
                item_id=ranking.ids[row],
                payload=items[ranking.ids[row]].payload if ranking.ids[row] in items else None,
                rank=row + 1,
                score=float(ranking.scores[row]),
                parts=of_row,
                reasons=[told_reason(reason, titles, language or frozen.language) for reason in why],
            )
            for row, of_row, why in zip(rows, parts, told, strict=True)
        ]
        return shown, titles

    async def _items(self, stages: Stages, catalogue: str, ids: Sequence[str]) -> Mapping[str, CatalogueItem]:
        wanted = list(dict.fromkeys(filter(None, ids)))
        if not wanted:
            return {}
        items = self._indexer.items(catalogue, wanted, "")
        return await stages.spare("items", "indexer", [ITEMS], items, ITEMS_SHARE) or {}


def check_language(language: str) -> None:
    """Raises InvalidInput for one that is not spoken here; empty is that of the result."""
    if language not in ("", *LANGUAGES):
        raise InvalidInput("language", f"must be one of {', '.join(LANGUAGES)}")


def _unknown(stages: Stages) -> bool:
    """Nobody can tell which items are still there."""
    return any(dropped.signal == ITEMS for dropped in stages.dropped)
