"""Names of what people give: scenes, experiments, variants and boosts."""

from __future__ import annotations

import re

from services.errors import InvalidInput

_NAME = re.compile(r"[a-z0-9_-]{1,32}")


def check_name(name: str, path: str) -> None:
    """Raises InvalidInput for what cannot be one; `path` is where it stands."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(path, "must be 1 to 32 letters of a-z, 0-9, _ and -")
