"""A slip in the name of a variable is told; what is somebody else's is not."""

from __future__ import annotations

import pytest
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.launch import SERVICES, settings_classes
from services.runtime.settings import RuntimeSettings, ServiceSettings
from services.runtime.variables import OF_CALLERS, misspelt, names

LINKS = {
    "VISREC_TOY_SERVICE_HOST": "10.0.0.1",
    "VISREC_TOY_SERVICE_PORT": "50053",
    "VISREC_TOY_SERVICE_PORT_GRPC": "50053",
    "VISREC_TOY_PORT": "tcp://10.0.0.1:50053",
    "VISREC_TOY_METRICS_PORT": "tcp://10.0.0.1:9153",
    "VISREC_TOY_PORT_50053_TCP": "tcp://10.0.0.1:50053",
    "VISREC_TOY_PORT_50053_TCP_PROTO": "tcp",
    "VISREC_TOY_PORT_50053_TCP_PORT": "50053",
    "VISREC_TOY_PORT_50053_TCP_ADDR": "10.0.0.1",
    "VISREC_REDIS_PORT": "tcp://10.0.0.2:6379",
    "VISREC_PORT": "tcp://10.0.0.3:80",
    "VISREC_SERVICE_HOST": "10.0.0.3",
}
"""What Kubernetes sets for Services named visrec-toy, visrec-toy-metrics, visrec-redis and visrec."""


class ToySettings(ServiceSettings):
    """As a service has them."""

    model_config = SettingsConfigDict(env_prefix="VISREC_TOY_", frozen=True)

    port: int = Field(default=1, description="Port of the toy.")
    metrics_port: int = Field(default=2, description="Port of its metrics.")


TOYS: list[type[BaseSettings]] = [RuntimeSettings, ToySettings]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("VISREC_TOY_PROT", "VISREC_TOY_PORT"),
        ("VISREC_TOYS_PORT", "VISREC_TOY_PORT"),
        ("VISREC_REDIS_URI", "VISREC_REDIS_URL"),
        ("visrec_log_levl", "VISREC_LOG_LEVEL"),
    ],
)
def test_a_slip_is_told_with_the_name_that_was_meant(name: str, meant: str) -> None:
    (line,) = misspelt({name: "3", "PATH": "/bin"}, TOYS)
    assert line.startswith(f"{name}: ")
    assert f"did you mean {meant}?" in line


def test_what_is_like_no_setting_is_told_with_where_they_are_listed() -> None:
    (line,) = misspelt({"VISREC_UNHEARD_OF": "3"}, TOYS)
    assert "python -m services settings" in line


def test_nothing_is_said_of_known_empty_and_foreign_ones() -> None:
    given = dict.fromkeys((*names(TOYS), *OF_CALLERS), "3") | {"VISREC_TOY_PROT": "", "VISREC_OTHER_WRKERS": "3"}
    assert misspelt(given, TOYS, foreign=("VISREC_OTHER_",)) == []


def test_what_kubernetes_names_after_services_is_no_slip_and_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert misspelt(LINKS, TOYS) == []
    for name, value in LINKS.items():
        monkeypatch.setenv(name, value)
    assert ToySettings().port == 1
    assert ToySettings().metrics_port == 2


def test_each_service_has_its_own_prefix() -> None:
    """By which the others leave its variables to it."""
    prefixes = {str(group.model_config["env_prefix"]) for group in settings_classes()}
    assert prefixes == {"VISREC_", *(service.prefix for service in SERVICES.values())}
