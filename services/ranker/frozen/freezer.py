"""Freezing an answer, and finding it again.

Freezing is best effort: it begins as soon as the ranking is known, goes on beside everything else, and an answer that
could not be frozen is still an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass

from services.errors import InvalidInput, NotFound, NotReady, Overloaded, Refused
from services.ranker.answer import Answer, Ask, Dropped
from services.ranker.frozen.pack import pack, unpack
from services.ranker.frozen.result import Frozen, Versions
from services.ranker.frozen.store import FrozenStore
from services.ranker.frozen.tickets import NAME_BYTES, Page, Ticket, Tickets
from services.ranker.others.ports import SOMETHING, SOMETHING_AVOIDED, Source
from services.ranker.reasons.reason import PUSHING
from services.ranker.scenes.scene import SESSION
from services.ranker.stages import Stages

FROZEN = "frozen"
"""Named among the dropped when there is no frozen result."""

EXPIRED = "RECOMMENDATION_EXPIRED"

ANSWER_SHARE = 0.5
"""Of the time that is left an answer that is finished gives so much to being kept."""


@dataclass(frozen=True)
class Receipt:
    """Under what an answer is frozen: both empty when it is not, and `dropped` says why; the token is empty, too, when
    there is nothing behind the first page."""

    recommendation_id: str = ""
    next_page_token: str = ""
    dropped: Dropped | None = None


@dataclass(frozen=True)
class Keeping:
    """`keep_ms`: how long results are kept. `wait_s`: how long an answer waits at most until its result is. `share`: of
    the store's room, from which on none are."""

    keep_ms: int = 3_600_000
    wait_s: float = 0.25
    share: float = 0.8


class Freezer:
    """`store`: None where there is none. `random`: so many bytes that nobody guesses."""

    def __init__(self, store: FrozenStore | None, keeping: Keeping, random: Callable[[int], bytes]) -> None:
        self._store = store
        self._keeping = keeping
        self._random = random
        self._tickets: Tickets | None = None
        self._full = False
        self._looking: asyncio.Task[None] | None = None

    async def refresh(self) -> None:
        """Asks for the key of the tickets, which another replica may have made, and for room. Raises NotReady."""
        if self._store is not None:
            self._tickets = Tickets(await self._store.key())
            self._full = await self._store.is_full(self._keeping.share)

    def freeze(self, ask: Ask, answer: Answer, now_s: float) -> Freezing:
        """Sends an answer on its way, before its items are known. `now_s`: seconds since 1970."""
        if ask.skip_freezing:
            return NOT_FROZEN
        owner = answer.taste.pseudonym if answer.taste else ""
        frozen = Frozen(
            time_ms=round(now_s * 1000.0),
            keep_ms=self._keeping.keep_ms,
            catalogue=ask.catalogue,
            asked=ask.asked,
            n=ask.n,
            language=answer.language,
            scene=answer.scene,
            exposure=answer.exposure,
            confidence=answer.confidence,
            used=answer.used,
            blocks=answer.blocks,
            dropped=answer.dropped,
            versions=Versions(
                answer.space,
                answer.model_digest,
                answer.index_version,
                answer.weights_version,
                answer.calibration_version,
                answer.collaborative_space,
            ),
            ranking=answer.ranking,
            sources=_without_session(answer),
            nearest=answer.nearest,
            user_id=ask.user_id if owner else "",
        )
        return self._begin(frozen, owner)

    def _begin(self, frozen: Frozen, owner: str) -> Freezing:
        """Sends it on its way. `owner`: the pseudonym of the person it is for, empty for nobody in particular."""
        if self._store is None:
            return Freezing(_no("NO_STORE", "this service has no Redis"))
        if self._tickets is None:
            self._look()
            return Freezing(AWAY)
        if self._full:
            return Freezing(_no("STORE_FULL", "Redis has no room for it"))
        ticket = Ticket(self._random(NAME_BYTES), owner)
        try:
            taken = self._store.put(ticket, pack(frozen), now_ms=frozen.time_ms, keep_ms=frozen.keep_ms)
        except Overloaded:
            return Freezing(_no("OVERLOADED", "too many results wait to be frozen"))
        except NotReady:
            return Freezing(AWAY)
        name, token = self._tickets.both(Page(ticket, frozen.n, frozen.n))
        receipt = Receipt(name, token if len(frozen.ranking) > frozen.n else "")
        return Freezing(receipt, taken, self._keeping.wait_s)

    def _look(self) -> None:
        """Sees to it that the next ones know the key, if the store is there by now."""

        async def look() -> None:
            with suppress(NotReady, Overloaded):
                await self.refresh()

        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(look(), context=Context())

    async def find(self, recommendation_id: str) -> tuple[Ticket, Frozen]:
        """Raises NotFound with reason RECOMMENDATION_EXPIRED for what is not kept, whatever it is; NotReady."""
        ticket = (await self._known()).read_id(recommendation_id)
        if ticket is None:
            raise _expired()
        return ticket, await self._read(ticket)

    async def find_page(self, page_token: str) -> tuple[Frozen, Page]:
        """Raises InvalidInput for a token that is none, else as `find`."""
        page = (await self._known()).read_token(page_token)
        if page is None:
            raise InvalidInput("page_token", "is not one of an answer of this service", reason="BAD_PAGE_TOKEN")
        return await self._read(page.ticket), page

    async def recommendation_id(self, ticket: Ticket) -> str:
        """As callers know it."""
        return (await self._known()).recommendation_id(ticket)

    async def page_token(self, page: Page) -> str:
        """As callers know it."""
        return (await self._known()).page_token(page)

    async def _known(self) -> Tickets:
        if self._store is None:
            raise Refused("nothing is frozen here: this service has no Redis", reason="NO_STORE")
        if self._tickets is None:
            await self.refresh()
        assert self._tickets is not None
        return self._tickets

    async def _read(self, ticket: Ticket) -> Frozen:
        assert self._store is not None
        packed = await self._store.get(ticket)
        frozen = unpack(packed) if packed else None
        if frozen is None:
            raise _expired()
        return frozen


