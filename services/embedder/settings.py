"""Settings of the embedder."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from services.embedder.eye import Bounds
from services.embedder.images import FORMATS, MORE_FORMATS, Limits
from services.embedder.manifest import Manifest, find_manifest
from services.errors import Refused
from services.runtime.settings import METRICS_PORTS, PORTS, ServiceSettings

TOY = "toy"
"""The one model without a manifest."""


class EmbedderSettings(ServiceSettings):
    """The embedder's own settings."""

    model_config = SettingsConfigDict(env_prefix="VISREC_EMBEDDER_", frozen=True)

    port: int = Field(default=PORTS["embedder"], ge=0, le=65535, description="Port of the embedder. 0: any free one.")
    metrics_port: int = Field(
        default=METRICS_PORTS["embedder"], ge=0, le=65535, description="Port of its metrics. 0: none."
    )
    model: str = Field(
        default="lite0",
        description="The network: `lite0`, `lite2`, or the path of a manifest (….json) of your own. "
        "`toy` computes next to nothing and knows nothing: for tests only.",
    )
    precision: Literal["int8", "fp32"] = Field(
        default="int8",
        description="Arithmetic of a network that ships. int8 is twice as fast; each precision is a space of its own.",
    )
    providers: str = Field(
        default="CPUExecutionProvider",
        description="Execution providers of onnxruntime, comma-separated, the preferred one first. Others than "
        "the CPU's need another build of onnxruntime (onnxruntime-openvino, onnxruntime-gpu).",
    )
    model_dir: Path | None = Field(
        default=None, description="Where built graphs are kept. Empty: `models` below `VISREC_VAR_DIR`."
    )
    workers: int = Field(
        default=0,
        ge=0,
        le=256,
        description="Processes that decode and embed. 0: one for each processor that may be used.",
    )
    network_threads: int = Field(
        default=1, ge=1, le=256, description="Threads inside one run of the network, per worker."
    )
    max_batch: int = Field(
        default=8,
        ge=1,
        le=64,
        description="Most photos that share a hand-over and a run of the network under load.",
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
    cache_bytes: int = Field(
        default=0,
        ge=0,
        description="Memory for what was seen in the latest photos, so that the same file again is not embedded again; "
        "some 6 KB each. 0: nothing is remembered.",
    )
    formats: str = Field(
        default=",".join(FORMATS),
        description="Formats that are read, as Pillow names them, comma-separated. TIFF can be added.",
    )
    max_photo_bytes: int = Field(default=16 * 1024 * 1024, ge=1024, description="Largest file that is read, in bytes.")
    max_photo_pixels: int = Field(
        default=50_000_000,
        ge=1024,
        description="Largest picture that is decoded, width x height, and the most that pictures of more than 4 "
        "megapixels have together while they are decoded.",
    )
    max_photo_frames: int = Field(
        default=1000, ge=1, description="Most frames an animation may announce; only the first is looked at."
    )
    decode_seconds: float = Field(
        default=5.0,
        gt=0,
        le=600,
        description="Processor time, in seconds, that decoding one file may take before its process is ended; "
        "four times that by the clock.",
    )
    decode_memory_bytes: int = Field(
        default=1024**3,
        ge=64 * 1024 * 1024,
        description="Most memory that a worker may take for the files of a batch, beyond what it has at rest (on "
        "Linux, and with the CPU provider only).",
    )

    @field_validator("formats")
    @classmethod
    def _are_known(cls, names: str) -> str:
        """Nothing else is read, whatever Pillow could."""
        chosen = [name.strip().upper() for name in names.split(",") if name.strip()]
        unknown = sorted(set(chosen) - {*FORMATS, *MORE_FORMATS})
        if unknown or not chosen:
            told = f"{unknown[0]} is none" if unknown else "at least one is needed"
            raise ValueError(f"{told}; there are {', '.join((*FORMATS, *MORE_FORMATS))}")
        return ",".join(chosen)

    @field_validator("model")
    @classmethod
    def _is_there(cls, name: str) -> str:
        """A name that is none is wrong before anything is opened."""
        if name != TOY:
            try:
                Manifest.load(find_manifest(name))
            except Refused as problem:
                raise ValueError(problem.message) from problem
        return name

    def limits(self) -> Limits:
        """What is read at all."""
        return Limits(
            self.max_photo_bytes, self.max_photo_pixels, self.max_photo_frames, formats=tuple(self.formats.split(","))
        )

    def bounds(self, *, on_cpu: bool) -> Bounds:
        """What a worker's process may read and use. A GPU maps more memory than there is, so it is bounded on CPUs."""
        return Bounds(self.limits(), self.decode_memory_bytes if on_cpu else None, self.decode_seconds)
