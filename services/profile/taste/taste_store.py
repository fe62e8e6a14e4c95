"""Where tastes are kept: the port. `tastes_memory` and `tastes_redis` stand behind it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.profile.people.person import NO_CONSENT, Consent, ConsentState
from services.spaces import Space


class TasteQuery(NamedTuple):
    """Whose taste, in which catalogue, with what they have seen if `include_seen`. `space` empty: the one that the
    latest event was recorded in."""

    user_id: str
    catalogue: str
    space: str = ""
    include_seen: bool = False


class Glance(NamedTuple):
    """What one look at a person shows. `alias`: their pseudonym. Without consent to personalisation there is nothing
    else. `stamp` as of a window; `taste` is what was last kept in the space of their latest event, `beside` in the one
    that is wanted, under whatever stamp."""

    consent: Consent = NO_CONSENT
    alias: str = ""
    stamp: str = ""
    taste: bytes = b""
    seen: tuple[str, ...] = ()
    beside: bytes = b""

    @property
    def personalised(self) -> bool:
        """Whether they consent to it."""
        return self.consent.personalisation is ConsentState.GIVEN


@dataclass(frozen=True)
class Kept:
    """A folded taste, packed. `beside`: the name of its space when that is not the one of their latest event.
    `segment`: where they belong, as of then; empty: nowhere. It is not kept with a taste beside."""

    taste: bytes
    beside: str = ""
    segment: str = ""


class Keeping(NamedTuple):
    """What is to be kept of somebody, made of the events that `stamp` stands for."""

    user_id: str
    catalogue: str
    stamp: str
    kept: Kept


class TasteStore(ABC):
    """Tastes as they were last folded. Every method raises NotReady when the store cannot answer now."""

    @abstractmethod
    def glance(self, queries: Sequence[TasteQuery]) -> list[Glance | None]:
        """One look at several people, None for one who is unknown; one round trip in all."""

    @abstractmethod
    def keep_tastes(self, tastes: Sequence[Keeping]) -> None:
        """Keeps folded tastes, each unless its person has moved on from `stamp`. Of those beside, the last."""

    def keep_taste(self, user_id: str, catalogue: str, stamp: str, kept: Kept) -> None:
        """The same for one."""
        self.keep_tastes([Keeping(user_id, catalogue, stamp, kept)])

    @abstractmethod
    def keep_space(self, space: Space) -> None:
        """Remembers the blocks of a space, so that tastes can be folded while the indexer is away."""

    @abstractmethod
    def space(self, name: str) -> Space | None:
        """A space that was kept."""
