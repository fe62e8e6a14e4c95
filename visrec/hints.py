"""What a person at a terminal can do next, in commands where the services speak of calls."""

from __future__ import annotations

_NEXT_BY_REASON = {
    "CATALOGUE_NOT_FOUND": "`visrec catalogue list` shows those there are, `visrec catalogue create NAME` makes one",
    "NO_CONSENT": "`visrec user consent USER --personalisation` records that they agree",
    "USER_NOT_FOUND": "`visrec user put USER` makes one",
    "ITEM_NOT_FOUND": "`visrec item list -c NAME` shows those there are",
    "TOO_MANY_SCENES": "`visrec scene delete SCENE` makes room",
}


def advised(message: str, reason: str, what: str = "") -> str:
    """The message with the next step; a service's own advice, which names a call after `; `, gives way to it. `what`
    was left out for that reason, such as a signal; empty: nothing of an answer was."""
    if reason not in _NEXT_BY_REASON:
        return message
    step = _NEXT_BY_REASON[reason]
    if (what, reason) == ("remember_photo", "NO_CONSENT"):
        # A purpose of its own, and to one who refused the other one, both are missing.
        both = "--personalisation --photo-learning" if "personalisation" in message else "--photo-learning"
        step = step.replace("--personalisation", both)
    return f"{message.partition('; ')[0]}; {step}"
