"""From one domain into another, end to end: a taste in wallpaper finds curtains, and a photo finds them in its palette;
each answer says how far it stands out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.conftest import CALL_S, Stubs, added_up
from tests.e2e.likers import join
from tests.e2e.pictures import COLOURS, PATTERNS, picture
from visrec.v1 import common_pb2, indexer_pb2, profile_pb2, ranker_pb2

CATALOGUE = "domains"
DOMAINS = ("wallpaper", "curtains")
EACH = 3


def item(domain: str, pattern: str, colour: str, number: int) -> indexer_pb2.IngestItem:
    """No two of them show the same."""
    photo = common_pb2.Photo(data=picture(pattern, colour, number + EACH * DOMAINS.index(domain)))
    made = indexer_pb2.Item(
        id=f"{domain}-{pattern}-{colour}-{number}", domain=domain, category=pattern, title=f"{colour} {pattern}"
    )
    return indexer_pb2.IngestItem(item=made, photos=[photo])


@pytest.fixture(scope="module")
def shop(visrec: Stubs) -> Iterator[Stubs]:
    visrec.indexer.CreateCatalogue(indexer_pb2.CreateCatalogueRequest(catalogue=CATALOGUE), timeout=CALL_S)
    items = [
        item(domain, pattern, colour, number)
        for domain in DOMAINS
        for pattern in PATTERNS
        for colour in COLOURS
        for number in range(EACH)
    ]
    request = indexer_pb2.IngestItemsRequest(catalogue=CATALOGUE, items=items)
    version = visrec.indexer.IngestItems(request, timeout=CALL_S).version
    query = indexer_pb2.Query(name="any", item_id=items[0].item.id)
    search = indexer_pb2.SearchRequest(catalogue=CATALOGUE, queries=[query], min_version=version)
    visrec.indexer.Search(search, timeout=CALL_S)
    yield visrec
    visrec.indexer.DeleteCatalogue(indexer_pb2.DeleteCatalogueRequest(catalogue=CATALOGUE), timeout=CALL_S)


@pytest.fixture
def ann(shop: Stubs) -> Iterator[str]:
    """Likes red stripes, as wallpaper."""
    person = "domains-ann"
    results = join(shop, CATALOGUE, person, [f"wallpaper-stripes-red-{number}" for number in range(EACH)])
    assert [result.outcome for result in results] == [profile_pb2.EVENT_OUTCOME_LEARNED] * EACH
    yield person
    shop.profile.DeleteUser(profile_pb2.DeleteUserRequest(user_id=person), timeout=CALL_S)


def ask(shop: Stubs, **fields: object) -> ranker_pb2.RecommendResponse:
    request = ranker_pb2.RecommendRequest(
        catalogue=CATALOGUE,
        explain=True,
        target_domains=["curtains"],
        **fields,  # type: ignore[arg-type]  # the contract's
    )
    answer = shop.ranker.Recommend(request, timeout=CALL_S)
    assert {each.item.domain for each in answer.recommendations} == {"curtains"}
    for each in answer.recommendations:
        assert each.score == added_up(each)
    return answer


def test_a_taste_of_one_domain_recommends_items_of_the_other_with_confidence_and_reasons(shop: Stubs, ann: str) -> None:
    answer = ask(shop, user_id=ann, n=EACH)
    assert {each.item.title for each in answer.recommendations} == {"red stripes"}
    reasons = [each.reasons[0] for each in answer.recommendations]
    assert {reason.kind for reason in reasons} == {ranker_pb2.REASON_KIND_CLOSE_TO_LIKED}
    assert all(reason.item_id.startswith("wallpaper-stripes-red") for reason in reasons)
    assert 0 < answer.confidence <= 1
    page = shop.ranker.NextPage(ranker_pb2.NextPageRequest(page_token=answer.next_page_token), timeout=CALL_S).page
    assert page.confidence == answer.confidence
    assert {each.item.domain for each in page.recommendations} == {"curtains"}


def test_by_colour_a_photo_finds_its_palette_whatever_it_shows(shop: Stubs) -> None:
    photo = common_pb2.Photo(data=picture("rings", "green", 99))
    answer = ask(shop, photo=photo, block_weights={"colour": 1.0}, n=10)
    found = [each.item.title.split()[0] for each in answer.recommendations]
    assert found == ["green"] * 10
    assert len({each.item.category for each in answer.recommendations}) > 1
    assert 0 < answer.confidence <= 1


def test_who_is_surer_has_something_that_stands_out(shop: Stubs) -> None:
    """Its likes are among the wallpaper; without them there is nothing in the curtains that is like them more."""
    photo = common_pb2.Photo(data=picture("stripes", "red", EACH))
    same = ask(shop, photo=photo)
    assert same.recommendations[0].item.id == "curtains-stripes-red-0", "it shows this very one"
    out = [f"curtains-stripes-{colour}-{number}" for colour in COLOURS for number in range(EACH)]
    assert ask(shop, photo=photo, exclude_item_ids=out).confidence < same.confidence
