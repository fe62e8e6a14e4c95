"""The rows on a terminal, and in a file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from bench import machine
from bench.grid import grid
from bench.recommendation.interval import Interval
from bench.recommendation.measure import Measured, Part


def table(name: str, part: Part) -> Table:
    """A row for each method; green where the fused answer is above it beyond the interval, red where it is below."""
    title = f"{name}: {part.people} {part.title}"
    found = grid(title, ("nDCG@10", "fused less this", "recall@10", "cover", "novel", "divers", "calib"))
    for row in part.rows:
        found.add_row(
            escape(row.method),
            _told(row.ndcg),
            _coloured(row.less) if row.less else "",
            f"{row.recall.mean:.3f}",
            f"{row.coverage:.2f}",
            f"{row.novelty:.1f}",
            f"{row.diversity:.2f}",
            "" if math.isnan(row.calibration) else f"{row.calibration:.2f}",
        )
    return found


def of_new(found: Mapping[str, Interval]) -> Table:
    """Items that nobody has touched."""
    told = grid("items without events", ["nDCG@10"])
    for name, value in found.items():
        told.add_row(escape(name), _told(value))
    return told


def chosen(found: Measured) -> str:
    """What validation chose, in a line or two."""
    settings = found.settings
    weights = ", ".join(f"{name} {weight:g}" for name, weight in settings.weights)
    return (
        f"Chosen on the validation period: half-lives {settings.half_life_days:g} d, in segments "
        f"{settings.segment_half_life_days:g} d; kNN {settings.neighbours}; ALS {settings.als.factors} factors, "
        f"regularisation {settings.als.regularisation:g}, confidence {settings.als.confidence:g}; factors' confidence "
        f"{settings.recipe.confidence:g}, recent {settings.recipe.recent:g}; taste recent {settings.taste_recent:g}; "
        f"weights {weights}"
    )


def save(found: Sequence[Measured], of_new: Mapping[str, Interval], missed: Sequence[str], path: Path) -> None:
    """Everything, and the machine. NaN becomes null."""
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {
        "machine": machine.describe(),
        "missed": list(missed),
        "splits": [asdict(each) for each in found],
        "new_items": {name: asdict(value) for name, value in of_new.items()},
    }
    path.write_text(json.dumps(_plain(told), indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {key: _plain(each) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case float() if not math.isfinite(value):
            return None if math.isnan(value) else str(value)
    return value


def _told(value: Interval) -> str:
    return f"{value.mean:.3f} [dim]{value.low:.3f}-{value.high:.3f}[/]"


def _coloured(value: Interval) -> str:
    colour = "green" if value.is_above else "red" if value.is_below else "default"
    return f"[{colour}]{value.mean:+.3f}[/] [dim]{value.low:+.3f} {value.high:+.3f}[/]"
