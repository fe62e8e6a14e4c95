"""Settings: typed, from the environment, told in one table."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import SettingsConfigDict

from services.errors import InvalidInput, NotReady, Refused
from services.launch import SERVICES, problems, settings_classes
from services.launch_all import locked, read_runtime, require_ports
from services.runtime.canary import where
from services.runtime.settings import RuntimeSettings, ServiceSettings, markdown_table


class ToySettings(ServiceSettings):
    """As a service has them."""

    model_config = SettingsConfigDict(env_prefix="VISREC_TOY_", frozen=True)

    port: int = Field(default=1, description="Port of the toy.")
    metrics_port: int = Field(default=2, le=9, gt=-1, description="Port of its metrics.")
    key: SecretStr | None = Field(default=None, min_length=16, description="Its secret.")
    kept_url: str = Field(default="redis://localhost", min_length=16, description="Where it keeps.")


def test_a_setting_comes_from_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISREC_DRAIN_S", "3.5")
    monkeypatch.setenv("VISREC_TOY_PORT", "77")
    assert RuntimeSettings().drain_s == 3.5
    assert ToySettings().port == 77


def test_an_empty_variable_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISREC_TLS_CERT", "")
    monkeypatch.setenv("VISREC_TOY_PORT", "")
    assert RuntimeSettings().tls_cert is None
    assert ToySettings().port == 1


def test_a_wrong_value_is_named_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISREC_MAX_MESSAGE_BYTES", "16MB")
    with pytest.raises(ValidationError):
        RuntimeSettings()
    (said,) = problems([RuntimeSettings])
    assert "VISREC_MAX_MESSAGE_BYTES: " in said
    assert "not '16MB'" in said


def test_what_is_no_target_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISREC_INDEXER_TARGET", "???")
    (said,) = problems([RuntimeSettings])
    assert "VISREC_INDEXER_TARGET: give host:port" in said


@pytest.mark.parametrize("url", ["localhost", "localhost:6379", "http://redis:6379", "redis://:hu/sh@redis:6379"])
def test_what_is_no_url_of_redis_is_told_as_such(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISREC_REDIS_URL", url)
    (said,) = problems([RuntimeSettings])
    assert said.startswith("VISREC_REDIS_URL: give redis://")
    assert "hu" not in said


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://anna:hush@db:7000/0?password=hush", "redis://db:7000"),
        ("rediss://:hush@[::1]", "rediss://[::1]:6379"),
        ("unix://anna:hush@/run/redis.sock?password=hush", "unix:///run/redis.sock"),
    ],
)
def test_the_place_of_the_record_is_told_without_its_password(url: str, place: str) -> None:
    runtime = RuntimeSettings(redis_url=url)
    assert runtime.redis_place() == place
    problem = NotReady("Redis does not answer", reason="REDIS_NOT_READY")
    assert where(problem, runtime) == f"; VISREC_REDIS_URL leads to {place}"
    assert not where(NotReady("the embedder is away"), runtime)


@pytest.mark.parametrize("name", ["VISREC_TOY_KEY", "VISREC_TOY_KEPT_URL"])
def test_a_secret_is_not_told(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A URL may hold a password."""
    monkeypatch.setenv(name, "hush")
    (said,) = problems([ToySettings])
    assert f"{name}: " in said
    assert "hush" not in said


def test_the_table_has_every_setting_with_its_default() -> None:
    table = markdown_table([RuntimeSettings, ToySettings])
    assert "| `VISREC_DRAIN_S` | `10.0` |" in table
    assert "| `VISREC_TLS_CERT` |  |" in table
    assert "| `VISREC_TOY_PORT` | `1` |  | Port of the toy. |" in table
    assert "| `VISREC_TOY_METRICS_PORT` | `2` | > -1, ≤ 9 | Port of its metrics. |" in table
    assert "| `VISREC_LOG_FORMAT` | `json` | `json`, `console` |" in table
    assert len(table.splitlines()) == 2 + len(RuntimeSettings.model_fields) + len(ToySettings.model_fields)


def test_every_setting_of_every_service_has_a_meaning_and_a_default() -> None:
    for group in settings_classes():
        for name, field in group.model_fields.items():
            assert field.description, f"{group.__name__}.{name}"
        group()


def test_services_are_found_where_the_launcher_starts_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISREC_INDEXER_PORT", "7777")
    monkeypatch.setenv("VISREC_PROFILE_TARGET", "dns:///profile:1")
    runtime = read_runtime()
    assert runtime.target("indexer") == "127.0.0.1:7777"
    assert runtime.target("profile") == "dns:///profile:1"
    assert runtime.var_dir.is_absolute()


def test_a_port_that_nobody_could_find_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISREC_INDEXER_PORT", "0")
    with pytest.raises(InvalidInput, match="VISREC_INDEXER_PORT"):
        read_runtime()


def test_a_var_directory_has_one_launcher(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(Exception, match="runs already"), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass


def test_calls_go_one_way() -> None:
    """Stopping callers first needs an order, so no service may call a caller of its own."""
    allowed = {"ranker": 3, "profile": 2, "indexer": 1, "embedder": 0}
    for service in SERVICES.values():
        assert all(allowed[called] < allowed[service.name] for called in service.calls)


def test_a_port_that_somebody_has_is_named_before_anything_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else "ready" would be said of somebody else's services."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("VISREC_PROFILE_PORT", str(taken.getsockname()[1]))
        for name, port in zip(("EMBEDDER", "INDEXER", "RANKER"), (0, 0, 0), strict=True):
            monkeypatch.setenv(f"VISREC_{name}_PORT", str(port))
        with pytest.raises(Refused, match="VISREC_PROFILE_PORT"):
            require_ports("127.0.0.1")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInput, match="cannot be made"), locked(tmp_path / "file" / "var"):
        pass
