"""Whether something stays as it is."""

from __future__ import annotations

LOOKS = 20
"""So many of the settler, which are two seconds when it has nothing to do."""


class Rest:
    """Told again and again what something is."""

    def __init__(self) -> None:
        self._seen: object = None
        self._looks = 0

    def after(self, seen: object) -> bool:
        """Whether it has been this at LOOKS looks since it became this."""
        self._looks = self._looks + 1 if seen == self._seen else 0
        self._seen = seen
        return self._looks >= LOOKS
