"""Settings of the embedder."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.runtime.settings import METRICS_PORTS, PORTS, ServiceSettings


class EmbedderSettings(ServiceSettings):
    """The embedder's own settings."""

    model_config = SettingsConfigDict(env_prefix="VISREC_EMBEDDER_", frozen=True)

    port: int = Field(default=PORTS["embedder"], ge=0, le=65535, description="Port of the embedder. 0: any free one.")
    metrics_port: int = Field(
        default=METRICS_PORTS["embedder"], ge=0, le=65535, description="Port of its metrics. 0: none."
    )
    model: Literal["lite0", "toy"] = Field(
        default="lite0", description="The network. `toy` computes next to nothing and knows nothing: for tests only."
    )
    precision: Literal["int8", "fp32"] = Field(
        default="int8",
        description="Arithmetic of the network. int8 is twice as fast; each precision is a space of its own.",
    )
    model_dir: Path | None = Field(
        default=None, description="Where built graphs are kept. Empty: `models` below `VISREC_VAR_DIR`."
    )
    workers: int = Field(
        default=0,
        ge=0,
        le=256,
        description="Threads that decode and embed. 0: one for each processor the process may use.",
    )
    network_threads: int = Field(
        default=1, ge=1, le=256, description="Threads inside one run of the network, per worker."
    )
    max_batch: int = Field(
        default=4, ge=1, le=64, description="Most photos that share a run of the network under load."
    )
    max_waiting: int = Field(
        default=64, ge=1, le=10_000, description="Photos that may wait for a worker before more are RESOURCE_EXHAUSTED."
    )
    max_waiting_bytes: int = Field(
        default=256 * 1024 * 1024, ge=1024, description="The same in bytes of their files, all together."
    )
    bulk_window: int = Field(
        default=8,
        ge=1,
        le=256,
        description="Photos of one EmbedImages stream held at a time; all streams together queue twice as many.",
    )
    max_photo_bytes: int = Field(default=16 * 1024 * 1024, ge=1024, description="Largest file that is read, in bytes.")
    max_photo_pixels: int = Field(
        default=50_000_000,
        ge=1024,
        description="Largest picture that is decoded, width x height, and the most of them that is decoded at a time.",
    )
