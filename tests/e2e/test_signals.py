"""Every signal and rule from end to end: real photos, four services, a collaborative space, a session, prices,
times."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from tests.e2e.conftest import CALL_S, Stubs, added_up
from tests.e2e.pictures import COLOURS, PATTERNS, picture
from visrec.v1 import common_pb2, indexer_pb2, profile_pb2, ranker_pb2

CATALOGUE = "signals"
EACH = 3
TOGETHER = common_pb2.Space(
    name="factors@0123456789", blocks=[common_pb2.Block(name="factors", dimension=4, default_weight=1.0)]
)
DAY_S = 24 * 3600
NOW_S = int(time.time())

GIVEN = profile_pb2.CONSENT_STATE_GIVEN
ALL = profile_pb2.Consent(personalisation=GIVEN, photo_learning=GIVEN, segments=GIVEN)


def item_id(pattern: str, colour: str, number: int) -> str:
    return f"{pattern}-{colour}-{number}"


def item(pattern: str, colour: str, number: int) -> indexer_pb2.Item:
    """The first of each is dear, the second out of stock, the third new; a pattern is a category, with its colour a
    group."""
    made = indexer_pb2.Item(
        id=item_id(pattern, colour, number),
        domain="wallpaper",
        category=pattern,
        group_id=f"{pattern}-{colour}",
        title=f"{colour} {pattern}",
        tags=[colour],
        price=(900.0, 20.0, 30.0)[number],
        currency="EUR",
    )
    if number == 1:
        made.availability = indexer_pb2.AVAILABILITY_OUT_OF_STOCK
    made.time.FromSeconds(NOW_S - (300, 200, 1)[number] * DAY_S)
    return made


@pytest.fixture(scope="module")
def shop(visrec: Stubs) -> Iterator[Stubs]:
    visrec.indexer.CreateCatalogue(indexer_pb2.CreateCatalogueRequest(catalogue=CATALOGUE), timeout=CALL_S)
    everything = [(pattern, colour, number) for pattern in PATTERNS for colour in COLOURS for number in range(EACH)]
    items = [
        indexer_pb2.IngestItem(item=item(*each), photos=[common_pb2.Photo(data=picture(*each))]) for each in everything
    ]
    visrec.indexer.IngestItems(indexer_pb2.IngestItemsRequest(catalogue=CATALOGUE, items=items), timeout=CALL_S)
    visrec.indexer.CreateSpace(indexer_pb2.CreateSpaceRequest(catalogue=CATALOGUE, space=TOGETHER), timeout=CALL_S)
    factors = [
        indexer_pb2.ItemVectors(item_id=item_id(*each), vectors=[vector(np.eye(4)[PATTERNS.index(each[0])])])
        for each in everything
    ]
    visrec.indexer.PutVectors(indexer_pb2.PutVectorsRequest(catalogue=CATALOGUE, items=factors), timeout=CALL_S)
    request = indexer_pb2.SetAliasRequest(catalogue=CATALOGUE, alias="collaborative", space=TOGETHER.name)
    version = visrec.indexer.SetAlias(request, timeout=CALL_S).version
    query = indexer_pb2.Query(name="any", item_id=items[0].item.id)
    search = indexer_pb2.SearchRequest(catalogue=CATALOGUE, queries=[query], min_version=version)
    visrec.indexer.Search(search, timeout=CALL_S)
    yield visrec
    visrec.indexer.DeleteCatalogue(indexer_pb2.DeleteCatalogueRequest(catalogue=CATALOGUE), timeout=CALL_S)


def vector(numbers: Sequence[float] | np.typing.NDArray[np.float64]) -> common_pb2.Vector:
    return common_pb2.Vector(space=TOGETHER.name, data=np.asarray(numbers, "<f4").tobytes())


def ask(shop: Stubs, **fields: object) -> ranker_pb2.RecommendResponse:
    request = ranker_pb2.RecommendRequest(catalogue=CATALOGUE, explain=True, **fields)  # type: ignore[arg-type]  # the contract's
    answer = shop.ranker.Recommend(request, timeout=CALL_S)
    for each in answer.recommendations:
        assert each.score == added_up(each)
    return answer


def ids(answer: ranker_pb2.RecommendResponse) -> list[str]:
    return [each.item.id for each in answer.recommendations]


def photo(pattern: str, colour: str) -> common_pb2.Photo:
    return common_pb2.Photo(data=picture(pattern, colour, EACH))


def event(type_: profile_pb2.EventType.ValueType, of: str, age_s: int = 0) -> profile_pb2.Event:
    done = profile_pb2.Event(type=type_, item_id=of)
    done.time.FromSeconds(int(time.time()) - age_s)
    return done


def test_a_session_moves_the_next_answer_and_nothing_of_it_is_kept(shop: Stubs) -> None:
    first, second = PATTERNS[:2]
    liked = event(profile_pb2.EVENT_TYPE_LIKE, item_id(first, "red", 0), 20)
    disliked = event(profile_pb2.EVENT_TYPE_DISLIKE, item_id(second, "red", 0), 10)
    answer = ask(shop, session_events=[liked, disliked])
    assert {used.signal for used in answer.used} == {"session"}
    assert all(found.startswith(first) for found in ids(answer)[:3])
    assert not {liked.item_id, disliked.item_id} & set(ids(answer))
    assert answer.recommendations[0].reasons[0].kind == ranker_pb2.REASON_KIND_CLOSE_TO_SESSION
    assert {used.signal for used in ask(shop).used} != {"session"}


def test_prices_stock_and_boosts_hold(shop: Stubs) -> None:
    pattern, other = PATTERNS[0], "green"
    rules = ranker_pb2.Rules(
        only_available=True,
        price=ranker_pb2.PriceBounds(currency="EUR", at_most=100.0),
        boosts=[ranker_pb2.Boost(name="season", field="tags", values=[other], amount=1.0)],
    )
    answer = ask(shop, photo=photo(pattern, "red"), rules=rules, n=20)
    assert ids(answer)
    assert all(found.endswith("-2") for found in ids(answer)), "the only ones in stock and under the price"
    assert other in ids(answer)[0]
    assert answer.recommendations[0].parts[-1].signal == "rule:season"
    assert answer.recommendations[0].parts[-1].contribution == 1.0


def test_bounds_leave_room_for_others(shop: Stubs) -> None:
    pattern, colour = PATTERNS[0], "red"
    of_one = ranker_pb2.Rules(max_per_category=2, max_per_group=1)
    found = ask(shop, photo=photo(pattern, colour), rules=of_one, n=10)
    assert max(Counter(each.item.category for each in found.recommendations).values()) == 2
    assert max(Counter(each.item.group_id for each in found.recommendations).values()) == 1
    assert len(found.recommendations) == min(10, 2 * len(PATTERNS))


def test_diversity_brings_what_is_unlike_the_first(shop: Stubs) -> None:
    pattern, colour = PATTERNS[0], "red"
    plain = ask(shop, photo=photo(pattern, colour), n=6)
    mixed = ask(shop, photo=photo(pattern, colour), n=6, diversity=0.7)
    assert ids(plain)[0] == ids(mixed)[0]
    groups = [len({each.item.group_id for each in answer.recommendations}) for answer in (plain, mixed)]
    assert groups[1] > groups[0]
    assert not [each for each in mixed.dropped if each.signal == "diversity"]
    assert ids(ask(shop, photo=photo(pattern, colour), n=4, diversity=0.7)) == ids(mixed)[:4]


def test_fresh_ones_come_first_where_newness_counts(shop: Stubs) -> None:
    answer = ask(shop, scene="social", signal_weights={"popularity": 0.0}, n=5)
    assert all(found.endswith("-2") for found in ids(answer))
    assert answer.recommendations[0].reasons[0].kind == ranker_pb2.REASON_KIND_FRESH
    told = ask(shop, scene="social", signal_weights={"popularity": 0.0}, language="zh").recommendations[0].reasons[0]
    assert told.text == "新近发布"


def test_who_likes_the_same_counts_for_everything_that_was_found(shop: Stubs) -> None:
    liked, together = PATTERNS[0], PATTERNS[3]
    user = profile_pb2.User(user_id="signals-ann", consent=ALL)
    shop.profile.PutUser(profile_pb2.PutUserRequest(user=user), timeout=CALL_S)
    done = event(profile_pb2.EVENT_TYPE_LIKE, item_id(liked, "red", 0))
    done.user_id, done.catalogue, done.event_id = "signals-ann", CATALOGUE, "1"
    shop.profile.RecordEvents(profile_pb2.RecordEventsRequest(events=[done]), timeout=CALL_S)
    put = profile_pb2.PutUserVectorsRequest(
        catalogue=CATALOGUE,
        vectors=[profile_pb2.UserVector(user_id="signals-ann", vector=vector(np.eye(4)[PATTERNS.index(together)]))],
    )
    (result,) = shop.profile.PutUserVectors(put, timeout=CALL_S).results
    assert result.code == 0, result.message
    answer = ask(shop, user_id="signals-ann", signal_weights={"collaborative": 0.6, "taste": 0.6}, n=40)
    assert answer.provenance.collaborative_space == TOGETHER.name
    values = {each.item.id: each.signal_values for each in answer.recommendations}
    for found, told in values.items():
        assert told["collaborative"] == pytest.approx(1.0 if found.startswith(together) else 0.0, abs=1e-3)
        assert "taste" in told
    kinds = {each.reasons[0].kind for each in answer.recommendations if each.item.id.startswith(together)}
    assert ranker_pb2.REASON_KIND_LIKED_TOGETHER in kinds


def test_ranks_instead_of_values(shop: Stubs) -> None:
    answer = ask(
        shop,
        photo=photo(PATTERNS[0], "red"),
        session_events=[event(profile_pb2.EVENT_TYPE_VIEW, item_id(PATTERNS[1], "red", 0))],
        fusion=ranker_pb2.FUSION_RECIPROCAL_RANK,
    )
    for each in answer.recommendations:
        assert {part.signal for part in each.parts} <= {"photo", "session", "popularity"}
        assert all(0 < part.value <= 1 / 61 for part in each.parts)
