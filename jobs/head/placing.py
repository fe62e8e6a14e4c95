"""How a head is put into place, over gRPC: given to the embedder, its space filled, the alias moved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import grpc
import numpy as np

from jobs.head.directions import Map
from jobs.head.fitting import Learned
from jobs.head.inventory import Inventory
from jobs.head.reading import NothingLearned
from jobs.head.sides import CONTENT, KIND
from jobs.pages import BrokenOff, Patience
from visrec.connection import Connection, RequestT, ResponseT
from visrec.errors import VisrecCallError
from visrec.v1 import common_pb2, embedder_pb2, indexer_pb2

FAMILY = VISUAL = "visual"
POLL_S = 0.5
FULL = ("TOO_MANY_SPACES", "TOO_MANY_HEADS")
_ENDED = {
    indexer_pb2.OPERATION_STATE_DONE,
    indexer_pb2.OPERATION_STATE_FAILED,
    indexer_pb2.OPERATION_STATE_CANCELLED,
}


def head_of(learned: Learned, present: common_pb2.Space, model: common_pb2.Space, told: str) -> embedder_pb2.Head:
    """`content` and `kind` as they were learned, then the other blocks of the model's own space, with the weights that
    they have in the `present` one. `told`: what it was learned from, for people."""
    weights = {block.name: block.default_weight for block in (*model.blocks, *present.blocks)}
    content = weights.get(CONTENT) or 1.0
    blocks = [
        _linear(CONTENT, learned.content, content),
        _linear(KIND, learned.kind, content * learned.setting.weight),
        *(
            embedder_pb2.HeadBlock(
                block=common_pb2.Block(name=block.name, dimension=block.dimension, default_weight=weights[block.name]),
                builtin=True,
            )
            for block in model.blocks
            if block.name not in (CONTENT, KIND)
        ),
    ]
    return embedder_pb2.Head(family=FAMILY, description=told, blocks=blocks)


@dataclass(frozen=True)
class Placing:
    """In one catalogue. All steps act once, however often a run is stopped and started again."""

    connection: Connection
    catalogue: str
    patience: Patience

    def model(self) -> embedder_pb2.Model:
        """That of the embedder. Raises NothingLearned for one without raw features."""
        model = self._ask(self.connection.embedder.GetModel, embedder_pb2.GetModelRequest()).model
        if not model.raw_dimension:
            raise NothingLearned(f"{model.name} has no raw features that a head could map from")
        return model

    def present(self) -> common_pb2.Space:
        """The space behind `visual`."""
        return next(state.space for state in self._spaces() if VISUAL in state.aliases)

    def space(self, name: str) -> common_pb2.Space:
        """The catalogue's space of that name. Raises NothingLearned."""
        for state in self._spaces():
            if state.space.name == name:
                return state.space
        raise NothingLearned(f"{self.catalogue} has no space {name}")

    def _spaces(self) -> Sequence[indexer_pb2.SpaceState]:
        request = indexer_pb2.ListSpacesRequest(catalogue=self.catalogue)
        return self._ask(self.connection.indexer.ListSpaces, request).spaces

    def give(self, head: embedder_pb2.Head) -> common_pb2.Space:
        """The space that it makes, known to the embedder and the catalogue from then on. Where there is no room, what
        earlier runs have made goes and is not searched: the space that is searched now will be the way back."""
        try:
            return self._given(head)
        except VisrecCallError as error:
            if error.reason not in FULL:
                raise
        self.inventory.tidy()
        return self._given(head)

    @property
    def inventory(self) -> Inventory:
        """What runs of this job have made."""
        return Inventory(self.connection, self.catalogue, self.patience)

    def _given(self, head: embedder_pb2.Head) -> common_pb2.Space:
        space = self._ask(self.connection.embedder.PutHead, embedder_pb2.PutHeadRequest(head=head)).space
        request = indexer_pb2.CreateSpaceRequest(catalogue=self.catalogue, space=space)
        self._ask(self.connection.indexer.CreateSpace, request)
        return space

    def fill(self, space: str, on_done: Callable[[float], None]) -> Mapping[str, int]:
        """Vectors of all items from their raw features; `on_done` is told each further share of the work, 1 in all.
        Goes on with the work of a run before. Raises NothingLearned when it fails."""
        # What a start has begun of which nobody heard is under way.
        operation, told = self.patience.through(lambda: self._under_way(space) or self._start(space)), 0.0
        while operation.state not in _ENDED:
            self.patience.sleep(POLL_S)
            operation = self._asked(operation)
            on_done(operation.progress - told)
            told = operation.progress
        if operation.state != indexer_pb2.OPERATION_STATE_DONE:
            why = operation.error.message or "it was cancelled"
            raise NothingLearned(f"{space} was not filled: {why}")
        return operation.counts

    def _under_way(self, space: str) -> indexer_pb2.Operation | None:
        request = indexer_pb2.ListOperationsRequest(catalogue=self.catalogue, page_size=100)
        listed = self.connection.call(self.connection.indexer.ListOperations, request).operations
        running = (
            each
            for each in listed
            if each.kind == "remake" and each.space == space and each.state == indexer_pb2.OPERATION_STATE_RUNNING
        )
        return next(running, None)

    def _start(self, space: str) -> indexer_pb2.Operation:
        request = indexer_pb2.RemakeSpaceRequest(catalogue=self.catalogue, space=space)
        return self.connection.call(self.connection.indexer.RemakeSpace, request).operation

    def _asked(self, operation: indexer_pb2.Operation) -> indexer_pb2.Operation:
        """How it stands now. That the indexer is away for a while does not end it."""
        request = indexer_pb2.GetOperationRequest(name=operation.name)
        return self._ask(self.connection.indexer.GetOperation, request).operation

    def move(self, space: str) -> str:
        """Points the alias at it; where it pointed before: the way back, which stays. What earlier runs have made
        goes; what cannot be removed now is by the next run, for this one has done what it was for."""
        before = self.present().name
        request = indexer_pb2.SetAliasRequest(catalogue=self.catalogue, alias=VISUAL, space=space)
        answered = self._ask(self.connection.indexer.SetAlias, request).previous_space
        # Asked once more after an answer that was lost, the alias is at the space already.
        previous = before if answered == space else answered
        with suppress(VisrecCallError, BrokenOff):
            self.inventory.tidy(space, previous, before=space)
        return previous

    def remove(self, space: str) -> None:
        """The space, and its head if no other catalogue has that space."""
        self.inventory.remove(space)

    def _ask(self, method: grpc.UnaryUnaryMultiCallable[RequestT, ResponseT], request: RequestT) -> ResponseT:
        return self.patience.through(lambda: self.connection.call(method, request))


def _linear(name: str, map_: Map, weight: float) -> embedder_pb2.HeadBlock:
    return embedder_pb2.HeadBlock(
        block=common_pb2.Block(name=name, dimension=len(map_.matrix), default_weight=weight),
        matrix=np.ascontiguousarray(map_.matrix, dtype="<f4").tobytes(),
        mean=np.ascontiguousarray(map_.mean, dtype="<f4").tobytes(),
    )
