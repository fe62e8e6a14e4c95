"""Erasure, looked at from below: every key and value of Redis, before and after."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from redis import ConnectionPool, Redis, UnixDomainSocketConnection
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from services.profile.events.event import EventType
from services.profile.events.given_event import PhotoVector
from services.profile.filing.keys import Keys
from services.profile.filing.scripts_redis import Script
from services.profile.filing.store_redis import RedisProfileStore
from services.profile.filing.store_rules import StoreRules
from services.profile.people.people import People
from services.profile.people.people_redis import SWAP
from services.profile.people.people_store import Erased
from services.profile.people.person import Attributes, Consent, Person
from services.profile.people.rewriting_redis import Rewriting
from services.profile.taste.taste_store import TasteQuery
from services.runtime.embedded import EmbeddedRedis
from services.runtime.held_redis import Held
from services.runtime.redis import open_redis
from services.runtime.settings import RuntimeSettings
from services.spaces import encode
from tests.profile.builders import ALL_GIVEN, REFUSED, SPACE, Clock, given, near, parts
from tests.profile.test_rewriting import await_rewritten, files

ROOT = Path(__file__).parents[2]

PHOTO = near(3, 0.3, seed=99)

PLANTED = {
    "user id": b"planted-person",
    "attribute": b"planted-interest",
    "event id": b"planted-event",
    "recommendation id": b"planted-recommendation",
    "shown signal": b"planted-signal",
    "vector of a liked item": near(0, 0.05, seed=1).astype("<f2").tobytes(),
    "vector of a photo": PHOTO.astype("<f2").tobytes(),
}
LEARNED = set(PLANTED) - {"user id", "attribute"}


@pytest.fixture
def client(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def people(redis_store: RedisProfileStore) -> People:
    return People(redis_store, Clock())


@pytest.fixture(autouse=True)
def planted(people: People, redis_store: RedisProfileStore) -> None:
    attributes = Attributes(interests=("planted-interest",))
    people.put(Person("planted-person", attributes, ALL_GIVEN), request_id="planted-request")
    record(redis_store)


def record(store: RedisProfileStore) -> None:
    photo = PhotoVector(SPACE.name, encode(PHOTO))
    made = parts(store)
    made.recorder.record(
        [
            given(item="red-1", user="planted-person", event_id="planted-event-1"),
            given(item="red-2", user="planted-person", recommendation_id="planted-recommendation"),
            given(EventType.IMPRESSION, user="planted-person", shown_signals={"planted-signal": 1.0}),
            given(EventType.UPLOAD, user="planted-person", item_id=None, photo=photo),
        ]
    )
    made.tastes.one(TasteQuery("planted-person", "shop"))


def everything(client: Any) -> bytes:
    """Every key and every value, in one."""
    parts: list[bytes] = []
    for key in client.scan_iter():
        parts.append(key)
        match client.type(key):
            case b"hash":
                parts += [part for pair in client.hgetall(key).items() for part in pair]
            case b"zset":
                parts += client.zrange(key, 0, -1)
            case b"string":
                parts.append(client.get(key))
            case other:
                raise AssertionError(f"a key of type {other} that this test does not look into")
    return b"\0".join(parts)


def found(client: Redis) -> set[str]:
    whole = everything(client)
    return {name for name, trace in PLANTED.items() if trace in whole}


def test_a_planted_person_is_found_before_and_nothing_of_them_after(client: Any, people: People) -> None:
    secret = client.hget("visrec:profile:secret", "made")
    assert isinstance(secret, bytes)
    pseudonym = Keys(secret).person("planted-person").main.encode()
    digest = Keys(secret).event("planted-person", "planted-event-1")
    before = everything(client)
    assert found(client) == set(PLANTED)
    assert pseudonym in before
    assert digest in before
    people.erase("planted-person")
    receipt = f"{pseudonym.decode()}:receipt"
    assert 0 < client.pttl(receipt) <= 60_000
    assert all(re.fullmatch(rb"[0-9 ]+", counts) for counts in client.hgetall(receipt).values())
    client.delete(receipt)
    tombstone = f"{pseudonym.decode()}:erased"
    assert client.get(tombstone) == str(Clock().now_ms).encode()
    assert 29 * 86_400_000 < client.pttl(tombstone) <= 30 * 86_400_000
    client.delete(tombstone)
    after = everything(client)
    assert found(client) == set()
    assert b"planted" not in after
    assert pseudonym not in after
    assert digest not in after


def test_what_other_services_keep_is_found_and_goes_too(
    client: Any, people: People, redis_store: RedisProfileStore
) -> None:
    found = redis_store.held("planted-person")
    assert found is not None
    held = Held(client)
    keep = {"now_ms": Clock().now_ms, "keep_ms": 10**11}
    assert held.put(found.alias, "recommendation", "r1", b"planted answer", **keep)
    assert found.alias.encode() in everything(client)
    receipt = people.erase("planted-person")
    assert Erased("held", 1) in receipt.erased
    after = everything(client)
    assert b"planted" not in after
    # Only that nothing more is to be kept for it.
    assert [key for key in client.scan_iter() if found.alias.encode() in key] == [
        f"visrec:held:{{{found.alias}}}:gone".encode()
    ]
    assert not held.put(found.alias, "recommendation", "late", b"planted", **keep)


def test_what_other_services_keep_goes_with_the_consent(
    client: Any, people: People, redis_store: RedisProfileStore
) -> None:
    found = redis_store.held("planted-person")
    assert found is not None
    Held(client).put(found.alias, "recommendation", "r1", b"answer", now_ms=Clock().now_ms, keep_ms=10**11)
    people.consent("planted-person", Consent(personalisation=REFUSED))
    assert Held(client).all(found.alias) == []


def test_an_answer_that_was_on_its_way_when_consent_ended_is_not_kept(
    client: Any, people: People, redis_store: RedisProfileStore
) -> None:
    found = redis_store.held("planted-person")
    assert found is not None
    keep = {"now_ms": Clock().now_ms, "keep_ms": 10**11}
    people.consent("planted-person", Consent(personalisation=REFUSED))
    assert not Held(client).put(found.alias, "recommendation", "late", b"planted answer", **keep)
    assert 0 < client.pttl(f"visrec:held:{{{found.alias}}}:gone") <= 60_000


def test_a_withdrawal_that_an_erasure_overtakes_ends_well(
    client: Any, people: People, redis_store: RedisProfileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The person is gone, and so is the way to their pseudonym, before what other services keep is taken away."""
    run = redis_store._scripts.run

    def run_and_erase(script: Script, keys: Sequence[str], arguments: Sequence[Any] = ()) -> Any:
        answer = run(script, keys, arguments)
        if script is SWAP:
            people.erase("planted-person")
        return answer

    monkeypatch.setattr(redis_store._scripts, "run", run_and_erase)
    assert people.consent("planted-person", Consent(personalisation=REFUSED)).personalisation is REFUSED
    assert b"planted" not in everything(client)


