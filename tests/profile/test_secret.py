"""The secret that people are filed under, and the names it gives."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis

from services.errors import Refused
from services.profile.filing.keys import Keys
from services.profile.filing.secret_redis import agreed_keys

OURS, THEIRS = "our secret, long enough", "their secret, long enough"


@pytest.fixture
def client(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as client:
        yield client


def test_one_that_is_made_is_random_and_stays(client: Redis) -> None:
    first = agreed_keys(client, "").person("ada")
    assert agreed_keys(client, "").person("ada") == first
    client.flushall()
    assert agreed_keys(client, "").person("ada") != first


def test_one_that_is_given_is_not_kept_but_its_fingerprint_is(client: Redis) -> None:
    keys = agreed_keys(client, OURS)
    assert agreed_keys(client, OURS).person("ada") == keys.person("ada")
    assert client.hgetall("visrec:profile:secret") == {b"fingerprint": keys.fingerprint, b"ids": keys.fingerprint}


@pytest.mark.parametrize(("before", "after"), [(OURS, THEIRS), (OURS, "")])
def test_another_one_is_refused_rather_than_finding_nobody(client: Redis, before: str, after: str) -> None:
    agreed_keys(client, before)
    with pytest.raises(Refused, match="VISREC_PROFILE_SECRET"):
        agreed_keys(client, after)
    agreed_keys(client, before)


def test_names_tell_people_apart_and_say_nothing_about_them() -> None:
    keys, others = Keys(OURS.encode()), Keys(THEIRS.encode())
    names = {keys.person("ada").main, keys.person("bob").main, others.person("ada").main}
    assert len(names) == 3
    assert not any("ada" in name or "bob" in name for name in names)
    assert keys.event("ada", "e1") != keys.event("bob", "e1")
    assert keys.event("ada", "e1") != keys.request("ada", "e1")


def test_all_keys_of_a_person_share_their_hash_tag() -> None:
    person = Keys(OURS.encode()).person("ada")
    tag = person.main[person.main.index("{") : person.main.index("}") + 1]
    every = [person.main, person.event_ids, person.requests, *person.history("shop").all()]
    assert len(set(every)) == 8
    assert all(tag in key for key in every)
