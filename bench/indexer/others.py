"""Who else uses this machine: figures of a busy one mean little."""

from __future__ import annotations

import psutil

LOOK_S = 2.0
QUIET = 0.2
"""Cores that may be in use before anything is measured."""


def cores() -> float:
    """In use now."""
    return float(psutil.cpu_percent(LOOK_S)) / 100 * (psutil.cpu_count() or 1)
