"""How much of what others say is remembered, and how requests to them are put together."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tuning:
    """Times in seconds.

    together   requests of one call at most
    in_flight  calls of one kind that are out at the same time
    space_s    how long the spaces of a catalogue are remembered
    items      how many items of a catalogue are
    popular_s  how long what is popular is fresh
    counts_s   how long it is how popular each item is
    newest_s   how long the newest items are the newest
    stale_s    how long all of these serve while the service that knows better does not answer
    shown_s    how long what was shown serves while nobody can be asked for items

    taste_share: of the time that is left, how much a taste may take: a call of several is to end within that, so that
    the slow one among them is left out and not the others.

    remembered_bytes: memory for all that is remembered, about: sizes are reckoned from serialised ones.
    """

    together: int = 32
    in_flight: int = 2
    space_s: float = 5.0
    items: int = 20_000
    popular_s: float = 5.0
    counts_s: float = 30.0
    newest_s: float = 30.0
    stale_s: float = 120.0
    shown_s: float = 600.0
    taste_share: float = 0.3
    remembered_bytes: int = 256 * 2**20

    @property
    def items_bytes(self) -> int:
        """For items."""
        return self.remembered_bytes // 2

    @property
    def counts_bytes(self) -> int:
        """For how popular each item is."""
        return self.remembered_bytes // 4

    @property
    def shown_bytes(self) -> int:
        """For what was shown lately."""
        return self.remembered_bytes // 8

    @property
    def list_bytes(self) -> int:
        """For each of two kinds of lists: what is popular, what is new."""
        return self.remembered_bytes // 16
