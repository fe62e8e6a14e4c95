"""How factors are put into place, over gRPC: a space beside the present one, its rows, the people, then the alias."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import grpc
import numpy as np
from google.rpc.status_pb2 import Status

from jobs.collaborative.acts import Named
from jobs.collaborative.outcome import Written
from jobs.kmeans import Float32
from jobs.pages import Patience
from visrec.connection import Connection, RequestT, ResponseT
from visrec.errors import VisrecCallError
from visrec.v1 import common_pb2, indexer_pb2, profile_pb2

FAMILY = "factors"
ALIAS = "collaborative"
BLOCK = "factors_slack"
"""Tells the profile service that the last number of a row is slack."""
BATCH = 500

TOO_MANY = "TOO_MANY_SPACES"

_GONE = {grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION}
"""An item or a person that is there no more, a person who took their consent back: as it should be."""


@dataclass(frozen=True)
class Writer:
    """Into one catalogue. Every step may be repeated: it leaves what is there already."""

    connection: Connection
    catalogue: str
    patience: Patience

    def create(self, named: Named, rows: Float32) -> str:
        """A space for these rows, by a name that follows from them; one that is there already stays. Where a catalogue
        has no room for it, those of earlier runs go."""
        space = common_pb2.Space(
            name=space_name(named.items, rows),
            blocks=[common_pb2.Block(name=BLOCK, dimension=rows.shape[1], default_weight=1.0)],
        )
        request = indexer_pb2.CreateSpaceRequest(catalogue=self.catalogue, space=space)
        try:
            self._ask(self.connection.indexer.CreateSpace, request)
        except VisrecCallError as error:
            if error.reason != TOO_MANY:
                raise
            # Not before it has to be: where a run was killed, some people may be in the space that it left.
            self.remove_but()
            self._ask(self.connection.indexer.CreateSpace, request)
        return space.name

    def items(self, space: str, ids: Sequence[str], rows: Float32, on_done: Callable[[float], None]) -> Written:
        """Raises VisrecCallError for what is not just an item that is gone."""
        total = Written()
        for start in range(0, len(ids), BATCH):
            batch = slice(start, start + BATCH)
            request = indexer_pb2.PutVectorsRequest(
                catalogue=self.catalogue,
                items=[
                    indexer_pb2.ItemVectors(item_id=name, vectors=[_vector(space, row)])
                    for name, row in zip(ids[batch], rows[batch], strict=True)
                ],
            )
            answer = self._ask(self.connection.indexer.PutVectors, request)
            total = total.plus(_counted([result.status for result in answer.results]))
            on_done(len(request.items))
        return total

    def people(
        self, space: str, ids: Sequence[str], places: Float32, since: datetime, on_done: Callable[[float], None]
    ) -> Written:
        """`since`: when reading what they did began. Who likes nothing is nowhere. Raises VisrecCallError for what is
        not just a person who is gone."""
        somewhere = np.flatnonzero(places.any(axis=1)).tolist()
        total = Written()
        for start in range(0, len(somewhere), BATCH):
            batch = somewhere[start : start + BATCH]
            request = profile_pb2.PutUserVectorsRequest(
                catalogue=self.catalogue,
                vectors=[profile_pb2.UserVector(user_id=ids[at], vector=_vector(space, places[at])) for at in batch],
            )
            request.learned_from.FromDatetime(since)
            answer = self._ask(self.connection.profile.PutUserVectors, request)
            total = total.plus(_counted(answer.results))
            on_done(len(batch))
        return total

    def move(self, space: str) -> str:
        """Points the alias at it; where it pointed before, empty: nowhere."""
        request = indexer_pb2.SetAliasRequest(catalogue=self.catalogue, alias=ALIAS, space=space)
        return self._ask(self.connection.indexer.SetAlias, request).previous_space

    def remove_but(self, *kept: str) -> None:
        """Spaces of earlier runs that no alias points at: a run that was killed leaves one behind."""
        request = indexer_pb2.ListSpacesRequest(catalogue=self.catalogue)
        listed = self._ask(self.connection.indexer.ListSpaces, request).spaces
        for state in listed:
            name = state.space.name
            if name.startswith(f"{FAMILY}@") and not state.aliases and name not in kept:
                old = indexer_pb2.DeleteSpaceRequest(catalogue=self.catalogue, space=name)
                self._ask(self.connection.indexer.DeleteSpace, old)

    def _ask(self, method: grpc.UnaryUnaryMultiCallable[RequestT, ResponseT], request: RequestT) -> ResponseT:
        return self.patience.through(lambda: self.connection.call(method, request))


def space_name(ids: Sequence[str], rows: Float32) -> str:
    """By a digest of all that makes the numbers what they are: themselves."""
    digest = hashlib.blake2b(np.ascontiguousarray(rows, dtype="<f4").tobytes(), digest_size=8)
    digest.update("\0".join(ids).encode())
    return f"{FAMILY}@{digest.hexdigest()}"


def _vector(space: str, numbers: Float32) -> common_pb2.Vector:
    return common_pb2.Vector(space=space, data=np.ascontiguousarray(numbers, dtype="<f4").tobytes())


def _counted(statuses: Sequence[Status]) -> Written:
    failed = [VisrecCallError.from_status(status) for status in statuses if status.code]
    for error in failed:
        if error.code not in _GONE or error.reason == "SPACE_MISMATCH":
            raise error
    return Written(len(statuses) - len(failed), len(failed))
