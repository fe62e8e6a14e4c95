"""Settings of the indexer."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from services.runtime.settings import METRICS_PORTS, PORTS, ServiceSettings


class IndexerSettings(ServiceSettings):
    """The indexer's own settings."""

    model_config = SettingsConfigDict(env_prefix="VISREC_INDEXER_", frozen=True)

    port: int = Field(PORTS["indexer"], ge=0, le=65535, description="Port of the indexer. 0: any free one.")
    metrics_port: int = Field(METRICS_PORTS["indexer"], ge=0, le=65535, description="Port of its metrics. 0: none.")
    threads: int = Field(4, ge=2, le=256, description="Threads that answer searches.")
    long_threads: int = Field(8, ge=1, le=256, description="Threads that write, read items and wait for others.")
    partitions: int = Field(
        1, ge=1, le=64, description="Partitions of the record of a new catalogue that names no number."
    )
    log_entries: int = Field(
        1_000_000, ge=1000, description="Entries kept of a partition's change log, about; a write makes one."
    )
    max_items: int = Field(
        0, ge=0, description="Items of a catalogue that names no number of its own, beyond which none is added. 0: any."
    )
    requests_per_s: float = Field(
        0, ge=0, description="Requests a second for one catalogue, on each replica; others are refused. 0: any number."
    )
    keep_raw_features: bool = Field(
        False,
        description="Keep the raw features of photos, from which RemakeSpace makes vectors of a later space: 2.5 KB a "
        "photo in Redis, beside some 1 KB of the item.",
    )
    replica: str = Field(
        "",
        max_length=128,
        description="Name of this replica in operations, the same after a restart. Empty: the host's name and port.",
    )
    log_age_s: int = Field(604_800, ge=3600, description="Age, in seconds, up to which such entries are kept.")
    fresh_rows: int = Field(
        4096, ge=64, le=65_536, description="New rows, compared one by one, that make the builder settle them."
    )
    max_fresh_rows: int = Field(
        32_768, ge=128, le=1_048_576, description="New rows beyond which ingest waits for the builder."
    )
    small_rows: int = Field(
        65_536, ge=1024, le=1_048_576, description="Settled rows that make the small part full: it is merged then."
    )
    max_small_rows: int = Field(
        524_288, ge=1024, le=16_777_216, description="Rows that wait to be merged beyond which ingest waits, too."
    )
    graph_rows: int = Field(
        200_000, ge=4096, description="Rows from which on the large part has a graph; below, a scan is as quick."
    )
    snapshot_dir: Path | None = Field(
        None,
        description="Where snapshots of indexes are kept; replicas may share it. Empty: `indexer` in the `var_dir`.",
    )
    snapshot_every_s: float = Field(
        300,
        ge=1,
        le=86_400,
        description="Pause between two snapshots of an index of 4096 rows or more that changes, in seconds.",
    )
    max_index_mib: int = Field(
        0,
        ge=0,
        description="MiB of all indexes at rest, beyond which ingest waits and is then refused. 0: any. A merge of the "
        "large part needs about as much again while it runs.",
    )
    dead_fraction: float = Field(
        0.2, gt=0, le=1, description="Share of deleted or replaced items that makes the builder compact a part."
    )
    factory: str = Field(
        "HNSW16,SQfp16",
        description="FAISS' name of that graph, HNSWm,SQfp16; m links a row cost 8 m bytes.",
    )
    hnsw_ef_construction: int = Field(
        100, ge=16, le=1000, description="Candidates weighed for each row that is added (HNSW's efConstruction)."
    )
    build_threads: int = Field(1, ge=1, le=64, description="Threads of a build beside the searches.")

    @model_validator(mode="after")
    def _has_room_to_settle(self) -> Self:
        if self.max_fresh_rows <= self.fresh_rows:
            # Writers would wait for a builder that waits for more to be written.
            raise ValueError("max_fresh_rows must be greater than fresh_rows")
        return self
