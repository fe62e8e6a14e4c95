"""What the use cases make of the state of several catalogues."""

from __future__ import annotations

import pytest

from services.errors import NotReady
from services.indexer.definition import Definition
from services.indexer.index.exact import ExactIndex
from services.indexer.library import Library, Rules, Surroundings
from services.indexer.record.catalogue import Catalogue
from services.indexer.record.catalogues import InMemoryCatalogues
from services.indexer.serving.shelves import Shelves
from services.indexer.wire.items import pack_item
from services.indexer.writing.ingest import Ingest
from services.indexer.writing.looks import Looking
from tests.indexer.builders import NOW_US, ToyEmbedder, counted_bytes, definition
from tests.indexer.test_shelf import Troubled
from tests.indexer.worlds import CODEC, monotonic


class Catalogues(InMemoryCatalogues):
    """The one that is called "loading" cannot be read to its end."""

    def open(self, definition: Definition) -> Catalogue:
        troubled = Troubled(super().open(definition))
        if definition.name == "loading":
            troubled.unreachable.set()
        return troubled


def test_numbers_of_all_are_those_of_the_catalogues_that_have_been_read() -> None:
    catalogues, embedder = Catalogues(counted_bytes()), ToyEmbedder()
    shelves = Shelves(
        catalogues,
        lambda one, space: ExactIndex(space, one.partitions, pack_item),
        report=lambda _, __: None,
        built=lambda _: None,
        clock=monotonic,
    )
    library = Library(
        shelves,
        Ingest(Looking(embedder, keep_raw=False), CODEC, lambda: NOW_US),
        embedder,
        Rules(),
        Surroundings(monotonic, lambda: NOW_US, counted_bytes()),
    )
    shelves.create(definition(), None)
    catalogues.create(definition("loading"), None)
    shelves.look()
    assert [stats.definition.name for stats in library.stats("")] == ["shop"]
    with pytest.raises(NotReady):
        library.stats("loading")
    shelves.close()
