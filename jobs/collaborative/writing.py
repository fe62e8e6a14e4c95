"""How factors are put into place, over gRPC: a space beside the present one, its rows, the people, then the alias."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import grpc
import numpy as np
from google.rpc.status_pb2 import Status

from jobs.collaborative.generation import NEXT, SERVED, Generation, is_made_here, is_overtaken, outlived
from jobs.collaborative.outcome import Written
from jobs.head.reading import NothingLearned
from jobs.kmeans import Float32
from jobs.pages import Patience
from visrec.connection import Connection, RequestT, ResponseT
from visrec.errors import VisrecCallError
from visrec.v1 import common_pb2, indexer_pb2, profile_pb2

BLOCK = "factors_slack"
"""Tells the profile service that the last number of a row is slack."""
BATCH = 500

TOO_MANY = "TOO_MANY_SPACES"
SPACE_GONE = ("SPACE_MISMATCH", "SPACE_NOT_FOUND")

_GONE = {grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION}
"""An item or a person that is there no more, a person who took their consent back: as it should be."""


@dataclass(frozen=True)
class Writer:
    """Into one catalogue. Every step may be repeated: it leaves what is there already."""

    connection: Connection
    catalogue: str
    patience: Patience

    def generations(self) -> list[Generation]:
        """All that runs have left there, by name and block: a space that somebody made by hand is none."""
        request = indexer_pb2.ListSpacesRequest(catalogue=self.catalogue)
        listed = self._ask(self.connection.indexer.ListSpaces, request).spaces
        return [
            Generation(state.space.name, frozenset(state.aliases))
            for state in listed
            if is_made_here(state.space.name) and [block.name for block in state.space.blocks] == [BLOCK]
        ]

    def create(self, space: str, dimension: int) -> None:
        """A space of that name; one that is there already stays. Where a catalogue has no room for it, those go that
        nobody searches: a way back, and what a run has left that was killed."""
        block = common_pb2.Block(name=BLOCK, dimension=dimension, default_weight=1.0)
        request = indexer_pb2.CreateSpaceRequest(
            catalogue=self.catalogue, space=common_pb2.Space(name=space, blocks=[block])
        )
        try:
            self._ask(self.connection.indexer.CreateSpace, request)
        except VisrecCallError as error:
            if error.reason != TOO_MANY:
                raise
            # Not before it has to be: where a run was killed, some people may be in the space that it left.
            self._point(NEXT, "")
            for known in self.generations():
                if not known.aliases:
                    self._remove(known.name)
            self._ask(self.connection.indexer.CreateSpace, request)

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

    def mark(self, space: str) -> None:
        """Its rows are whole: a later run goes on with the people. Raises NothingLearned when a run that began later is
        further."""
        self._require_newest(space)
        self._point(NEXT, space)

    def move(self, space: str) -> str:
        """Points the alias at it, and takes away what has outlived that; where it pointed before, empty: nowhere.
        Raises NothingLearned when a run that began later is further."""
        self._require_newest(space)
        previous = self._point(SERVED, space)
        if any(each.name == space and NEXT in each.aliases for each in self.generations()):
            self._point(NEXT, "")
        for name in outlived(self.generations(), space, previous):
            self._remove(name)
        return previous

    def _require_newest(self, space: str) -> None:
        if is_overtaken(space, self.generations()):
            raise NothingLearned("a run that began later is searched by now, or about to be: its rows are newer")

    def _point(self, alias: str, space: str) -> str:
        request = indexer_pb2.SetAliasRequest(catalogue=self.catalogue, alias=alias, space=space)
        return self._ask(self.connection.indexer.SetAlias, request).previous_space

    def _remove(self, space: str) -> None:
        request = indexer_pb2.DeleteSpaceRequest(catalogue=self.catalogue, space=space)
        try:
            self._ask(self.connection.indexer.DeleteSpace, request)
        except VisrecCallError as error:
            if error.code not in _GONE:  # another run was quicker, or points at it by now
                raise

    def _ask(self, method: grpc.UnaryUnaryMultiCallable[RequestT, ResponseT], request: RequestT) -> ResponseT:
        return self.patience.through(lambda: self.connection.call(method, request))


def _vector(space: str, numbers: Float32) -> common_pb2.Vector:
    return common_pb2.Vector(space=space, data=np.ascontiguousarray(numbers, dtype="<f4").tobytes())


def _counted(statuses: Sequence[Status]) -> Written:
    failed = [VisrecCallError.from_status(status) for status in statuses if status.code]
    for error in failed:
        if error.code not in _GONE or error.reason in SPACE_GONE:
            raise error
    return Written(len(statuses) - len(failed), len(failed))