def test_who_never_consented_is_kept_from_nothing_when_they_do(
    client: Any, people: People, redis_store: RedisProfileStore
) -> None:
    people.put(Person("newcomer"))
    people.consent("newcomer", Consent(personalisation=REFUSED))
    people.consent("newcomer", ALL_GIVEN)
    found = redis_store.held("newcomer")
    assert found is not None
    assert Held(client).put(found.alias, "recommendation", "r1", b"answer", now_ms=Clock().now_ms, keep_ms=10**11)


class ErasesInBetween(Held):
    """Somebody else erases the person and puts them anew, and something is kept of the new one, before the script."""

    def __init__(self, client: Any, people: People, other: RedisProfileStore) -> None:
        super().__init__(client)
        self._people, self._other = people, other
        self.kept = ""

    def erase(self, pseudonym: str, gone_ms: int = 0) -> int:
        erased = super().erase(pseudonym, gone_ms)
        if not self.kept:
            self._people.erase("planted-person")
            self._people.put(Person("planted-person", consent=ALL_GIVEN))
            found = self._other.held("planted-person")
            assert found is not None
            self.kept = found.alias
            assert self.put(found.alias, "recommendation", "r1", b"planted", now_ms=Clock().now_ms, keep_ms=10**11)
        return erased


def test_two_erasures_at_once_reach_what_is_kept_under_either_pseudonym(
    client: Any, people: People, redis_store: RedisProfileStore, runtime: RuntimeSettings, redis_url: str
) -> None:
    other = open_redis(runtime.model_copy(update={"redis_url": redis_url}))
    with closing(RedisProfileStore(other, "", StoreRules())) as store:
        store._held = ErasesInBetween(client, people, redis_store)
        erased = store.erase("planted-person", Clock().now_ms, 10_000)
    assert erased is not None
    assert Erased("held", 1) in erased
    assert b"planted" not in everything(client)


