from __future__ import annotations

import pytest

from services.errors import InvalidInput, NotFound
from services.indexer.filters import Condition, Filter, NumberTest
from services.indexer.item import Record
from services.indexer.record.catalogue import Catalogue
from services.indexer.record.reading import Listing, get_items, list_items, page_size, require_items
from tests.indexer.builders import record
from tests.indexer.worlds import catalogue_in_memory


def filled(partitions: int, count: int) -> Catalogue:
    shop = catalogue_in_memory(partitions)
    for number in range(count):
        one = record(f"item-{number}", 1, title=f"Red dress {number}", price=float(number))
        shop.write(shop.definition.partition_of(one.item.id), [one], (), None)
    return shop


def walked(shop: Catalogue, listing: Listing) -> list[list[Record]]:
    """All pages."""
    pages = [list_items(shop, listing)]
    while pages[-1].token:
        pages.append(list_items(shop, Listing(listing.page_size, pages[-1].token, listing.filter, listing.words)))
    return [list(page.records) for page in pages]


@pytest.mark.parametrize("partitions", [1, 3])
@pytest.mark.parametrize("size", [1, 7, 100])
def test_pages_have_each_item_once_and_never_too_many(partitions: int, size: int) -> None:
    pages = walked(filled(partitions, 40), Listing(size))
    assert all(len(page) <= size for page in pages)
    found = [one.item.id for page in pages for one in page]
    assert sorted(found) == sorted(f"item-{number}" for number in range(40))


def test_only_items_that_pass_are_listed() -> None:
    cheap = Filter(must=(Condition("price", NumberTest(at_most=12)),))
    pages = walked(filled(2, 40), Listing(5, filter=cheap, words="DRESS red"))
    assert sorted(one.item.price or 0 for page in pages for one in page) == list(range(13))


def test_every_word_of_the_title_must_be_there_as_a_word() -> None:
    shop = filled(1, 20)
    assert [one.item.id for one in list_items(shop, Listing(words="dress 7")).records] == ["item-7"]
    assert not list_items(shop, Listing(words="dres")).records


@pytest.mark.parametrize("token", ["?", "AAAA", "ä", "AAAAAAAAAAAAAAAAAAAAAAAAAAAA"])
def test_a_token_of_nobody_is_refused(token: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        list_items(filled(1, 1), Listing(token=token))
    assert refused.value.field == "page_token"


def test_sizes_are_defaulted_cut_and_refused() -> None:
    assert [page_size(given, 20, 100) for given in (0, 5, 1000)] == [20, 5, 100]
    with pytest.raises(InvalidInput) as refused:
        page_size(-1, 20, 100)
    assert refused.value.field == "page_size"


def test_items_come_in_the_order_asked_for_and_the_missing_are_named() -> None:
    shop = filled(2, 3)
    records, missing = get_items(shop, ["item-2", "none", "item-0"], "item_ids")
    assert ([one.item.id for one in records], missing) == (["item-2", "item-0"], ["none"])
    with pytest.raises(NotFound) as refused:
        require_items(shop, ["item-2", "none"], "item_ids")
    assert refused.value.name == "none"
