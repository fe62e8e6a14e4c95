"""Typed settings from the environment. Every variable starts with VISREC_, and nothing is read at import."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.runtime.variables import is_link, names
from visrec.targets import FORMS, is_target

MIB = 1024 * 1024

PORTS = {"embedder": 50051, "indexer": 50052, "profile": 50053, "ranker": 50054}
"""Where each service listens unless its own VISREC_<SERVICE>_PORT says otherwise."""

REDIS_PORT = 6379
REDIS_SCHEMES = ("redis://", "rediss://", "unix://")
REDIS_FORMS = "give redis://HOST:PORT, rediss://HOST:PORT (TLS) or unix:///PATH"

METRICS_PORTS = {"embedder": 9151, "indexer": 9152, "profile": 9153, "ranker": 9154}


class RuntimeSettings(BaseSettings):
    """What all four services share. Raises pydantic.ValidationError, naming the variable, for a value out of bounds."""

    model_config = SettingsConfigDict(env_prefix="VISREC_", env_ignore_empty=True, frozen=True)

    host: str = Field(default="127.0.0.1", description="Address to listen on, for gRPC and for metrics.")
    insecure: bool = Field(
        default=False,
        description="Allow plain text beyond loopback, for a network that is private or encrypts by itself (a mesh).",
    )
    tls_cert: Path | None = Field(
        default=None, description="PEM certificate chain the servers show. Empty: plain text."
    )
    tls_key: Path | None = Field(default=None, description="PEM private key of `tls_cert`.")
    tls_client_ca: Path | None = Field(
        default=None, description="PEM authorities. When given, callers must have a certificate."
    )
    channel_ca: Path | None = Field(
        default=None, description="PEM authorities for calls between services. Empty: plain text."
    )
    channel_cert: Path | None = Field(default=None, description="PEM certificate shown when calling another service.")
    channel_key: Path | None = Field(default=None, description="PEM private key of `channel_cert`.")

    embedder_target: str = Field(default="127.0.0.1:50051", description="gRPC target of the embedder.")
    indexer_target: str = Field(default="127.0.0.1:50052", description="gRPC target of the indexer.")
    profile_target: str = Field(default="127.0.0.1:50053", description="gRPC target of the profile service.")
    ranker_target: str = Field(default="127.0.0.1:50054", description="gRPC target of the ranker.")

    redis_url: str = Field(
        default="",
        description="The record: redis://, rediss:// (TLS; `?ssl_ca_certs=FILE` for an authority of your own) or unix://."
        " Empty: `all` starts a private server under `var_dir`.",
    )
    redis_cluster: bool = Field(default=False, description="`redis_url` is a node of a Redis Cluster.")
    redis_timeout_s: float = Field(
        default=5.0, ge=1, le=120, description="Longest wait for Redis, per command, in seconds."
    )
    redis_connections: int = Field(
        default=32,
        ge=1,
        le=10_000,
        description="Most connections a process holds to Redis, or to each node of a cluster, for calls. The indexer's "
        "followers have one more for each partition.",
    )
    var_dir: Path = Field(
        default=Path("var"),
        description="Everything that is kept on disk: the private Redis, built graphs, snapshots of indexes.",
    )

    default_deadline_s: float = Field(
        default=10.0, gt=0, le=600, description="Deadline, in seconds, of a call without one."
    )
    stream_deadline_s: float = Field(default=3600.0, gt=0, description="The same for a streaming call, in seconds.")
    max_message_bytes: int = Field(
        default=32 * MIB,
        ge=MIB,
        le=1024 * MIB,
        description="Transport limit of one message; stands above the application's own (16 MiB a photo).",
    )
    max_waiting_calls: int = Field(
        default=256, ge=1, description="Calls that may wait or run in a service before it answers RESOURCE_EXHAUSTED."
    )
    max_connection_age_s: float = Field(
        default=0.0, ge=0, description="Close connections of this age, so that callers find new replicas. 0: never."
    )
    canary_every_s: float = Field(default=5.0, gt=0, description="Pause between two canaries, which health follows.")
    canary_deadline_s: float = Field(default=5.0, gt=0, description="A canary that takes longer has failed.")
    drain_s: float = Field(default=10.0, ge=0, le=600, description="Time that running calls get to finish at shutdown.")

    reflection: bool = Field(default=True, description="Serve gRPC reflection, as grpcurl wants it.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe line that is logged; debug writes one line per call."
    )
    log_format: Literal["json", "console"] = Field(
        default="json", description="`json`: one JSON object a line. `console`: text for people."
    )

    @field_validator("embedder_target", "indexer_target", "profile_target", "ranker_target")
    @classmethod
    def _is_target(cls, target: str) -> str:
        if not is_target(target):
            raise ValueError(FORMS)
        return target

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, url: str) -> str:
        try:
            wrong = bool(url) and (not url.startswith(REDIS_SCHEMES) or urlsplit(url).port == 0)
        except ValueError:  # its port is none; what urlsplit says of it may be a part of the password
            wrong = True
        if wrong:
            raise ValueError(REDIS_FORMS)
        return url

    def target(self, service: str) -> str:
        """The gRPC target of `service` (embedder, indexer, profile or ranker)."""
        targets = {name: str(getattr(self, f"{name}_target")) for name in PORTS}
        return targets[service]

    def redis_place(self) -> str:
        """Where `redis_url`, one that Redis' client takes, leads, for people: without name, password and options."""
        parts = urlsplit(self.redis_url)
        if not parts.hostname:
            return f"{parts.scheme}://{parts.path}"
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        return f"{parts.scheme}://{host}:{parts.port or REDIS_PORT}"


class ServiceSettings(BaseSettings):
    """Base of each service's own settings. A service subclasses it with
    `model_config = SettingsConfigDict(env_prefix="VISREC_EMBEDDER_", frozen=True)` and its ports as defaults."""

    model_config = SettingsConfigDict(env_ignore_empty=True, frozen=True)

    port: int = Field(ge=0, le=65535, description="Port of the gRPC server. 0: any free one.")
    metrics_port: int = Field(ge=0, le=65535, description="Port of Prometheus metrics at /metrics. 0: none.")

    @model_validator(mode="before")
    @classmethod
    def _without_links(cls, given: dict[str, Any]) -> dict[str, Any]:
        """A Service of Kubernetes that is named visrec-profile sets VISREC_PROFILE_PORT, and not for us."""
        return {name: value for name, value in given.items() if not is_link(value)}


def markdown_table(groups: Iterable[type[BaseSettings]]) -> str:
    """Every setting of the classes, in order, as a markdown table: variable, default, bounds, meaning."""
    lines = ["| variable | default | bounds | meaning |", "|---|---|---|---|"]
    for group in groups:
        for variable, field in zip(names([group]), group.model_fields.values(), strict=True):
            default = "" if field.default is None or field.default == "" else f"`{field.default}`"
            lines.append(f"| `{variable}` | {default} | {_bounds(field)} | {field.description} |")
    return "\n".join(lines)


def _bounds(field: FieldInfo) -> str:
    """The least and the most of a number, or the words there are to choose from."""
    if get_origin(field.annotation) is Literal:
        return ", ".join(f"`{word}`" for word in get_args(field.annotation))
    signs = (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<"))
    bounds = ((sign, getattr(each, name, None)) for each in field.metadata for name, sign in signs)
    return ", ".join(f"{sign} {bound:,}" for sign, bound in bounds if bound is not None)
