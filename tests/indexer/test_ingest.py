"""The use case of writing, over a record in memory and a toy embedder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count

import numpy as np
import pytest

from services.errors import Conflict, InvalidInput, InvalidPicture, NotReady, SpaceMismatch
from services.indexer.item import Item
from services.indexer.record.catalogue import Catalogue
from services.indexer.version import Version
from services.indexer.writing.draft import Draft, GivenVector
from services.indexer.writing.embedder import Photo
from services.indexer.writing.ingest import Ingest
from services.indexer.writing.looks import Looking
from services.indexer.writing.pieces import Request
from services.spaces import canonical, encode
from tests.indexer.builders import NOW_US, OTHER_SPACE, SPACE, ToyEmbedder, record, vectors
from tests.indexer.worlds import CODEC, catalogue_in_memory


@pytest.fixture
def toy() -> ToyEmbedder:
    return ToyEmbedder()


@pytest.fixture
def ingest(toy: ToyEmbedder) -> Ingest:
    ticks = count(NOW_US)
    return Ingest(Looking(toy, keep_raw=False), CODEC, lambda: next(ticks))


@pytest.fixture
def shop() -> Catalogue:
    return catalogue_in_memory()


def draft(item_id: str, *seeds: int) -> Draft:
    return Draft(Item(item_id), vectors=[GivenVector(SPACE.name, encode(vectors(seed)[0])) for seed in seeds])


def photographed(item_id: str, *photos: bytes) -> Draft:
    return Draft(Item(item_id), photos=[Photo(photo) for photo in photos])


def head(shop: Catalogue) -> Version:
    partitions = shop.definition.partitions
    version = Version.nothing(partitions)
    for partition in range(partitions):
        version = version.reaching(partition, shop.head(partition))
    return version


def stored_ids(shop: Catalogue, drafts: Sequence[Draft]) -> list[str]:
    return [one.item.id for one in shop.get([draft.item.id for draft in drafts]) if one]


def test_vectors_are_kept_as_they_were_given(shop: Catalogue, ingest: Ingest) -> None:
    done = ingest.ingest(shop, [draft("a", 1, 2), draft("b", 3)], Request())
    assert done.failures == {}
    assert shop.get(["a", "b"]) == [record("a", 1, 2), record("b", 3)]
    assert head(shop).contains(done.version)


def test_a_vector_of_any_scale_is_normalised(shop: Catalogue, ingest: Ingest) -> None:
    large = GivenVector(SPACE.name, encode(1000 * vectors(1)[0].astype(np.float32)))
    ingest.ingest(shop, [Draft(Item("a"), vectors=[large])], Request())
    stored = shop.get(["a"])[0]
    assert stored is not None
    assert np.abs(stored.vectors - vectors(1)).max() < 1e-3


def test_photos_are_embedded(shop: Catalogue, ingest: Ingest, toy: ToyEmbedder) -> None:
    ingest.ingest(shop, [photographed("a", b"one", b"two"), draft("b", 1), photographed("c", b"three")], Request())
    expected = [toy.one(photo, SPACE) for photo in (b"one", b"two")]
    stored = shop.get(["a"])[0]
    assert stored is not None
    assert np.array_equal(stored.vectors, canonical(np.array(expected)))
    assert None not in shop.get(["a", "b", "c"])


def test_a_bad_item_fails_alone_and_is_named(shop: Catalogue, ingest: Ingest) -> None:
    nan = np.full(SPACE.dimension, np.nan, "<f4").tobytes()
    drafts = [
        draft("good", 1),
        Draft(Item("")),
        Draft(Item("neither")),
        Draft(Item("both"), photos=[Photo(b"x")], vectors=draft("x", 1).vectors),
        Draft(Item("nan"), vectors=[GivenVector(SPACE.name, nan)]),
        Draft(Item("short"), vectors=[*draft("x", 1).vectors, GivenVector(SPACE.name, b"1234")]),
        Draft(Item("other"), vectors=[GivenVector(OTHER_SPACE.name, draft("x", 1).vectors[0].data)]),
        Draft(Item("price", price=-1), vectors=draft("x", 1).vectors),
        draft("many", *range(17)),
        photographed("picture", b"good", b"bad one"),
        photographed("fine", b"good"),
    ]
    done = ingest.ingest(shop, drafts, Request())
    told = {at: getattr(one, "field", "") or type(one).__name__ for at, one in done.failures.items()}
    assert told == {
        1: "items[1].item.id",
        2: "items[2]",
        3: "items[3]",
        4: "items[4].vectors[0].data",
        5: "items[5].vectors[1].data",
        6: "SpaceMismatch",
        7: "items[7].item.price",
        8: "items[8].vectors",
        9: "items[9].photos[1]",
    }
    assert isinstance(done.failures[6], SpaceMismatch)
    assert isinstance(done.failures[9], InvalidPicture)
    assert stored_ids(shop, drafts) == ["good", "fine"]


def test_an_embedder_that_is_down_does_not_keep_vectors_from_being_written(
    shop: Catalogue, ingest: Ingest, toy: ToyEmbedder
) -> None:
    drafts = [photographed("a", b"one"), draft("b", 1)]
    with toy.outage():
        done = ingest.ingest(shop, drafts, Request())
    assert {at: type(one) for at, one in done.failures.items()} == {0: NotReady}
    assert stored_ids(shop, drafts) == ["b"]


@pytest.mark.parametrize(
    ("drafts", "field"),
    [
        ([], "items"),
        ([draft(f"item-{n}", 1) for n in range(1001)], "items"),
        ([draft("a", 1), draft("b", 1), draft("a", 2)], "items[2].item.id"),
    ],
)
def test_a_request_that_is_wrong_as_a_whole_writes_nothing(
    shop: Catalogue, ingest: Ingest, drafts: list[Draft], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        ingest.ingest(shop, drafts, Request())
    assert refused.value.field == field
    assert shop.scan(0, 0, 10) == ([], 0)


def test_the_first_time_stays_and_is_the_time_of_an_item_without_one(shop: Catalogue, ingest: Ingest) -> None:
    for _ in range(2):
        ingest.ingest(shop, [draft("a", 1)], Request())
    stored = shop.get(["a"])[0]
    assert stored is not None
    assert stored.dated().time_us == stored.created_us == NOW_US


class TestRepeating:
    """The same request id: the same answer, and nothing happens twice."""

    REQUEST = Request("one", b"digest")

    @pytest.mark.parametrize("partitions", [1, 3])
    def test_the_same_request_gives_the_same_answer_and_acts_once(
        self, ingest: Ingest, toy: ToyEmbedder, partitions: int
    ) -> None:
        shop = catalogue_in_memory(partitions)
        drafts = [draft(f"item-{n}", n) for n in range(250)] + [photographed("p", b"one"), photographed("bad", b"bad")]
        first = ingest.ingest(shop, drafts, self.REQUEST)
        ingest.delete(shop, ["item-3", "p"], Request())
        again = ingest.ingest(shop, drafts, self.REQUEST)
        assert (again.version, again.failures.keys()) == (first.version, first.failures.keys())
        assert shop.get(["item-3", "p"]) == [None, None]
        assert toy.embedded == 2

    @pytest.mark.parametrize("partitions", [1, 8])
    def test_another_payload_is_a_conflict(self, ingest: Ingest, partitions: int) -> None:
        shop = catalogue_in_memory(partitions)
        ingest.ingest(shop, [draft("a", 1)], self.REQUEST)
        for item_id in ("a", "b", "c", "d"):
            with pytest.raises(Conflict):
                ingest.ingest(shop, [draft(item_id, 2)], replace(self.REQUEST, digest=b"other"))
        assert shop.get(["a", "b", "c", "d"]) == [record("a", 1), None, None, None]

    def test_what_failed_for_the_moment_is_tried_again_and_nothing_else(
        self, shop: Catalogue, ingest: Ingest, toy: ToyEmbedder
    ) -> None:
        drafts = [photographed("p", b"one"), draft("b", 1), photographed("bad", b"bad")]
        with toy.outage():
            first = ingest.ingest(shop, drafts, self.REQUEST)
        assert first.failures.keys() == {0, 2}
        ingest.delete(shop, ["b"], Request())
        again = ingest.ingest(shop, drafts, self.REQUEST)
        assert again.failures.keys() == {2}
        assert isinstance(again.failures[2], InvalidPicture)
        assert stored_ids(shop, drafts) == ["p"]
        assert ingest.ingest(shop, drafts, self.REQUEST).version == again.version

    def test_a_deletion_is_remembered_too(self, shop: Catalogue, ingest: Ingest) -> None:
        ingest.ingest(shop, [draft("a", 1), draft("b", 1)], Request())
        for _ in range(2):
            assert ingest.delete(shop, ["a", "a", "none"], self.REQUEST).count == 1

    def test_an_id_that_is_too_long_is_refused(self, shop: Catalogue, ingest: Ingest) -> None:
        with pytest.raises(InvalidInput) as refused:
            ingest.delete(shop, ["a"], Request("x" * 129))
        assert refused.value.field == "request_id"


@pytest.mark.parametrize(("ids", "field"), [([], "item_ids"), (["a"] * 1001, "item_ids"), (["a", ""], "item_ids[1]")])
def test_a_deletion_out_of_bounds_is_refused(shop: Catalogue, ingest: Ingest, ids: list[str], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        ingest.delete(shop, ids, Request())
    assert refused.value.field == field
