"""The bounds of what is kept of people."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StoreRules:
    """The bounds of what is kept.

    window              events of a person in a catalogue that taste is folded from, the latest by their own time
    shown               impressions of a person in a catalogue, the latest
    seen                items a person has seen in a catalogue, the latest
    remembered          ids of events of a person that are remembered, so that one counts once whatever became of it;
                        fewer than a call may bring, and a call that is sent again would count some twice
    remembered_days     after which they are forgotten
    popular             items of a popularity list
    popular_hours       half-life of popularity, in hours
    """

    window: int = 200
    shown: int = 200
    seen: int = 1000
    remembered: int = 2000
    remembered_days: float = 7.0
    popular: int = 10_000
    popular_hours: float = 14 * 24.0