class Freezing:
    """A result on its way into the store."""

    def __init__(self, receipt: Receipt, taken: Awaitable[bool] | None = None, wait_s: float = 0.0) -> None:
        self._receipt = receipt
        self._taken = None if taken is None else asyncio.ensure_future(taken)
        self._wait_s = wait_s

    async def ended(self, stages: Stages) -> Receipt:
        """Once it is kept, or cannot be, or takes too long: then it is dropped."""
        with stages.timed(FROZEN):
            receipt = await self._receipt_or_why(min(self._wait_s, stages.left_s * ANSWER_SHARE))
        if receipt.dropped is not None:
            stages.dropped.append(receipt.dropped)
        return receipt

    async def _receipt_or_why(self, wait_s: float) -> Receipt:
        if self._taken is None:
            return self._receipt
        try:
            if self._taken.done():  # as a rule: the items took longer
                taken = self._taken.result()
            else:
                async with asyncio.timeout(wait_s):
                    taken = await self._taken
        except TimeoutError:
            return _no("DEADLINE_EXCEEDED", "Redis did not answer in time")
        except Exception:  # noqa: BLE001 - whatever it is, it costs the answer its name and no more
            return AWAY
        return self._receipt if taken else _no("ERASED", "the person has been erased")


NOT_FROZEN = Freezing(Receipt())
"""Of an answer that nobody wants to have frozen."""


def _without_session(answer: Answer) -> dict[str, Sequence[Source]]:
    """Nothing of a session is kept, so what was done in it has no names."""
    session = {column.query for column in answer.ranking.columns if column.signal == SESSION}
    return {
        query: ((SOMETHING_AVOIDED if some[0].event in PUSHING else SOMETHING),) if query in session else some
        for query, some in answer.sources.items()
    }


def _no(reason: str, message: str) -> Receipt:
    return Receipt(dropped=Dropped(FROZEN, reason, f"there is no frozen result: {message}"))


AWAY = _no("REDIS_UNAVAILABLE", "Redis cannot answer now")


def _expired() -> NotFound:
    return NotFound(
        "recommendation",
        "",
        "it may have been kept before: ask Recommend for another",
        reason=EXPIRED,
    )
