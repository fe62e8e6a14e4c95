"""The job `rebuild-profiles`: everybody's taste anew, in any space of the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jobs.pages import Pages, Patience
from visrec.connection import Connection
from visrec.v1 import indexer_pb2, profile_pb2

CALL_S = 120.0
"""For one page, whose items are looked up."""


class NoSuchSpace(Exception):
    """The catalogue has no space of that name or alias, and which it has."""


@dataclass(frozen=True)
class Rebuilt:
    """People with events in the catalogue, those whose taste is kept now, events without a vector in the space."""

    people: int = 0
    rebuilt: int = 0
    lost_events: int = 0

    def plus(self, page: profile_pb2.RebuildTastesResponse) -> Rebuilt:
        """With one page more."""
        return Rebuilt(self.people + page.people, self.rebuilt + page.rebuilt, self.lost_events + page.lost_events)


@dataclass(frozen=True)
class RebuildJob:
    """Tastes of one catalogue in `space`, by name or alias; empty: its present one. `start`: a token of a run that
    broke off."""

    connection: Connection
    catalogue: str
    patience: Patience
    space: str = ""
    page_size: int = 100
    start: str = ""

    def run(self, on_page: Callable[[Rebuilt], None]) -> Rebuilt:
        """`on_page` is told the sums so far. Raises NoSuchSpace, VisrecCallError when the spaces cannot be listed, and
        pages.BrokenOff, which says where to go on."""
        space = self._named() if self.space else ""

        def ask(token: str) -> profile_pb2.RebuildTastesResponse:
            request = profile_pb2.RebuildTastesRequest(
                catalogue=self.catalogue, space=space, page_size=self.page_size, page_token=token
            )
            return self.connection.call(self.connection.profile.RebuildTastes, request, CALL_S)

        so_far = Rebuilt()
        for page in Pages(ask, self.patience, self.start):
            so_far = so_far.plus(page)
            on_page(so_far)
        return so_far

    def _named(self) -> str:
        request = indexer_pb2.ListSpacesRequest(catalogue=self.catalogue)
        states = self.connection.call(self.connection.indexer.ListSpaces, request).spaces
        for state in states:
            if self.space in (state.space.name, *state.aliases):
                return state.space.name
        known = ", ".join(_told(state) for state in states)
        raise NoSuchSpace(f"{self.catalogue} has no space {self.space}; it has: {known}")


def _told(state: indexer_pb2.SpaceState) -> str:
    return f"{state.space.name} ({', '.join(state.aliases)})" if state.aliases else state.space.name
