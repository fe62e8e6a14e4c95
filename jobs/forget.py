"""The job `forget-catalogue`: what people did in a catalogue that was deleted, removed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jobs.pages import Pages, Patience
from visrec.connection import Connection
from visrec.v1 import profile_pb2

CALL_S = 120.0
"""For one page. The last one walks over all keys of Redis, too."""
PAGE = 500


@dataclass(frozen=True)
class ForgetJob:
    """Of one catalogue that is gone."""

    connection: Connection
    catalogue: str
    patience: Patience
    start: str = ""

    def run(self, on_people: Callable[[int], None]) -> int:
        """Of how many people there was something. `on_people` is told how many of each page. Raises pages.BrokenOff,
        which says where to go on."""

        def ask(token: str) -> profile_pb2.ForgetCatalogueResponse:
            request = profile_pb2.ForgetCatalogueRequest(catalogue=self.catalogue, page_size=PAGE, page_token=token)
            return self.connection.call(self.connection.profile.ForgetCatalogue, request, CALL_S)

        total = 0
        for page in Pages(ask, self.patience, self.start):
            total += page.people
            on_people(page.people)
        return total
