"""Events for jobs: everything of everybody who consents, once, under names that are good for one export."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest

from services.errors import InvalidInput, NotFound, NotReady
from services.profile.catalogue.items import Resolved
from services.profile.events.event import Event, EventType, Showing
from services.profile.events.event_store import Batch, Histories
from services.profile.events.export_events import EventExport, ExportedEvent, ExportPage, ExportQuery
from services.profile.filing.store import ProfileStore
from services.profile.filing.store_rules import StoreRules
from services.profile.people.people_store import Forget
from services.profile.people.person import Consent
from tests.profile.builders import DAY_MS, MIDNIGHT_MS, MINUTE_MS, event, person, shop
from tests.profile.conftest import MakeStore

BOUNDS = StoreRules(window=20, block=2, shown=4, per_minute=1000)
SHOP = ExportQuery("shop")
EACH = 9


@pytest.fixture
def store(make_store: MakeStore) -> ProfileStore:
    store = make_store(BOUNDS)
    for number in range(8):
        tell(store, f"person-{number}", *[event(time_ms=MIDNIGHT_MS - n * MINUTE_MS) for n in range(EACH - 1)])
        tell(store, f"person-{number}", event(EventType.IMPRESSION, shown_signals={"taste": 0.5}))
    tell(store, "bob", event(), consent=Consent())
    return store


@pytest.fixture
def export(store: ProfileStore) -> EventExport:
    return EventExport(store, BOUNDS, shop().resolve, lambda: MIDNIGHT_MS)


def tell(store: ProfileStore, user: str, *events: Event, consent: Consent | None = None) -> None:
    if store.load(user).person is None:
        store.swap(b"", person(user, consent) if consent else person(user))
    store.record([Batch(user, "shop", events)], MIDNIGHT_MS)


def walk(export: EventExport, query: ExportQuery) -> list[ExportPage]:
    pages = [export.page(query)]
    while pages[-1].token:
        pages.append(export.page(replace(query, token=pages[-1].token)))
    return pages


def everything(pages: list[ExportPage]) -> list[ExportedEvent]:
    return [each for page in pages for each in page.events]


@pytest.mark.parametrize("size", [1, 2, 5, 9, 10, 100, 10_000])
def test_every_event_comes_once_in_pages_of_at_most_the_size(export: EventExport, size: int) -> None:
    pages = walk(export, replace(SHOP, size=size))
    assert all(len(page.events) <= size for page in pages)
    found = everything(pages)
    assert len(found) == len({each.event.event_id for each in found}) == 8 * EACH
    assert len({each.who for each in found}) == 8


@pytest.mark.parametrize("size", [3, 26, 27, 40, 60, 104, 130, 1000])
def test_nobody_comes_twice_however_differently_much_people_have_done(make_store: MakeStore, size: int) -> None:
    """A page may end with any of them, in the middle of what they did."""
    store = make_store(BOUNDS)
    for number in range(30):
        tell(store, f"person-{number}", *[event(time_ms=MIDNIGHT_MS - n * MINUTE_MS) for n in range(1 + number % 19)])
    export = EventExport(store, BOUNDS, shop().resolve, lambda: MIDNIGHT_MS)
    pages = walk(export, replace(SHOP, size=size))
    found = everything(pages)
    assert all(len(page.events) <= size for page in pages)
    assert len(found) == len({each.event.event_id for each in found}) == sum(1 + number % 19 for number in range(30))


def test_a_large_page_ends_short_rather_than_with_one_person_after_the_other(
    make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make_store(BOUNDS)
    for number in range(120):
        tell(store, f"person-{number}", *[event(time_ms=MIDNIGHT_MS - n * MINUTE_MS) for n in range(3)])
    asked = list[int]()
    histories = store.histories

    def counted(catalogue: str, people: int, token: str, *, shown: bool) -> Histories:
        asked.append(people)
        return histories(catalogue, people, token, shown=shown)

    monkeypatch.setattr(store, "histories", counted)
    page = EventExport(store, BOUNDS, shop().resolve, lambda: MIDNIGHT_MS).page(replace(SHOP, size=300))
    most = BOUNDS.most + BOUNDS.shown
    assert 300 - most <= len(page.events) <= 300
    assert asked.count(1) * 3 <= most + 3, "those alone until less than what one may have done is left"


def test_people_have_other_names_in_every_export(export: EventExport) -> None:
    one, other = ({each.who for each in everything(walk(export, SHOP))} for _ in range(2))
    assert not one & other
    assert not any("person" in who for who in one | other)


def test_a_token_gives_nothing_away_and_is_good_for_the_same_request(export: EventExport) -> None:
    token = export.page(replace(SHOP, size=EACH + 2)).token
    assert len(token) < 50
    assert export.page(replace(SHOP, size=1, token=token)).events
    for other in (
        replace(SHOP, catalogue="other"),
        replace(SHOP, with_user_ids=True),
        replace(SHOP, start_ms=0),
        replace(SHOP, end_ms=MIDNIGHT_MS),
    ):
        with pytest.raises(InvalidInput) as refused:
            export.page(replace(other, token=token))
        assert refused.value.field == "page_token"


def test_people_are_called_as_the_caller_calls_them_when_asked_for(export: EventExport) -> None:
    found = everything(walk(export, replace(SHOP, size=5, with_user_ids=True)))
    assert {each.who for each in found} == {f"person-{number}" for number in range(8)}


def test_only_events_of_the_time_come(export: EventExport, store: ProfileStore) -> None:
    query = replace(SHOP, start_ms=MIDNIGHT_MS - 2 * MINUTE_MS, end_ms=MIDNIGHT_MS, size=3)
    assert {each.event.time_ms for each in everything(walk(export, query))} == {
        MIDNIGHT_MS - 2 * MINUTE_MS,
        MIDNIGHT_MS - MINUTE_MS,
    }
    long_ago = replace(SHOP, end_ms=MIDNIGHT_MS - 300 * DAY_MS)
    assert everything(walk(export, long_ago)) == []


def test_what_was_shown_while_the_catalogue_was_away_is_told_with_its_domain(store: ProfileStore) -> None:
    asked: list[Sequence[str]] = []

    def look_up(catalogue: str, item_ids: Sequence[str]) -> Resolved:
        asked.append(item_ids)
        return shop().resolve(catalogue, item_ids)

    shown = [event(EventType.IMPRESSION, name, domain="") for name in ("green-1", "green-1", "gone")]
    tell(store, "cleo", *shown)
    named = replace(SHOP, with_user_ids=True)
    found = everything(walk(EventExport(store, BOUNDS, look_up, lambda: MIDNIGHT_MS), named))
    domains = {each.event.item_id: each.event.domain for each in found if each.who == "cleo"}
    assert domains == {"green-1": "furniture", "gone": ""}
    assert [sorted(each) for each in asked] == [["gone", "green-1"]]

    def away(catalogue: str, item_ids: Sequence[str]) -> Resolved:
        raise NotReady("the indexer is away")

    with pytest.raises(NotReady):
        walk(EventExport(store, BOUNDS, away, lambda: MIDNIGHT_MS), named)


def test_who_takes_their_consent_back_on_the_way_is_left_out_and_nobody_else(
    export: EventExport, store: ProfileStore
) -> None:
    """Also the one in whose events the page before ended."""
    named = replace(SHOP, size=EACH + 3, with_user_ids=True)
    first = export.page(named)
    cut = first.events[-1].who
    loaded = store.load(cut)
    assert loaded.person is not None
    store.swap(loaded.version, replace(loaded.person, consent=Consent()), Forget.EVERYTHING)
    rest = everything(walk(export, replace(named, token=first.token)))
    assert cut not in {each.who for each in rest}
    told = [each.event.event_id for each in [*first.events, *rest] if each.who != cut]
    assert len(told) == len(set(told)) == 7 * EACH


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (ExportQuery("Shop {1}"), "catalogue"),
        (replace(SHOP, size=-1), "page_size"),
        (replace(SHOP, token="no token"), "page_token"),
        (replace(SHOP, token="WzEsMl0="), "page_token"),
        (replace(SHOP, start_ms=2, end_ms=2), "time.before"),
    ],
)
def test_bad_requests_are_refused_by_name(export: EventExport, wrong: ExportQuery, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        export.page(wrong)
    assert caught.value.field == field


def test_of_a_catalogue_that_does_not_exist_nothing_is_exported(export: EventExport) -> None:
    with pytest.raises(NotFound, match="misspelt"):
        export.page(replace(SHOP, catalogue="misspelt"))
    assert not export.page(replace(SHOP, catalogue="other")).events


def test_a_recommendation_has_one_name_in_an_export_and_never_its_own(make_store: MakeStore) -> None:
    store = make_store(BOUNDS)
    showing = Showing(3, "shop", "spring", "new")
    shown = event(EventType.IMPRESSION, item_id="red-1", recommendation_id="r-1", showing=showing)
    for user in ("ada", "eve"):
        tell(store, user, shown, event(item_id="red-1", recommendation_id="r-1"), event(item_id="red-2"))
    pages = [everything(walk(EventExport(store, BOUNDS, shop().resolve, lambda: MIDNIGHT_MS), SHOP)) for _ in range(2)]
    for found in pages:
        names = {each.who: {other.recommendation for other in found if other.who == each.who} for each in found}
        assert [len(of_one) for of_one in names.values()] == [2, 2]
        assert all("" in of_one for of_one in names.values())
        assert not set.intersection(*names.values()) - {""}, "of two people nobody sees that it was the same one"
        assert {each.event.showing for each in found} == {showing, Showing()}
    told = [{each.recommendation for each in found} - {""} for found in pages]
    assert not told[0] & told[1]
    assert "r-1" not in told[0] | told[1]


@pytest.mark.parametrize("size", [1, 5, 10_000])
def test_only_events_of_the_types_that_are_asked_for_are_read(export: EventExport, size: int) -> None:
    def types(*asked: EventType) -> Counter[EventType]:
        pages = walk(export, replace(SHOP, types=frozenset(asked), size=size))
        return Counter(each.event.type for each in everything(pages))

    every = types()
    assert types(*EventType) == every
    assert types(EventType.IMPRESSION) == {EventType.IMPRESSION: 8}
    assert types(*set(EventType) - {EventType.IMPRESSION}) == every - types(EventType.IMPRESSION)
    assert types(EventType.CART) == {}


def test_a_page_of_other_types_is_of_another_request(export: EventExport) -> None:
    page = export.page(replace(SHOP, size=1))
    assert page.read_ms == MIDNIGHT_MS
    with pytest.raises(InvalidInput, match="page_token"):
        export.page(replace(SHOP, size=1, token=page.token, types=frozenset({EventType.LIKE})))
