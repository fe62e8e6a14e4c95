"""The measurements themselves, short, against real services."""

from __future__ import annotations

import json

import pytest

from bench import cost, load
from bench.fleet import ROOT

pytestmark = pytest.mark.soak


def test_load_ends_without_an_error_at_32_callers() -> None:
    assert load.main(["--duration", "3s"]) == 0


def test_costs_are_measured_for_every_main_call() -> None:
    assert cost.main(["--items", "500", "--seconds", "2"]) == 0
    found = json.loads((ROOT / "var" / "bench" / "cost.json").read_text())
    assert [each["name"] for each in found["costs"]] == [
        "empty call",
        "search by vector",
        "recommend by person",
        "embed a photo",
        "recommend by photo",
    ]
    assert all(each["per_s"] > 0 and sum(each["cpu_ms"].values()) > 0 for each in found["costs"])
