"""What follows from an answer: that somebody was shown these items, and that they sent this photo.

Both are recorded behind the answer, only of people who consent, and what is not recorded is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from services.errors import InvalidInput
from services.ranker.answer import Answer, Ask, Dropped
from services.ranker.frozen.archive import Shown
from services.ranker.frozen.recorder import Deed, Recorder
from services.ranker.others.ports import Embedding
from services.ranker.ranking import Ranking, signal_values
from services.ranker.scenes.scene import PHOTO, TASTE, Exposure

IMPRESSIONS, REMEMBER_PHOTO = "impressions", "remember_photo"
"""Named among the dropped when they were not recorded."""

MAX_SIGNALS = 32
"""Of an event."""

KNOWN_ALL_THE_SAME = ("NO_HISTORY", "ZERO_WEIGHT", "SPACE_MISMATCH")
"""Why a signal is not used whose service has answered."""


@dataclass(frozen=True)
class Whom:
    """Who was answered, in which catalogue, under which name (empty: it is not frozen), by which weights."""

    user_id: str
    catalogue: str
    recommendation_id: str
    scene: str
    exposure: Exposure


class Aftermath:
    """`now_ms`: milliseconds since 1970. `new_name`: one that comes never again, for answers that have none."""

    def __init__(self, recorder: Recorder, now_ms: Callable[[], int], new_name: Callable[[], str]) -> None:
        self._recorder = recorder
        self._now_ms = now_ms
        self._new_name = new_name

    def follow(self, ask: Ask, answer: Answer, shown: Iterable[str]) -> list[Dropped]:
        """Has recorded what `ask` wants recorded; what could not be. `shown`: ids of the items of the answer."""
        whom = Whom(ask.user_id, ask.catalogue, answer.recommendation_id, answer.scene, answer.exposure)
        left_out: list[Dropped | None] = []
        if ask.record_impressions:
            if answer.taste is not None and answer.taste.personalised:
                rows = [answer.ranking.row(item_id) for item_id in shown]
                left_out.append(self.shown(whom, answer.ranking, rows, answer.used))
            else:
                left_out.append(_why_not(IMPRESSIONS, TASTE, answer.dropped))
        if ask.remember_photo:
            if answer.photo is None:
                left_out.append(_why_not(REMEMBER_PHOTO, PHOTO, answer.dropped))
            elif answer.taste is not None and answer.taste.photo_learning:
                left_out.append(self._photo_sent(whom, answer.photo))
            else:
                left_out.append(_why_not(REMEMBER_PHOTO, TASTE, answer.dropped))
        return [each for each in left_out if each is not None]

    def shown(self, whom: Whom, ranking: Ranking, rows: Iterable[int], used: Mapping[str, float]) -> Dropped | None:
        """Somebody who consents was shown these rows. An item of a frozen result counts once."""
        name, now_ms = whom.recommendation_id or self._new_name(), self._now_ms()
        deeds = [
            Deed(
                f"{name}:{row + 1}",
                whom.user_id,
                whom.catalogue,
                now_ms,
                item_id=ranking.ids[row],
                recommendation_id=whom.recommendation_id,
                values=dict(islice(signal_values(ranking.parts(row), used).items(), MAX_SIGNALS)),
                rank=row + 1,
                scene=whom.scene,
                exposure=whom.exposure,
            )
            for row in rows
        ]
        return self._offered(IMPRESSIONS, deeds)

    def turned(self, page: Shown) -> Shown:
        """Has recorded that somebody was shown a further page; the page, with what could not be. Raises InvalidInput
        for a result for nobody in particular."""
        frozen = page.frozen
        if not frozen.user_id:
            raise InvalidInput("record_impressions", "the result is for nobody in particular")
        if TASTE not in frozen.used and (problem := _unknown(IMPRESSIONS, TASTE, frozen.dropped)):
            return replace(page, dropped=[*page.dropped, problem])
        whom = Whom(frozen.user_id, frozen.catalogue, page.recommendation_id, frozen.scene, frozen.exposure)
        rows = [item.rank - 1 for item in page.items]
        problem = self.shown(whom, frozen.ranking, rows, frozen.used)
        return replace(page, dropped=[*page.dropped, *([problem] if problem else [])])

    def _photo_sent(self, whom: Whom, photo: Embedding) -> Dropped | None:
        name = whom.recommendation_id or self._new_name()
        deed = Deed(f"{name}:photo", whom.user_id, whom.catalogue, self._now_ms(), photo=photo)
        return self._offered(REMEMBER_PHOTO, [deed])

    def _offered(self, what: str, deeds: Sequence[Deed]) -> Dropped | None:
        if self._recorder.offer(deeds):
            return None
        return Dropped(what, "OVERLOADED", "too many events wait to be recorded")


def _why_not(what: str, signal: str, dropped: Sequence[Dropped]) -> Dropped:
    """Not recorded for the reason for which a signal is not known, or else because the person does not consent."""
    return _unknown(what, signal, dropped) or Dropped(what, "NO_CONSENT", "the person has not consented to it")


def _unknown(what: str, signal: str, dropped: Sequence[Dropped]) -> Dropped | None:
    for each in dropped:
        if each.signal == signal and each.reason not in KNOWN_ALL_THE_SAME:
            return Dropped(what, each.reason, each.message)
    return None
