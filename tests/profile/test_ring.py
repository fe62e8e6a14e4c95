"""A ring of secrets: people are moved from the names of one to those of another, and nothing of them is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis

from services.errors import Refused
from services.profile.events.event_store import Batch, Outcome
from services.profile.filing.keys import Keys
from services.profile.filing.secret_redis import agreed_keys
from services.profile.filing.store_redis import RedisProfileStore
from services.profile.filing.store_rules import StoreRules
from services.profile.people.people import People
from services.profile.people.person import Person
from services.profile.taste.taste_store import TasteQuery
from services.runtime.held_redis import Held
from services.runtime.redis import open_redis
from services.runtime.settings import RuntimeSettings
from tests.profile.builders import ALL_GIVEN, MIDNIGHT_MS, Clock, event, given, parts, person

OLD, NEW = "the old secret, long enough", "the new secret, long enough"
Open = Callable[..., RedisProfileStore]


@pytest.fixture
def client(redis_url: str) -> Iterator[Any]:
    with redis.Redis.from_url(redis_url) as opened:
        yield opened


@pytest.fixture
def opened(redis_runtime: RuntimeSettings) -> Iterator[Open]:
    stores: list[RedisProfileStore] = []

    def make(secret: str, *formerly: str) -> RedisProfileStore:
        stores.append(RedisProfileStore(open_redis(redis_runtime), secret, StoreRules(), formerly))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


def live(store: RedisProfileStore, user_id: str = "ada") -> None:
    """Somebody with events, impressions, a taste and a remembered request."""
    People(store, Clock()).put(Person(user_id, consent=ALL_GIVEN), request_id="r1")
    made = parts(store)
    made.recorder.record([given(item=f"red-{n}", user=user_id, event_id=f"e{n}") for n in range(3)])
    made.tastes.one(TasteQuery(user_id, "shop"))


def names(client: Any) -> set[str]:
    return {key.decode() for key in client.scan_iter("visrec:person:*")}


@pytest.mark.parametrize("made", [False, True], ids=["given", "made here"])
def test_who_is_looked_up_is_moved_with_everything(client: Any, opened: Open, made: bool) -> None:
    before = opened("" if made else OLD)
    live(before)
    view = parts(before).tastes.one(TasteQuery("ada", "shop", include_seen=True))
    was = names(client)
    after = opened(NEW) if made else opened(NEW, OLD)
    again = parts(after).tastes.one(TasteQuery("ada", "shop", include_seen=True))
    assert (again.alias, again.seen, again.taste.events) == (view.alias, view.seen, view.taste.events)
    assert len(names(client)) == len(was)
    assert not names(client) & was
    main = Keys(NEW.encode()).person("ada").main
    assert all(name.startswith(main) for name in names(client))


def test_ids_of_events_and_requests_are_known_after_it(opened: Open) -> None:
    live(opened(OLD))
    after = opened(NEW, OLD)
    late = after.record([Batch("ada", "shop", [event(item="red-0", event_id="e0")])], MIDNIGHT_MS)
    assert late[0].outcomes == [Outcome.DUPLICATE]
    assert after.load("ada", "r1").answered is not None


def test_who_was_erased_stays_so(opened: Open) -> None:
    before = opened(OLD)
    live(before)
    before.erase("ada", MIDNIGHT_MS, 10_000)
    after = opened(NEW, OLD)
    assert after.load("ada").person is None
    after.swap(b"", person("ada"))
    late = Batch("ada", "shop", [event(time_ms=MIDNIGHT_MS)])
    assert after.record([late], MIDNIGHT_MS + 1)[0].outcomes == [Outcome.ERASED]


def test_an_erasure_finds_who_has_not_been_moved_yet(client: Any, opened: Open) -> None:
    live(opened(OLD))
    erased = opened(NEW, OLD).erase("ada")
    assert erased is not None
    assert {name.rpartition("}")[2] for name in names(client)} == {":receipt"}


def test_an_erasure_finds_who_was_put_again_by_a_replica_that_does_not_know_the_ring(client: Any, opened: Open) -> None:
    old, ring = opened(OLD), opened(NEW, OLD)
    live(old)
    ring.load("ada")
    live(old)
    found = old.held("ada")
    assert found is not None
    assert ring.erase("ada", MIDNIGHT_MS, 10_000) is not None
    assert {name.rpartition("}")[2] for name in names(client)} <= {":receipt", ":erased"}
    assert ring.load("ada").person is None
    keep = {"now_ms": MIDNIGHT_MS, "keep_ms": 10**11}
    assert not Held(client).put(found.alias, "recommendation", "late", b"x", **keep), "an answer that was on its way"


def test_replicas_that_disagree_about_the_order_lose_nothing(opened: Open) -> None:
    """As while a new order is rolled out."""
    one, other = opened(OLD, NEW), opened(NEW, OLD)
    one.swap(b"", person("ada"))

    def write(number: int) -> Outcome:
        store = (one, other)[number % 2]
        for _ in range(1000):
            batch = Batch("ada", "shop", [event(item="red-0", event_id=f"e{number}", time_ms=MIDNIGHT_MS + number)])
            (outcome,) = store.record([batch], MIDNIGHT_MS)[0].outcomes
            if (
                outcome is not Outcome.UNKNOWN_USER
            ):  # moved away between the look and the write: their caller asks again
                return outcome
        raise AssertionError("never found")

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(write, range(100))) == {Outcome.LEARNED}
    assert len(one.window("ada", "shop").acts) == 100
    assert len(other.window("ada", "shop").acts) == 100


def test_a_redis_that_came_back_empty_leaves_no_two_secrets(client: Any, opened: Open) -> None:
    """One that a service still goes by, and one that the next to start has made."""
    one = opened("")
    one.swap(b"", person("ada"))
    client.flushall()
    other = opened("")
    other.swap(b"", person("bob"))
    one.ping()
    assert one.load("bob").person == person("bob")


def test_a_redis_that_came_back_with_another_secret_is_refused(client: Any, opened: Open) -> None:
    one = opened(OLD)
    one.ping()
    client.flushall()
    opened(NEW).ping()
    with pytest.raises(Refused):
        one.ping()
    with pytest.raises(Refused):
        one.load("ada")


def test_a_replica_that_was_left_with_the_old_secret_notices(opened: Open) -> None:
    left = opened(OLD)
    left.swap(b"", person("ada"))
    left.ping()
    opened(NEW, OLD).ping()
    with pytest.raises(Refused, match="VISREC_PROFILE_SECRET"):
        left.ping()


def test_replicas_that_disagree_about_the_order_go_on_when_they_look_again(opened: Open) -> None:
    one, other = opened(OLD, NEW), opened(NEW, OLD)
    one.swap(b"", person("ada"))
    for store in (other, one, other):
        store.ping()
        assert store.load("ada").person == person("ada")


class BeginsInBetween:
    """Another replica, with another order, begins right after the first look of this one."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.other: Keys | None = None

    def hmget(self, *names: str) -> Any:
        found = self._client.hmget(*names)
        self.other = self.other or agreed_keys(self._client, NEW, [OLD])
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def test_replicas_that_begin_at_once_agree_how_ids_are_known(client: Any) -> None:
    beginning = BeginsInBetween(client)
    keys = agreed_keys(beginning, OLD, [NEW])
    assert beginning.other is not None
    assert keys.event("ada", "e") == beginning.other.event("ada", "e")


def test_a_walk_goes_on_at_a_replica_that_has_another_order(opened: Open) -> None:
    one, other = opened(OLD, NEW), opened(NEW, OLD)
    for number in range(100):
        one.swap(b"", person(f"person-{number}"))
    first = one.people(10, "")
    rest = other.people(1000, first.token)
    assert {each.user_id for page in (first, rest) for each in page.people} == {f"person-{n}" for n in range(100)}


def test_a_secret_that_is_dropped_takes_its_ids_with_it_and_nothing_else(client: Any) -> None:
    assert agreed_keys(client, OLD).event("ada", "e") == agreed_keys(client, NEW, [OLD]).event("ada", "e")
    alone = agreed_keys(client, NEW)
    assert alone.event("ada", "e") == Keys(NEW.encode()).event("ada", "e")
    with pytest.raises(Refused):
        agreed_keys(client, OLD)
