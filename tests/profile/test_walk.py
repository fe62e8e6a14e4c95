"""A walk over everybody, when Redis is restarted in the middle of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.errors import InvalidInput
from services.profile.filing.store_redis import RedisProfileStore
from services.profile.filing.store_rules import StoreRules
from services.runtime.embedded import EmbeddedRedis
from services.runtime.redis import open_redis
from services.runtime.settings import RuntimeSettings
from tests.profile.builders import person

PEOPLE = {f"person-{number}" for number in range(60)}


def test_after_a_restart_it_begins_again_instead_of_missing_some(runtime: RuntimeSettings, tmp_path: Path) -> None:
    """Redis keeps its keys in an order that is another one in each of its runs."""
    server = EmbeddedRedis(tmp_path)
    server.start()
    store = RedisProfileStore(open_redis(runtime.model_copy(update={"redis_url": server.url})), "", StoreRules())
    try:
        for name in PEOPLE:
            store.swap(b"", person(name))
        page = store.people(20, "")
        after = store.people(20, page.token)
        assert after.people
        server.stop()
        server.start()
        with pytest.raises(InvalidInput) as caught:
            store.people(20, page.token)
        assert caught.value.field == "page_token"
        found, token = set[str](), ""
        while token or not found:
            page = store.people(20, token)
            found |= {each.user_id for each in page.people}
            token = page.token
        assert found == PEOPLE
    finally:
        store.close()
        server.stop()