@pytest.fixture
def private(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    """One whose files nobody else writes to."""
    server = EmbeddedRedis(tmp_path / "redis")
    server.start()
    yield server
    server.stop()


def test_nothing_of_them_is_left_on_the_disk(private: EmbeddedRedis, runtime: RuntimeSettings, tmp_path: Path) -> None:
    """Once the append-only file has been written anew, for which the erasure asks."""
    client: Any = open_redis(runtime.model_copy(update={"redis_url": private.url}))
    rewriting = Rewriting(client, lambda: 0.0)
    with closing(RedisProfileStore(client, "", StoreRules())) as store:
        people = People(store, Clock(), rewrite=rewriting.ask)
        people.put(Person("planted-person", Attributes(interests=("planted-interest",)), ALL_GIVEN))
        record(store)
        main = store._keys.person("planted-person").main.encode()
        traces = [*PLANTED.values(), store._keys.event("planted-person", "planted-event-1"), main]
        before = files(tmp_path)
        assert all(trace in before for trace in traces)
        assert people.erase("planted-person").rewrite_asked
        await_rewritten(client)
        client.delete(f"{main.decode()}:receipt", f"{main.decode()}:erased")
        rewriting.close()
        client.bgrewriteaof()
        await_rewritten(client)
        after = files(tmp_path)
        assert [trace for trace in traces if trace in after] == []
        assert b"planted" not in after


def test_the_slow_log_keeps_nothing_of_them(private: EmbeddedRedis, runtime: RuntimeSettings) -> None:
    """However slow a command was: it is off where we start Redis, or configure it."""
    client: Any = open_redis(runtime.model_copy(update={"redis_url": private.url}))
    assert client.config_get("slowlog-log-slower-than") == {"slowlog-log-slower-than": "-1"}
    assert "\nslowlog-log-slower-than -1\n" in (ROOT / "deploy" / "k8s" / "redis.conf").read_text()
    with closing(RedisProfileStore(client, "", StoreRules())) as store:
        People(store, Clock()).put(Person("planted-person", Attributes(interests=("planted-interest",)), ALL_GIVEN))
        record(store)
    with Redis.from_url(private.url) as again:
        assert again.slowlog_get() == []


def test_keys_never_name_anybody(client: Redis) -> None:
    assert not any(b"planted" in key for key in client.scan_iter())


def test_what_was_learned_goes_with_the_consent_to_it(client: Redis, people: People) -> None:
    people.consent("planted-person", Consent(personalisation=REFUSED))
    assert found(client) == set(PLANTED) - LEARNED
    names = {key.rpartition(b"}")[2] for key in client.scan_iter("visrec:person:*")}
    assert names == {b"", b":requests"}


def test_photos_go_with_the_consent_to_learn_from_them(client: Redis, people: People) -> None:
    people.consent("planted-person", Consent(photo_learning=REFUSED))
    assert found(client) == set(PLANTED) - {"vector of a photo"}


def test_a_segment_goes_with_the_consent_to_it(client: Any, people: People) -> None:
    """From the tastes that say it, too."""
    (main,) = [key for key in client.scan_iter("visrec:person:*") if key.endswith(b"}")]
    client.hset(main, "segment:shop", "1:planted-segment")
    assert client.hexists(main, "taste:shop")
    people.put(Person("planted-person", consent=ALL_GIVEN))
    assert client.hexists(main, "taste:shop")
    people.consent("planted-person", Consent(segments=REFUSED))
    assert not client.hexists(main, "taste:shop")
    assert b"planted-segment" not in everything(client)


def test_what_a_withdrawal_was_cut_short_of_goes_with_the_next(
    client: Any, people: People, redis_store: RedisProfileStore
) -> None:
    people.consent("planted-person", Consent(personalisation=REFUSED))
    found = redis_store.held("planted-person")
    assert found is not None
    client.delete(f"visrec:held:{{{found.alias}}}:gone")
    assert Held(client).put(found.alias, "recommendation", "r1", b"answer", now_ms=Clock().now_ms, keep_ms=10**11)
    people.consent("planted-person", Consent(personalisation=REFUSED))
    assert Held(client).all(found.alias) == []


def test_without_consent_events_leave_only_digests_of_their_ids(
    client: Redis, people: People, redis_store: RedisProfileStore
) -> None:
    redis_store.erase("planted-person")
    people.put(Person("planted-person"))
    record(redis_store)
    assert found(client) == {"user id"}
    names = {key.rpartition(b"}")[2] for key in client.scan_iter("visrec:person:*")}
    assert names == {b"", b":event-ids", b":receipt"}


def test_that_somebody_was_erased_is_known_no_longer_than_it_matters(client: Any, people: People) -> None:
    clock = people._now_ms
    assert isinstance(clock, Clock)
    people.erase("planted-person")
    people.put(Person("planted-person"))
    (main,) = [key for key in client.scan_iter("visrec:person:*") if key.endswith(b"}")]
    clock.now_ms += 29 * 86_400_000
    people.put(Person("planted-person"))
    assert client.hexists(main, "erased")
    clock.now_ms += 2 * 86_400_000
    people.put(Person("planted-person"))
    assert not client.hexists(main, "erased")


class LosesAnAnswer(UnixDomainSocketConnection):
    """Loses the first answer of a script: Redis has done its work, and the client must send it again."""

    answered = 0
    is_script = False

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        super().send_packed_command(command, check_health)  # type: ignore[no-untyped-call]
        self.is_script = any(b"EVALSHA" in part for part in command)

    def read_response(self, *args: Any, **options: Any) -> Any:
        answer = super().read_response(*args, **options)
        if self.is_script:
            type(self).answered += 1
            if self.answered == 1:
                raise RedisConnectionError("the connection broke after the command was sent")
        return answer


def test_a_lost_answer_costs_no_receipt(redis_url: str) -> None:
    path = redis_url.removeprefix("unix://")
    pool = ConnectionPool(connection_class=LosesAnAnswer, path=path, retry=Retry(NoBackoff(), 1))
    with closing(RedisProfileStore(Redis.from_pool(pool), "", StoreRules())) as store:
        erased = store.erase("planted-person")
        assert LosesAnAnswer.answered == 2
        assert erased is not None
        assert erased[:2] == [Erased("profile", 1), Erased("events", 4)]
        assert store.erase("planted-person") is None


def test_a_person_put_again_is_new(people: People, redis_store: RedisProfileStore) -> None:
    people.erase("planted-person")
    put = people.put(Person("planted-person", consent=ALL_GIVEN), request_id="planted-request")
    assert put.created
    view = parts(redis_store).tastes.one(TasteQuery("planted-person", "shop", include_seen=True))
    assert (view.taste.interests, view.seen) == ((), ())
