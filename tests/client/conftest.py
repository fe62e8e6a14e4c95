from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.client.fakes import Fleet, fleet
from visrec.client import Client


@pytest.fixture
def services() -> Iterator[Fleet]:
    """The four fakes, with a catalogue `shop` that is empty."""
    with fleet() as running:
        running.indexer.catalogues["shop"] = {}
        yield running


@pytest.fixture
def client(services: Fleet) -> Iterator[Client]:
    with Client.connect(services.targets) as connected:
        yield connected
