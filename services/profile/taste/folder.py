"""From what is kept of a person to their taste: what is missing is looked up, what is due is settled, all is folded."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

from services.errors import NotFound, SpaceMismatch
from services.profile.catalogue.items import AWAY
from services.profile.events import memory
from services.profile.events.event_store import Window
from services.profile.events.memory import Memory
from services.profile.events.resolving import Completed, Resolver, space_of
from services.profile.events.settling import Settler
from services.profile.taste.background import Background, Known, Remembered
from services.profile.taste.interests import fold
from services.profile.taste.kept import KeptTaste
from services.profile.taste.liking import Taste, TasteRules
from services.spaces import Space


@dataclass(frozen=True)
class Folded:
    """A taste, ready to be kept; without a stamp it is only for now. `space_now`: of the latest event; `lost`: events
    without a vector in its space."""

    kept: KeptTaste
    space_now: str = ""
    lost: int = 0

    @property
    def beside(self) -> str:
        """The name of its space, if that is not the one of the latest event."""
        return "" if self.kept.taste.space == self.space_now else self.kept.taste.space


class Folder:
    """`background`: what is known of people beside what they did; None: nothing. `bound`: while it lasts, a fold
    may wait for the catalogue."""

    def __init__(
        self,
        resolver: Resolver,
        settler: Settler,
        rules: TasteRules,
        background: Background | None = None,
        bound: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._resolver = resolver
        self._settler = settler
        self._rules = rules
        self._background = background
        self._bound = bound

    def recipe(self, catalogue: str) -> str:
        """Differs when tastes would, though people did nothing."""
        known = self._background.recipe(catalogue) if self._background else ""
        return f"{self._rules.recipe}{known}"

    def can_improve(self, waiting: int, catalogue: str) -> bool:
        """Whether there is a point in folding again what was kept without so many events."""
        return bool(waiting) and not self._resolver.rests(catalogue)

    def fold(self, user_id: str, catalogue: str, window: Window, space: str = "") -> Folded:
        """The taste of a person who consents, in a space; empty: that of their latest event, or the catalogue's present
        one when they have done nothing.

        Raises SpaceMismatch for a space the catalogue does not have, NotReady when nothing is known of the space.
        """
        remembered = memory.unpack(window.memory)
        wanted = space or space_of(window) or next(iter(remembered.centres), "")
        if not wanted and not window.acts and not self._supposes(window, catalogue):
            return self._nothing(window, catalogue)
        with self._bound():
            try:
                completed = self._completed(user_id, catalogue, window, wanted, is_asked_for=bool(space))
            except (NotFound, *AWAY):
                if wanted:
                    raise
                return self._nothing(replace(window, stamp=""), catalogue)
            return self.folded(user_id, catalogue, completed)

    def _completed(self, user_id: str, catalogue: str, window: Window, space: str, *, is_asked_for: bool) -> Completed:
        remembered = memory.unpack(window.memory)
        try:
            return self._resolver.complete(user_id, catalogue, window, space, memory.sources(remembered, space))
        except SpaceMismatch:
            if is_asked_for:
                raise
        # The space of their latest event is gone: nobody asked for that one in particular.
        present = self._resolver.look_up(catalogue, ()).space.name
        return self._resolver.complete(user_id, catalogue, window, present, memory.sources(remembered, present))

    def folded(self, user_id: str, catalogue: str, completed: Completed) -> Folded:
        """The taste that follows from a window that was completed."""
        window, space = completed.window, completed.space
        if space is None:
            unknown = window if completed.waiting else replace(window, stamp="")
            return self._nothing(unknown, catalogue, completed.waiting)
        window = self._settler.moved(user_id, catalogue, window, space, completed.items)
        remembered, rest = self._settler.read(window)
        known = self._known(catalogue, space, remembered, rest)
        taste = fold(remembered, rest.events, space, self._rules, known.prior)
        # What lacks something that is only a guess is told, but not kept: nothing would make it anew.
        stamp = window.stamp if known.is_whole else ""
        kept = KeptTaste(stamp, self.recipe(catalogue), taste, completed.waiting, known.segment, known.collaborative)
        return Folded(kept, space_of(window), completed.lost)

    def _supposes(self, window: Window, catalogue: str) -> bool:
        if self._background is None or window.person is None:
            return False
        return window.put is not None or self._background.supposes(window.person, catalogue)

    def _known(self, catalogue: str, space: Space, remembered: Memory, window: Window) -> Known:
        if self._background is None or window.person is None:
            return Known()
        before = [(centre.mass, centre.vector) for centre in remembered.centres.get(space.name, ())]
        acts = Remembered(window.events, before, remembered.until_ms, window.writes, window.put)
        return self._background.of(window.person, catalogue, space, acts)

    def _nothing(self, window: Window, catalogue: str, waiting: int = 0) -> Folded:
        return Folded(KeptTaste(window.stamp, self.recipe(catalogue), Taste(), waiting))
