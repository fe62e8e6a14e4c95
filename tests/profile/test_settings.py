"""Settings, and what the app makes of them."""

from __future__ import annotations

import pytest
from pydantic import SecretStr, ValidationError

from services.errors import InvalidInput, Refused
from services.profile.app import build
from services.profile.events.record import MAX_EVENTS
from services.profile.filing.store_rules import StoreRules
from services.profile.settings import ProfileSettings
from services.profile.taste.liking import TasteRules
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import Telemetry


def test_defaults_are_those_of_the_domain() -> None:
    assert ProfileSettings().store_rules() == StoreRules()
    assert ProfileSettings().taste_rules() == TasteRules()


def test_every_bound_reaches_the_rules() -> None:
    """Distinct numbers, so that none can stand in for another."""
    rules = StoreRules(
        window=1,
        block=8,
        shown=2,
        seen=3,
        remembered=1004,
        remembered_days=5,
        event_days=9,
        retention_days=10,
        per_minute=11,
        popular=6,
        popular_hours=7,
    )
    settings = ProfileSettings(
        window=1,
        block=8,
        shown=2,
        seen=3,
        remembered=1004,
        remembered_days=5,
        event_days=9,
        retention_days=10,
        max_events_per_minute=11,
        popular=6,
        popular_half_life_hours=7,
    )
    assert settings.store_rules() == rules
    settings = ProfileSettings(taste_half_life_days=1, merge_below=2, max_interests=3, session_half_life_hours=4)
    tastes = TasteRules(half_life_days=1, merge_below=2, max_interests=3, session_half_life_hours=4)
    assert settings.taste_rules() == tastes


def test_the_ids_of_a_whole_call_are_remembered() -> None:
    with pytest.raises(ValidationError, match="remembered"):
        ProfileSettings(remembered=MAX_EVENTS - 1)


def test_a_short_secret_is_refused_by_name(redis_runtime: RuntimeSettings) -> None:
    with pytest.raises(InvalidInput) as caught:
        build(ProfileSettings(secret=SecretStr("short")), redis_runtime, Telemetry())
    assert caught.value.field == "VISREC_PROFILE_SECRET"


def test_a_secret_is_not_printed() -> None:
    assert "hush" not in repr(ProfileSettings(secret=SecretStr("hush-hush-hush-hush")))


def test_under_another_secret_the_service_is_not_ready(redis_runtime: RuntimeSettings) -> None:
    first = build(ProfileSettings(secret=SecretStr("the secret of before")), redis_runtime, Telemetry())
    first.canary()
    first.close()
    second = build(ProfileSettings(secret=SecretStr("a secret of our own")), redis_runtime, Telemetry())
    with pytest.raises(Refused):
        second.canary()
    second.close()
