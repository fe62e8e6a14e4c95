from __future__ import annotations

import socket
from pathlib import Path

import pytest

from demo.fleet import SERVICES, FleetError, free_ports, not_ready, on_loopback, started


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
