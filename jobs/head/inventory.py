"""What runs of the job have left: heads at the embedder, and their spaces in a catalogue. Over gRPC."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

import grpc

from jobs.pages import Pages, Patience
from visrec.connection import Connection, RequestT, ResponseT
from visrec.errors import VisrecCallError
from visrec.v1 import embedder_pb2, indexer_pb2

PAGE = 100


@dataclass(frozen=True)
class Inventory:
    """Of one catalogue. A head tells in its description that this job has learned it there; no other is touched, nor
    is a space that an alias points at."""

    connection: Connection
    catalogue: str
    patience: Patience

    def tidy(self, *kept: str, before: str = "") -> None:
        """Removes the spaces of this job's heads here but those `kept`, then its heads that no catalogue has a space
        of. `before`: only of heads that were given before the one of that space, so that another run may go on."""
        given = {head.space.name: head.description for head in self._heads()}
        if before:
            given = dict(takewhile(lambda head: head[0] != before, given.items()))
        heads = [name for name, description in given.items() if self._made_here(description)]
        here = {state.space.name: state for state in self._spaces(self.catalogue)}
        for name in heads:
            if name in here and not here[name].aliases and name not in kept:
                self._remove_space(name)
        self._remove_heads(name for name in heads if name not in kept)

    def remove(self, space: str) -> None:
        """A space that this job has made, and its head if no other catalogue has that space."""
        self._remove_space(space)
        self._remove_heads([space])

    def _made_here(self, description: str) -> bool:
        return description.startswith("learned from ") and f" items of {self.catalogue}, " in description

    def _heads(self) -> Iterator[embedder_pb2.HeadSummary]:
        """The oldest first."""

        def ask(token: str) -> embedder_pb2.ListHeadsResponse:
            request = embedder_pb2.ListHeadsRequest(page_size=PAGE, page_token=token)
            return self.connection.call(self.connection.embedder.ListHeads, request)

        for page in Pages(ask, self.patience):
            yield from page.heads

    def _spaces(self, catalogue: str) -> Sequence[indexer_pb2.SpaceState]:
        request = indexer_pb2.ListSpacesRequest(catalogue=catalogue)
        return self._ask(self.connection.indexer.ListSpaces, request).spaces

    def _catalogues(self) -> Iterator[str]:
        def ask(token: str) -> indexer_pb2.ListCataloguesResponse:
            request = indexer_pb2.ListCataloguesRequest(page_size=PAGE, page_token=token)
            return self.connection.call(self.connection.indexer.ListCatalogues, request)

        for page in Pages(ask, self.patience):
            yield from (catalogue.name for catalogue in page.catalogues)

    def _used(self) -> Iterator[str]:
        """Names of the spaces of all catalogues."""
        for catalogue in self._catalogues():
            try:
                spaces = self._spaces(catalogue)
            except VisrecCallError as error:
                if error.code is not grpc.StatusCode.NOT_FOUND:
                    raise
                continue  # deleted since
            yield from (state.space.name for state in spaces)

    def _remove_space(self, name: str) -> None:
        request = indexer_pb2.DeleteSpaceRequest(catalogue=self.catalogue, space=name)
        try:
            self._ask(self.connection.indexer.DeleteSpace, request)
        except VisrecCallError as error:
            if error.code not in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION):
                raise  # and not where somebody has been quicker, or has just pointed an alias at it

    def _remove_heads(self, names: Iterable[str]) -> None:
        unused = set(names)
        if not unused:
            return
        for name in sorted(unused.difference(self._used())):
            request = embedder_pb2.DeleteHeadRequest(space=name)
            try:
                self._ask(self.connection.embedder.DeleteHead, request)
            except VisrecCallError as error:
                if error.code is not grpc.StatusCode.NOT_FOUND:
                    raise

    def _ask(self, method: grpc.UnaryUnaryMultiCallable[RequestT, ResponseT], request: RequestT) -> ResponseT:
        return self.patience.through(lambda: self.connection.call(method, request))
