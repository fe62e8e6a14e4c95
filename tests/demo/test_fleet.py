from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from demo import fleet
from demo.fleet import SERVICES, FleetError, free_ports, named, not_ready, on_loopback, own, started
from visrec.connection import Targets


def test_a_wanted_port_is_given_when_it_is_free() -> None:
    (free,) = free_ports([0])
    assert free_ports([free]) == [free]


def test_a_port_that_somebody_has_is_replaced_and_none_comes_twice() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        ports = free_ports([taken] * 8)
    assert taken not in ports
    assert len(set(ports)) == 8


def test_services_that_end_at_once_say_why_and_where_to_read_on(tmp_path: Path) -> None:
    targets, log = on_loopback(free_ports([0] * len(SERVICES))), tmp_path / "services.log"
    settings = {"VISREC_VAR_DIR": str(tmp_path), "VISREC_EMBEDDER_MODEL": "unheard-of"}
    with pytest.raises(FleetError, match=r"MODEL.*services\.log"), started(targets, settings, log):
        pass
    assert "MODEL" in log.read_text()
    assert not_ready(targets) == list(SERVICES)


def test_ports_are_named_as_the_services_read_them() -> None:
    environment = {"VISREC_RANKER_PORT": "60054", "VISREC_PROFILE_TARGET": "127.0.0.1:60053"}
    targets = named(environment)
    assert (targets.ranker, targets.profile) == ("127.0.0.1:60054", "127.0.0.1:60053")
    assert targets.indexer == "127.0.0.1:50052"
    with pytest.raises(FleetError, match="VISREC_RANKER_PORT"):
        named({"VISREC_RANKER_PORT": "none"})


def test_the_ports_of_the_environment_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: dict[str, object] = {}

    @contextmanager
    def begin(targets: Targets, settings: dict[str, str], *_: object) -> Iterator[None]:
        taken.update(settings, ranker=targets.ranker)
        yield

    ranker, metrics = free_ports([0, 0])
    monkeypatch.setattr(fleet, "started", begin)
    monkeypatch.setenv("VISREC_RANKER_PORT", str(ranker))
    monkeypatch.setenv("VISREC_RANKER_METRICS_PORT", str(metrics))
    monkeypatch.setenv("VISREC_EMBEDDER_METRICS_PORT", "0")
    with own(tmp_path, tmp_path / "log", lambda _: None, lambda _: None) as running:
        assert running.metrics["ranker"] == metrics
        assert "embedder" not in running.metrics
    assert taken["ranker"] == f"127.0.0.1:{ranker}"
    assert taken["VISREC_RANKER_METRICS_PORT"] == str(metrics)
