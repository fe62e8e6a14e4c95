"""Discretion: how numbers of people are told, so that a report says nothing of any of them."""

from __future__ import annotations

LEAST_PEOPLE = 20
"""Of fewer nothing is told."""

FIVE = 5
"""Numbers of people are told in fives, so that two runs do not tell who came or went in between."""


def told(people: int) -> str:
    """As a report may say it."""
    if people < LEAST_PEOPLE:
        return f"fewer than {LEAST_PEOPLE}"
    return f"{FIVE * round(people / FIVE):,}"
