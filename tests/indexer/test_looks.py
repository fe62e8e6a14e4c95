"""From drafts to vectors in every space: what is looked at, what is made of raw features, what is left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import InvalidInput, NotFound, NotReady, SpaceMismatch, VisrecError
from services.indexer.item import Item
from services.indexer.record.catalogue import Wanted, Written
from services.indexer.record.layout import Layout
from services.indexer.writing.draft import Draft, GivenVector, decode_all
from services.indexer.writing.embedder import Kept, Photo
from services.indexer.writing.ingest import GivenVectors, Ingest
from services.indexer.writing.looks import Looking, Looks
from services.indexer.writing.pieces import PIECE_WEIGHT, Request, pieces
from services.spaces import Block, Float32, Space, canonical, encode
from tests.indexer.builders import (
    HEAD_SPACE,
    NOW_US,
    OTHER_SPACE,
    SPACE,
    ToyEmbedder,
    definition,
    raw_features,
    vectors,
)
from tests.indexer.worlds import CODEC, catalogue_in_memory

LAYOUT = Layout.first(SPACE).adding(HEAD_SPACE).adding(OTHER_SPACE)


def photographed(item_id: str, *photos: bytes) -> Draft:
    return Draft(Item(item_id), photos=[Photo(photo) for photo in photos])


def given_in(space: Space, seed: int) -> GivenVector:
    return GivenVector(space.name, encode(vectors(seed, space=space)[0]))


def look(
    toy: ToyEmbedder, *drafts: Draft, layout: Layout = LAYOUT, keep_raw: bool = True
) -> tuple[dict[int, Looks], dict[int, VisrecError]]:
    return Looking(toy, keep_raw=keep_raw).look(range(len(drafts)), drafts, layout)


class Away(ToyEmbedder):
    """Looks at photos, and is away when vectors are to be made of what was seen."""

    def project(self, kept: Sequence[Kept], origin: Space, space: Space) -> list[Float32 | VisrecError]:
        raise NotReady("the embedder is down")


def test_a_photo_is_looked_at_once_for_all_spaces_that_the_embedder_knows() -> None:
    toy = ToyEmbedder()
    looks, failures = look(toy, photographed("a", b"one", b"two"))
    assert not failures
    assert (toy.embedded, toy.projected) == (2, 2)
    assert {name: rows.shape for name, rows in looks[0].vectors.items()} == {
        SPACE.name: (2, SPACE.dimension),
        HEAD_SPACE.name: (2, HEAD_SPACE.dimension),
    }
    assert looks[0].raw is not None


@pytest.mark.parametrize("layout", [LAYOUT, Layout.first(SPACE)])
def test_raw_features_are_given_on_only_where_they_are_kept(layout: Layout) -> None:
    looks, _ = look(ToyEmbedder(), photographed("a", b"one"), layout=layout, keep_raw=False)
    assert looks[0].raw is None
    assert (HEAD_SPACE.name in looks[0].vectors) == (layout is LAYOUT)


def test_an_item_whose_other_vectors_cannot_be_made_now_fails_for_the_moment() -> None:
    """Written without them, it would be missing from a space that searches may take."""
    looks, failures = look(Away(), photographed("a", b"one"), Draft(Item("b"), vectors=[given_in(SPACE, 1)]))
    assert {at: type(one) for at, one in failures.items()} == {0: NotReady}
    assert list(looks) == [1]


def test_photos_are_looked_at_in_another_space_when_the_own_one_is_foreign_to_the_embedder() -> None:
    foreign = Layout.first(OTHER_SPACE).adding(HEAD_SPACE)
    looks, failures = look(ToyEmbedder(), photographed("a", b"one"), photographed("bad", b"bad"), layout=foreign)
    assert list(looks[0].vectors) == [HEAD_SPACE.name]
    assert list(failures) == [1]
    _, failures = look(ToyEmbedder(), photographed("a", b"one"), layout=Layout.first(OTHER_SPACE))
    assert isinstance(failures[0], NotFound)


def test_vectors_that_come_are_kept_and_the_others_made_of_raw_features() -> None:
    raw = raw_features(1)
    brought = Draft(Item("a"), vectors=[given_in(SPACE, 1)], raw=[raw[0].tobytes()])
    both = Draft(Item("b"), vectors=[given_in(SPACE, 1), given_in(HEAD_SPACE, 5)], raw=[raw[0].tobytes()])
    toy = ToyEmbedder()
    looks, failures = look(toy, brought, both)
    assert not failures
    made = toy.projected_one(Kept(raw[0], vectors(1)[0]), HEAD_SPACE)
    assert np.array_equal(looks[0].vectors[HEAD_SPACE.name], canonical(made[None]))
    assert np.array_equal(looks[1].vectors[HEAD_SPACE.name], vectors(5, space=HEAD_SPACE))
    assert toy.projected == 1


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (Draft(Item("a"), photos=[Photo(b"x")], raw=[b"12"]), "items[0].raw_features"),
        (Draft(Item("a"), vectors=[given_in(SPACE, 1)], raw=[b"12", b"12"]), "items[0].raw_features"),
        (Draft(Item("a"), vectors=[given_in(SPACE, 1)], raw=[b"123"]), "items[0].raw_features[0]"),
        (Draft(Item("a"), vectors=[given_in(SPACE, 1)], raw=[b"\x00\x7e"]), "items[0].raw_features[0]"),
        (Draft(Item("a"), vectors=[given_in(SPACE, 1)] * 2, raw=[b"1234", b"12"]), "items[0].raw_features[1]"),
    ],
)
def test_raw_features_that_cannot_be_are_named(draft: Draft, field: str) -> None:
    if draft.photos:
        draft = Draft(draft.item, vectors=[given_in(SPACE, 1), given_in(SPACE, 2)], raw=draft.raw)
    _, failures = look(ToyEmbedder(), draft)
    (problem,) = failures.values()
    assert isinstance(problem, InvalidInput)
    assert problem.field == field


def test_a_space_that_the_catalogue_does_not_have_is_a_mismatch() -> None:
    _, failures = look(ToyEmbedder(), Draft(Item("a"), vectors=[given_in(OTHER_SPACE, 1)]), layout=Layout.first(SPACE))
    assert isinstance(failures[0], SpaceMismatch)


finite = st.floats(-1e6, 1e6, width=32)
odd = st.sampled_from([float("nan"), float("inf"), -float("inf"), 1e16, 0.0])


@given(st.lists(st.lists(finite | odd, min_size=4, max_size=4) | st.just([1.0]), min_size=1, max_size=6))
def test_decoding_all_at_once_is_decoding_one_by_one(rows: list[list[float]]) -> None:
    space = Space("visual@0123abcd", HEAD_SPACE.blocks[1:])
    data = [(f"at[{number}]", np.array(row, "<f4").tobytes()) for number, row in enumerate(rows)]
    units, failures = decode_all(space, data)
    for number, (path, one) in enumerate(data):
        told = failures.get(number)
        if told is None:
            assert np.array_equal(units[number], space.decode(one, path))
        else:
            with pytest.raises(InvalidInput) as refused:
                space.decode(one, path)
            assert isinstance(told, InvalidInput)
            assert (told.field, told.reason, told.message) == (path, refused.value.reason, refused.value.message)


@given(st.lists(st.integers(1, 7), min_size=1, max_size=1200), st.integers(1, 3))
def test_pieces_have_each_item_once_and_are_bounded(weights: list[int], partitions: int) -> None:
    ids = [f"item-{number}" for number in range(len(weights))]
    of = definition(partitions=partitions)
    made = list(pieces(of, ids, weights))
    assert sorted(at for piece in made for at in piece.positions) == list(range(len(ids)))
    assert [piece.number for piece in made] == list(range(len(made)))
    for piece in made:
        assert sum(weights[at] for at in piece.positions) <= PIECE_WEIGHT
        assert {of.partition_of(ids[at]) for at in piece.positions} == {piece.partition}


def test_a_write_that_meets_a_new_space_is_prepared_anew() -> None:
    """Its photos have vectors in the space that came while they were looked at."""
    shop = catalogue_in_memory()

    class Busy(ToyEmbedder):
        def embed(self, photos: Sequence[Photo], space: Space, *, raw: bool = False) -> list[object]:  # type: ignore[override]
            layout = shop.layout()
            if HEAD_SPACE.name not in layout.further:
                shop.relayout(layout, layout.adding(HEAD_SPACE))
            return list(super().embed(photos, space, raw=raw))

    ingest = Ingest(Looking(Busy(), keep_raw=False), CODEC, lambda: NOW_US)
    assert not ingest.ingest(shop, [photographed("a", b"one")], Request()).failures
    (found,) = shop.get(["a"], Wanted((HEAD_SPACE.name,)))
    assert found is not None
    assert len(found.others[HEAD_SPACE.name]) == 1


def test_vectors_are_put_in_several_partitions_and_spaces_at_once() -> None:
    shop = catalogue_in_memory(3)
    for space in (HEAD_SPACE, OTHER_SPACE):
        shop.relayout(shop.layout(), shop.layout().adding(space))
    ingest = Ingest(Looking(ToyEmbedder(), keep_raw=False), CODEC, lambda: NOW_US)
    names = [f"item-{number}" for number in range(20)]
    ingest.ingest(shop, [Draft(Item(name), vectors=[given_in(SPACE, 1)]) for name in names], Request())
    puts = [
        GivenVectors(name, [given_in((HEAD_SPACE, OTHER_SPACE)[number % 2], number)])
        for number, name in enumerate([*names, "none"])
    ]
    for _ in range(2):
        done = ingest.put_vectors(shop, puts, Request("one", b"digest"))
        assert {at: type(one) for at, one in done.failures.items()} == {20: NotFound}
    found = shop.get(names, Wanted((HEAD_SPACE.name, OTHER_SPACE.name)))
    spaces = [list(one.others) if one else [] for one in found]
    assert spaces == [[(HEAD_SPACE.name, OTHER_SPACE.name)[number % 2]] for number in range(20)]


def test_vectors_are_looked_at_anew_when_their_space_is_another_one_by_now(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = catalogue_in_memory()
    shop.relayout(shop.layout(), shop.layout().adding(HEAD_SPACE))
    ingest = Ingest(Looking(ToyEmbedder(), keep_raw=False), CODEC, lambda: NOW_US)
    ingest.ingest(shop, [Draft(Item(name), vectors=[given_in(SPACE, 1)]) for name in "ab"], Request())
    narrow = Space(HEAD_SPACE.name, (Block("x", 3),))
    put, moments = shop.put_vectors, iter([1])

    def overtaken(*arguments: Any) -> Written:
        if next(moments, None):
            shop.relayout(shop.layout(), shop.layout().dropping(HEAD_SPACE.name))
            shop.relayout(shop.layout(), shop.layout().adding(narrow))
        return put(*arguments)

    monkeypatch.setattr(shop, "put_vectors", overtaken)
    wide = given_in(HEAD_SPACE, 1)
    by_name = {"none": given_in(narrow, 1), "a": wide, "b": given_in(narrow, 1)}
    puts = [GivenVectors(name, [vector]) for name, vector in by_name.items()]
    for _ in range(2):
        done = ingest.put_vectors(shop, puts, Request("one", b"digest"))
        assert {at: type(one) for at, one in done.failures.items()} == {0: NotFound, 1: InvalidInput}
    found = [one and list(one.others) for one in shop.get(["a", "b"], Wanted((HEAD_SPACE.name,)))]
    assert found == [[], [HEAD_SPACE.name]]
