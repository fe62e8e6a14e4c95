"""What follows from an answer: that somebody was shown these items, and that they sent this photo.

Both are recorded behind the answer, only of people who consent, and what is not recorded is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.ranker.answer import Dropped
from services.ranker.ports import Embedding
from services.ranker.ranking import Part, signal_values
from services.ranker.recorder import Deed, Recorder
from services.ranker.scenes import TASTE

IMPRESSIONS, REMEMBER_PHOTO = "impressions", "remember_photo"
"""Named among the dropped when they were not recorded."""

MAX_SIGNALS = 32
"""Of an event."""


@dataclass(frozen=True)
class Whom:
    """Who was answered, in which catalogue, under which name (empty: it is not frozen)."""

    user_id: str
    catalogue: str
    recommendation_id: str


class Aftermath:
    """`now_ms`: milliseconds since 1970. `new_name`: one that comes never again, for answers that have none."""

    def __init__(self, recorder: Recorder, now_ms: Callable[[], int], new_name: Callable[[], str]) -> None:
        self._recorder = recorder
        self._now_ms = now_ms
        self._new_name = new_name

    def shown(
        self, whom: Whom, items: Iterable[tuple[int, str, Sequence[Part]]], used: Mapping[str, float]
    ) -> Dropped | None:
        """`items`: rank, id and parts of each. An item of a frozen result counts once in a place."""
        name, now_ms = whom.recommendation_id or self._new_name(), self._now_ms()
        deeds = [
            Deed(
                f"{name}:{rank}",
                whom.user_id,
                whom.catalogue,
                now_ms,
                item_id=item_id,
                recommendation_id=whom.recommendation_id,
                values=dict(list(signal_values(parts, used).items())[:MAX_SIGNALS]),
            )
            for rank, item_id, parts in items
        ]
        return self._offered(IMPRESSIONS, deeds)

    def photo_sent(self, whom: Whom, photo: Embedding) -> Dropped | None:
        """A photo of their own, as vector and raw features."""
        name = whom.recommendation_id or self._new_name()
        deed = Deed(f"{name}:photo", whom.user_id, whom.catalogue, self._now_ms(), photo=photo)
        return self._offered(REMEMBER_PHOTO, [deed])

    def _offered(self, what: str, deeds: Sequence[Deed]) -> Dropped | None:
        if self._recorder.offer(deeds):
            return None
        return Dropped(what, "OVERLOADED", "too many events wait to be recorded")


def refused(what: str, dropped: Sequence[Dropped]) -> Dropped:
    """Why nothing is recorded of somebody of whom it may not be, or is not known whether it may: what is said of their
    taste, or that they do not consent."""
    for each in dropped:
        if each.signal == TASTE and each.reason not in ("NO_HISTORY", "ZERO_WEIGHT", "SPACE_MISMATCH"):
            return Dropped(what, each.reason, each.message)
    return Dropped(what, "NO_CONSENT", "the person has not consented to it")
