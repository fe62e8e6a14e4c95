"""What a person typed behind a field of a request."""

from __future__ import annotations

import re
from dataclasses import replace

from visrec.errors import VisrecCallError

_OPTIONS = {
    "age": "--age",
    "block_weights": "--block",
    "boosts": "--boost",
    "city": "--city",
    "country": "--country",
    "diversity": "--diversity",
    "exclude_item_ids": "--exclude",
    "include_evidence_map": "--photo",
    "interests": "--interest",
    "language": "--language",
    "limit": "--count",
    "max_per_category": "--max-per-category",
    "max_per_group": "--max-per-group",
    "n": "--count",
    "near_duplicate_cosine": "--near-duplicates",
    "partitions": "--partitions",
    "photo": "--photo",
    "record_impressions": "--record-impressions",
    "region": "--region",
    "remember_photo": "--remember-photo",
    "scene": "--scene",
    "seeds": "--seed",
    "signal_weights": "--signal",
    "target_domains": "--domain",
    "time": "--when",
    "title_words": "--title",
    "scene.name": "the scene's name",
    "scene.description": "--description",
    "scene.signal_weights": "the weight",
    "experiment.name": "the experiment's name",
    "experiment.variants": "the variants",
    "variants.name": "--variant",
    "variants.share": "--share",
    "variants.signal_weights": "the weight",
    "filter": "the filter",
    "item_id": "the item",
    "user_id": "the user",
}
"""Names of fields, or the last two names of a path, and what they are on the command line. They mean the same in every
request."""

_STEP = re.compile(r"(\w+)(?:\['(.*?)'\])?")
"""A step of a path, with the key of a map: `signal_weights['taste']`."""


def option(path: str) -> str:
    """Such as `--signal taste` for `signal_weights['taste']`; the path itself when nobody types it."""
    steps = [(name, key) for name, key in _STEP.findall(path) if not name.isdecimal()]
    within = ["", *(f"{name}." for name, _ in steps)]
    for before, (name, key) in reversed(list(zip(within, steps, strict=False))):
        told = _OPTIONS.get(before + name) or _OPTIONS.get(name)
        if told:
            return f"{told} {key}" if key else told
    return path


def as_typed(error: VisrecCallError) -> VisrecCallError:
    """The error, with options in the place of paths."""
    message = error.message
    for wrong in error.violations:
        if message.startswith(f"{wrong.field}:"):
            message = option(wrong.field) + message.removeprefix(wrong.field)
    violations = tuple(replace(wrong, field=option(wrong.field)) for wrong in error.violations)
    return replace(error, message=message, violations=violations)
