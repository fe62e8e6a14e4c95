"""Which spaces a run takes for those of runs, and who holds where two run at the same time."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from jobs.collaborative.generation import NEXT, SERVED, name_of, to_go_on_with
from jobs.collaborative.writing import BLOCK, Writer
from jobs.head.reading import NothingLearned
from jobs.pages import Patience
from visrec.connection import Connection
from visrec.v1 import common_pb2, indexer_pb2

OLDER, NEWER = (name_of(began_s, "one", ["a"], np.ones((1, 2), np.float32)) for began_s in (1_000, 1_900))


@dataclass
class Shop:
    """The spaces of a catalogue by name, with their block, and where aliases point."""

    spaces: dict[str, str]
    aliases: dict[str, str] = field(default_factory=dict)

    @property
    def writer(self) -> Writer:
        indexer = SimpleNamespace(ListSpaces=self.listed, SetAlias=self.pointed, DeleteSpace=self.removed)
        connection = SimpleNamespace(indexer=indexer, call=lambda method, request: method(request))
        return Writer(cast("Connection", connection), "shop", Patience(0.0, lambda _: None, lambda: 0.0))

    def listed(self, _: Any) -> indexer_pb2.ListSpacesResponse:
        return indexer_pb2.ListSpacesResponse(
            spaces=[
                indexer_pb2.SpaceState(
                    space=common_pb2.Space(name=name, blocks=[common_pb2.Block(name=block, dimension=2)]),
                    aliases=[alias for alias, to in self.aliases.items() if to == name],
                )
                for name, block in self.spaces.items()
            ]
        )

    def pointed(self, request: indexer_pb2.SetAliasRequest) -> indexer_pb2.SetAliasResponse:
        previous = self.aliases.pop(request.alias, "")
        if request.space:
            self.aliases[request.alias] = request.space
        return indexer_pb2.SetAliasResponse(previous_space=previous)

    def removed(self, request: indexer_pb2.DeleteSpaceRequest) -> indexer_pb2.DeleteSpaceResponse:
        del self.spaces[request.space]
        return indexer_pb2.DeleteSpaceResponse()


def test_only_what_runs_have_made_is_removed() -> None:
    by_hand = {"factors@0a1b2c3d4e5f6071": BLOCK, "factors@deadbeef": BLOCK, f"factors@{'0' * 32}": "other"}
    shop = Shop({**by_hand, OLDER: BLOCK, NEWER: BLOCK})
    shop.writer.move(NEWER)
    assert shop.spaces == {**by_hand, NEWER: BLOCK}


def test_the_one_that_began_later_holds_though_the_other_marks_last() -> None:
    shop = Shop({OLDER: BLOCK, NEWER: BLOCK})
    shop.writer.mark(NEWER)
    with pytest.raises(NothingLearned, match="began later"):
        shop.writer.mark(OLDER)
    shop.writer.move(NEWER)
    with pytest.raises(NothingLearned, match="began later"):
        shop.writer.move(OLDER)
    assert shop.aliases == {SERVED: NEWER}


def test_the_one_that_began_later_holds_though_the_other_moves_first() -> None:
    shop = Shop({OLDER: BLOCK, NEWER: BLOCK})
    for space in (OLDER, NEWER):
        shop.writer.mark(space)
        shop.writer.move(space)
    assert shop.aliases == {SERVED: NEWER}
    assert to_go_on_with(shop.writer.generations(), "one", 2_000) is None
    assert NEXT not in shop.aliases
