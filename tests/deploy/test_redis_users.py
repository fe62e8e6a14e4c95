"""The users of Redis in deploy/redis: each service can do what it does as its own, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc
import pytest
import redis

from services.errors import NotReady
from services.profile.app import assemble
from services.profile.filing.store_redis import RedisProfileStore
from services.profile.filing.store_rules import StoreRules
from services.profile.people.rewriting_redis import Rewriting
from services.profile.settings import ProfileSettings
from services.ranker.frozen.store_redis import RedisFrozenStore
from services.ranker.frozen.tickets import Ticket
from services.ranker.scenes.scene import SCENES
from services.ranker.scenes.store import PutScenes
from services.ranker.scenes.store_redis import RedisSceneStore
from services.runtime.held_redis import Held
from services.runtime.redis import open_redis, redis_errors
from services.runtime.redis_async import AsyncRedis
from services.runtime.redis_facts import inspect_redis
from services.runtime.settings import RuntimeSettings
from tests.indexer.worlds import search, service, with_vectors
from tests.profile.builders import MIDNIGHT_MS, shop
from tests.profile.test_discretion import CALLS
from tests.redis_servers import started, until
from tests.servers import serving
from visrec.v1 import indexer_pb2
from visrec.v1.profile_pb2_grpc import ProfileServiceStub

ROOT = Path(__file__).parents[2]
USERS = ROOT / "deploy" / "redis" / "users.conf"
KEEPER = "\nuser keeper on >PASSWORD ~* +@all\n"
"""Who looks after the server in these tests."""
KEEP = {"now_ms": MIDNIGHT_MS, "keep_ms": 10**11}
ITS_OWN_NAME = {"client", "client|setinfo"}
"""redis-py says its name, and takes no offence when it may not."""

OUTSIDE_SCRIPTS = {
    "profile": "bgrewriteaof client|setname config|get eval evalsha exec hvals info multi scan script|load smembers"
    " srem unlink zmscore zrevrange",
    "indexer": "client|setname config|get eval evalsha exec hkeys hscan hsetnx info multi script|load unlink xread"
    " zrange",
    "embedder": "client|setname eval hget hgetall hdel",
    "ranker": "client|setname eval get hgetall info set",
}
"""What a service asks for itself. What its scripts ask for, they say."""


def commands(user: str) -> set[str]:
    (line,) = re.findall(rf"^user {user} (.*)$", USERS.read_text(), re.MULTILINE)
    return {word.removeprefix("+") for word in line.split() if word.startswith("+")}


def scripted(*rooms: str) -> set[str]:
    sources = [
        path for room in rooms for path in (ROOT / "services" / room).rglob("*") if path.suffix in {".lua", ".py"}
    ]
    return {name.lower() for path in sources for name in re.findall(r"redis\.call\('([A-Z]+)'", path.read_text())}


@pytest.fixture
def as_users(tmp_path: Path, runtime: RuntimeSettings) -> Iterator[Any]:
    """Settings for a service as one of the users; `log()` tells what they were refused."""
    (tmp_path / "users.conf").write_text(USERS.read_text() + KEEPER)
    with started(tmp_path / "redis", "--appendonly", "yes", "--include", str(tmp_path / "users.conf")) as port:
        yield AsUsers(port, runtime)


class AsUsers:
    def __init__(self, port: int, runtime: RuntimeSettings) -> None:
        self._port, self._runtime = port, runtime
        self.keeper: Any = redis.Redis(port=port, username="keeper", password="PASSWORD", decode_responses=True)

    def __call__(self, user: str) -> RuntimeSettings:
        return self._runtime.model_copy(update={"redis_url": f"redis://{user}:PASSWORD@127.0.0.1:{self._port}/0"})

    def refused(self) -> list[tuple[str, str]]:
        """By user: what they asked for and may not do."""
        found = [(entry["username"], entry["object"]) for entry in self.keeper.execute_command("ACL LOG")]
        return [each for each in found if each[1] not in ITS_OWN_NAME]


def called(stub: ProfileServiceStub, method: str, request: Any) -> grpc.StatusCode:
    try:
        getattr(stub, method)(request, timeout=30)
    except grpc.RpcError as problem:
        return problem.code()
    return grpc.StatusCode.OK


def test_everything_that_is_asked_of_profile_works_as_its_user(as_users: AsUsers) -> None:
    client = open_redis(as_users("profile"))
    app = assemble(
        ProfileSettings(), RedisProfileStore(client, "", StoreRules()), shop(), Rewriting(client, lambda: 0.0)
    )
    with serving(app, as_users("profile")) as served:
        stub = ProfileServiceStub(served.channel)
        codes = {called(stub, method, request) for method, request in CALLS}
    assert not codes & {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL}
    assert as_users.refused() == []


def test_people_are_moved_and_what_is_held_of_them_is_kept_as_that_user(as_users: AsUsers) -> None:
    secrets = ["the old secret, long enough", "the new secret, long enough"]
    for secret, *formerly in (secrets[:1], secrets[::-1]):
        with open_redis(as_users("profile")) as client:
            store = RedisProfileStore(client, secret, StoreRules(), formerly)
            store.load("ada")
            assert Held(client).put("p1", "recommendation", "r1", b"x", **KEEP)
            assert Held(client).erase("p1") == 1
    assert as_users.refused() == []


def test_a_user_who_may_not_have_the_file_written_anew_can_erase_all_the_same(as_users: AsUsers) -> None:
    as_users.keeper.execute_command("ACL SETUSER profile -bgrewriteaof")
    with open_redis(as_users("profile")) as client:
        assert not Rewriting(client, lambda: 0.0).ask()


def test_a_cluster_is_found_with_two_commands_more(runtime: RuntimeSettings, tmp_path: Path) -> None:
    (tmp_path / "users.conf").write_text(USERS.read_text() + KEEPER)
    options = ["--cluster-enabled", "yes", "--include", str(tmp_path / "users.conf")]
    with started(tmp_path / "redis", *options) as port:
        with redis.Redis(port=port, username="keeper", password="PASSWORD") as keeper:
            keeper.execute_command("ACL SETUSER profile +cluster|slots +command")
            keeper.execute_command("CLUSTER ADDSLOTS", *range(16_384))
            until(lambda: keeper.execute_command("CLUSTER INFO")["cluster_state"] == "ok")
        url = f"redis://profile:PASSWORD@127.0.0.1:{port}"
        client = open_redis(runtime.model_copy(update={"redis_url": url, "redis_cluster": True}))
        with closing(RedisProfileStore(client, "", StoreRules())) as store:
            store.ping()
            assert store.people(10, "").people == []
            assert Rewriting(client, lambda: 0.0).ask()


def test_the_indexer_works_as_its_user(as_users: AsUsers) -> None:
    with service(as_users("indexer")) as served:
        served.create()
        served.stub.Search(search(1, min_version=served.put(with_vectors("a", 1))))
        served.stub.DeleteCatalogue(indexer_pb2.DeleteCatalogueRequest(catalogue="shop"))
    assert as_users.refused() == []


async def test_the_ranker_works_as_its_user(as_users: AsUsers) -> None:
    redis = AsyncRedis(as_users("ranker"), 30.0)
    frozen, scenes = RedisFrozenStore(redis.ask), RedisSceneStore(redis.ask)
    assert await frozen.key()
    for owner in ("a1" * 16, ""):
        ticket = Ticket(b"0123456789abcdef", owner)
        assert await frozen.put(ticket, b"x", **KEEP)
        assert await frozen.get(ticket) == b"x"
    assert not await frozen.is_full(0.8)
    assert await scenes.change("shop", SCENES["shop"], 64, None) == 1
    assert await scenes.change("shop", None, 64, 1) == 2
    assert await scenes.read() == PutScenes({}, 2)
    await redis.close()
    assert as_users.refused() == []


@pytest.mark.parametrize("user", ["indexer", "embedder", "ranker", "default"])
def test_others_cannot_read_people(as_users: AsUsers, user: str) -> None:
    url = as_users(user).redis_url.replace("default:PASSWORD@", "")
    with redis.Redis.from_url(url) as client, pytest.raises(redis.exceptions.NoPermissionError):
        client.hgetall("visrec:person:{x}")


@pytest.mark.parametrize("command", ["FLUSHALL", "KEYS *", "CONFIG SET maxmemory 1", "MONITOR", "ACL LIST", "SHUTDOWN"])
def test_nobody_can_do_harm(as_users: AsUsers, command: str) -> None:
    for user in ("profile", "indexer", "embedder", "ranker"):
        with open_redis(as_users(user)) as client, pytest.raises(redis.exceptions.NoPermissionError):
            client.execute_command(*command.split())


def test_a_service_that_may_not_do_what_it_needs_says_so(as_users: AsUsers) -> None:
    for user, wants in (("embedder", inspect_redis), ("default", lambda client: client.get("visrec:canary"))):
        url = as_users(user).redis_url.replace("default:PASSWORD@", "")
        with open_redis(as_users(user).model_copy(update={"redis_url": url})) as client:
            with pytest.raises(NotReady, match="ACL LOG") as told, redis_errors:
                wants(client)
            assert told.value.reason == "REDIS_FORBIDS"


def test_so_does_one_whose_script_may_not(as_users: AsUsers) -> None:
    as_users.keeper.execute_command("ACL SETUSER profile -rename -zadd")
    with open_redis(as_users("profile")) as client, pytest.raises(NotReady, match="ACL LOG"):
        Held(client).put("p1", "recommendation", "r1", b"x", **KEEP)


def test_a_wrong_password_is_not_ready(as_users: AsUsers) -> None:
    url = as_users("profile").redis_url.replace("PASSWORD", "WRONG")
    with open_redis(as_users("profile").model_copy(update={"redis_url": url})) as client, pytest.raises(NotReady):
        inspect_redis(client)


@pytest.mark.parametrize(
    ("user", "rooms"),
    [
        ("profile", ["profile", "runtime"]),
        ("indexer", ["indexer"]),
        ("embedder", ["embedder"]),
        ("ranker", ["ranker", "runtime"]),
    ],
)
def test_the_lists_have_what_the_scripts_ask_for_and_nothing_more(user: str, rooms: list[str]) -> None:
    assert commands(user) == scripted(*rooms) | set(OUTSIDE_SCRIPTS[user].split())
