"""An outage is told once in a while, whoever meets it; a bug with its place."""

from __future__ import annotations

from structlog.testing import capture_logs

from services.errors import NotReady
from services.runtime.trouble import OUTAGE_EVERY_S, Trouble


def test_an_outage_is_told_once_in_a_while() -> None:
    now = 0.0
    tell = Trouble(lambda: now)
    with capture_logs() as lines:
        for catalogue in ("shop", "", "places"):
            tell(catalogue, NotReady("Redis does not answer", reason="REDIS_NOT_READY"))
        now = OUTAGE_EVERY_S
        tell("shop", NotReady("Redis does not answer", reason="REDIS_NOT_READY"))
    assert [line["held_back"] for line in lines] == [0, 2]
    assert lines[0]["why"] == "Redis does not answer"
    assert "where" not in lines[0]


def test_a_bug_is_told_with_its_place_and_without_its_words() -> None:
    tell = Trouble(lambda: 0.0)
    with capture_logs() as lines:
        try:
            raise ValueError("about anna")
        except ValueError as problem:
            tell("shop", problem)
    assert lines[0]["exception"] == "ValueError"
    assert "test_trouble" in str(lines[0]["where"])
    assert "anna" not in str(lines)
