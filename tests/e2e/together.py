"""A shop where people of three kinds like items of one kind each, and the job that learns from that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from typer.testing import CliRunner

from jobs.__main__ import app
from tests.e2e.conftest import CALL_S, Stubs
from tests.e2e.likers import join
from visrec.connection import Connection, Targets
from visrec.v1 import common_pb2, embedder_pb2, indexer_pb2, profile_pb2, ranker_pb2

KINDS = ("lamp", "chair", "vase")
ITEMS, NEW = 180, 30
"""The first ones are touched by somebody, the last ones by nobody."""
PEOPLE, LIKES = 60, 15


def kind_of(item_id: str) -> int:
    return int(item_id.removeprefix("item-")) % len(KINDS)


@dataclass(frozen=True)
class Shop:
    """A catalogue of a running system."""

    stubs: Stubs
    catalogue: str

    def join(self, person: str, kind: int, likes: int = LIKES, seed: int = 0) -> None:
        liked = np.random.default_rng(seed).choice(np.arange(kind, ITEMS, len(KINDS)), likes, replace=False)
        join(self.stubs, self.catalogue, person, [f"item-{at}" for at in liked])

    def erase(self, person: str) -> None:
        self.stubs.profile.DeleteUser(profile_pb2.DeleteUserRequest(user_id=person), timeout=CALL_S)

    def run(self) -> tuple[int, str]:
        """The command as it is typed; its exit code and what it says."""
        result = CliRunner().invoke(app, ["collaborative", "-c", self.catalogue, "--factors", "4"], env=self.targets)
        return result.exit_code, result.output

    def spaces(self) -> dict[str, list[str]]:
        """Aliases by the names of the spaces of factors."""
        listed = self.stubs.indexer.ListSpaces(
            indexer_pb2.ListSpacesRequest(catalogue=self.catalogue), timeout=CALL_S
        ).spaces
        return {state.space.name: list(state.aliases) for state in listed if state.space.name.startswith("factors@")}

    def searched(self) -> str:
        return next(name for name, aliases in self.spaces().items() if "collaborative" in aliases)

    def place(self, person: str) -> common_pb2.Vector:
        """Where somebody is."""
        request = profile_pb2.GetTasteRequest(user_id=person, catalogue=self.catalogue)
        return self.stubs.profile.GetTaste(request, timeout=CALL_S).taste.collaborative

    def liked_together(self, person: str) -> list[str]:
        """Recommended by that signal alone."""
        request = ranker_pb2.RecommendRequest(
            catalogue=self.catalogue, user_id=person, n=10, signal_weights={"collaborative": 1.0}
        )
        answer = self.stubs.ranker.Recommend(request, timeout=CALL_S)
        assert "collaborative" not in {each.signal for each in answer.dropped}
        return [each.item.id for each in answer.recommendations]

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        with Connection(Targets.from_environment(self.targets), CALL_S) as connected:
            yield connected

    @property
    def targets(self) -> dict[str, str]:
        return {f"VISREC_{name.upper()}_TARGET": self.stubs.fleet.target(name) for name in ("indexer", "profile")}


@contextmanager
def open_shop(visrec: Stubs, catalogue: str) -> Iterator[Shop]:
    """Items of three kinds that look like their kind, and people who like one kind each."""
    visrec.indexer.CreateCatalogue(indexer_pb2.CreateCatalogueRequest(catalogue=catalogue), timeout=CALL_S)
    space = visrec.embedder.GetModel(embedder_pb2.GetModelRequest(), timeout=CALL_S).model.spaces[0]
    chance = np.random.default_rng(1)
    dimension = sum(block.dimension for block in space.blocks)
    of_kind = chance.normal(size=(len(KINDS), dimension))
    items = []
    for at in range(ITEMS + NEW):
        looks = (of_kind[at % len(KINDS)] + 0.5 * chance.normal(size=dimension)).astype("<f4")
        vector = common_pb2.Vector(space=space.name, data=looks.tobytes())
        item = indexer_pb2.Item(id=f"item-{at}", category=KINDS[at % len(KINDS)])
        items.append(indexer_pb2.IngestItem(item=item, vectors=[vector]))
    request = indexer_pb2.IngestItemsRequest(catalogue=catalogue, items=items)
    answer = visrec.indexer.IngestItems(request, timeout=CALL_S)
    assert [result.status.code for result in answer.results] == [0] * len(items)
    yield Shop(visrec, catalogue)
    visrec.indexer.DeleteCatalogue(indexer_pb2.DeleteCatalogueRequest(catalogue=catalogue), timeout=CALL_S)
