"""The bounds of what is kept of people."""

from __future__ import annotations

from dataclasses import dataclass

DAY_MS = 86_400_000

SLACK = 8
"""Blocks that may wait to be settled. A person whose events fill them must wait for that before more are taken."""


@dataclass(frozen=True)
class StoreRules:
    """What is kept, how much of it and how long.

    window              events of a person in a catalogue that are kept one by one at least, the latest by their own
                        time; as soon as there are `block` more, the oldest `block` go into the long-term memory
    block               see there
    shown               impressions of a person in a catalogue, the latest
    seen                items a person has seen in a catalogue, the latest
    remembered          ids of events of a person that are remembered, so that one counts once whatever became of it;
                        fewer than a call may bring, and a call that is sent again would count some twice
    remembered_days     after which they are forgotten
    event_days          after which an event is dropped, and an older one refused
    retention_days      after the last write about a person, all that is kept of them expires
    per_minute          events of a person in a catalogue within a minute; of more, a robot is the likely author
    popular             items of a popularity list
    popular_hours       half-life of popularity, in hours
    """

    window: int = 200
    block: int = 32
    shown: int = 200
    seen: int = 1000
    remembered: int = 2000
    remembered_days: float = 7.0
    event_days: float = 365.0
    retention_days: float = 400.0
    per_minute: int = 120
    popular: int = 10_000
    popular_hours: float = 14 * 24.0

    @property
    def most(self) -> int:
        """Events of a person in a catalogue that are ever kept one by one."""
        return self.window + SLACK * self.block

    def due(self, events: int) -> int:
        """How many of so many events, the oldest, belong into the long-term memory: whole blocks."""
        return max(0, (events - self.window) // self.block * self.block)

    def first_ms(self, now_ms: int) -> int:
        """The time of the oldest event that may be kept."""
        return now_ms - int(self.event_days * DAY_MS)

    @property
    def retention_ms(self) -> int:
        """See `retention_days`."""
        return int(self.retention_days * DAY_MS)
