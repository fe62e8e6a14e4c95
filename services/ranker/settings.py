"""Settings of the ranker."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.runtime.settings import METRICS_PORTS, PORTS, ServiceSettings


class RankerSettings(ServiceSettings):
    """The ranker's own settings."""

    model_config = SettingsConfigDict(env_prefix="VISREC_RANKER_", frozen=True)

    port: int = Field(PORTS["ranker"], ge=0, le=65535, description="Port of the ranker. 0: any free one.")
    metrics_port: int = Field(METRICS_PORTS["ranker"], ge=0, le=65535, description="Port of its metrics. 0: none.")
    embed_share: float = Field(
        0.6,
        gt=0,
        le=1,
        description="Share of the remaining time that embedding a photo may take; after that it is dropped.",
    )
    profile_share: float = Field(
        0.3, gt=0, le=1, description="Share of the remaining time that each question to the profile service may take."
    )
    candidates: int = Field(
        100,
        ge=100,
        le=1000,
        description="Nearest items that a query (photo, seed, interest) brings alone. Several together bring twice as "
        "many, each at least 40.",
    )
    popular: int = Field(
        100,
        ge=0,
        le=500,
        description="Popular items that are candidates besides; beside a photo, seeds or a taste at most 30.",
    )
    space_ttl_s: float = Field(
        5.0,
        ge=0,
        le=3600,
        description="How long the space of a catalogue is remembered before the indexer is asked again.",
    )
    popular_ttl_s: float = Field(
        5.0, gt=0, le=3600, description="How long what is popular is remembered before it is asked for again, beside."
    )
    counts_ttl_s: float = Field(
        30.0, gt=0, le=3600, description="The same for how popular each candidate is, which hardly changes in minutes."
    )
    together: int = Field(
        32, ge=1, le=64, description="Most requests that one call to the profile or the indexer is made of."
    )
    in_flight: int = Field(
        2, ge=1, le=64, description="Most such calls of a kind at a time; who comes then waits and goes with others."
    )
    remembered_mb: int = Field(
        256,
        ge=16,
        le=65_536,
        description="About how much memory, in MiB, what is remembered of the indexer and the profile may take: half of"
        " it items, a quarter how popular each is, an eighth what was shown lately, and the rest lists.",
    )
    scenes: Path | None = Field(
        None, description="TOML file with scenes of your own, over those that are built in. Empty: none."
    )
    calibration: Path | None = Field(
        None, description="JSON file with the curves that values are calibrated by, from a job. Empty: none."
    )
    frozen_ttl_s: int = Field(
        3600,
        ge=60,
        le=30 * 86_400,
        description="How long a result is kept, in seconds: for its next pages, explanations and impressions.",
    )
    frozen_wait_ms: int = Field(
        250,
        ge=1,
        le=5000,
        description="How long, in ms, a finished answer waits until it is kept; else it has no recommendation_id.",
    )
    frozen_memory_share: float = Field(
        0.8,
        gt=0,
        le=1,
        description="Share of Redis' `maxmemory` in use from which on no results are kept: others need the room.",
    )
