"""What services keep under a person, filed so that an erasure finds all of it.

The profile service gives each person a pseudonym (`Taste.pseudonym`), and whoever keeps something about a person (a
frozen recommendation, what was shown to them) keeps it here, under that: the record and its entry in the person's
register are written in one step, in one slot of a cluster. After an erasure nothing more is taken for the pseudonym, so
an answer that was on its way brings nobody back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.errors import InvalidInput
from services.runtime.redis import Client, redis_errors

MOST = 1000
"""Records of a person; of more, those go that would have ended first."""

MAX_PSEUDONYM_LETTERS, MAX_NAME_LETTERS = 64, 128

_PUT = """
-- KEYS: register, gone, record. ARGV: content, now in ms, ms to keep it, most records. Answers whether it was taken.
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
local ends = tonumber(ARGV[2]) + tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[3])
redis.call('ZADD', KEYS[1], ends, KEYS[3])
while redis.call('ZCARD', KEYS[1]) > tonumber(ARGV[4]) do
  redis.call('DEL', redis.call('ZPOPMIN', KEYS[1])[1])
end
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2]
redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', last))
return 1
"""

_ERASE = """
-- KEYS: register, gone. ARGV: ms for which nothing more is taken, 0: none. Answers how many records there were.
local erased = 0
for _, record in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do erased = erased + redis.call('DEL', record) end
redis.call('DEL', KEYS[1])
if tonumber(ARGV[1]) > 0 then redis.call('SET', KEYS[2], '', 'PX', ARGV[1]) end
return erased
"""


@dataclass(frozen=True)
class Record:
    """Something of one kind, such as `recommendation`, as its service packed it."""

    kind: str
    content: bytes


class Held:
    """Safe to use from any number of threads. Every method raises NotReady when Redis does not answer, and InvalidInput
    for a pseudonym that is none."""

    def __init__(self, client: Client, most: int = MOST) -> None:
        self._client: Any = client
        self._most = most

    def put(self, pseudonym: str, kind: str, name: str, content: bytes, *, now_ms: int, keep_ms: int) -> bool:
        """Keeps a record for `keep_ms` > 0, instead of the one of that kind and name; False, and nothing is kept, when
        the person was erased. `kind`: a-z and _; `name`: unique in its kind, 1 to 128 letters."""
        command = put_command(pseudonym, kind, name, content, now_ms=now_ms, keep_ms=keep_ms, most=self._most)
        with redis_errors:
            return bool(self._client.execute_command(*command))

    def get(self, pseudonym: str, kind: str, name: str) -> bytes | None:
        """What was kept; None: nothing, or not any more."""
        with redis_errors:
            found: bytes | None = self._client.get(record_key(pseudonym, kind, name))
            return found

    def all(self, pseudonym: str) -> list[Record]:
        """Everything that is kept under a person."""
        register, _ = _keys(pseudonym)
        with redis_errors:
            names = [name.decode() for name in self._client.zrange(register, 0, -1)]
            with self._client.pipeline(transaction=False) as pipeline:
                for name in names:
                    pipeline.get(name)
                found = zip(names, pipeline.execute(), strict=True)
        return [Record(_kind(register, name), content) for name, content in found if content is not None]

    def erase(self, pseudonym: str, gone_ms: int = 0) -> int:
        """Removes all of it, and takes nothing more for `gone_ms`; how many records there were."""
        with redis_errors:
            return int(self._client.eval(_ERASE, 2, *_keys(pseudonym), gone_ms))


def put_command(
    pseudonym: str, kind: str, name: str, content: bytes, *, now_ms: int, keep_ms: int, most: int = MOST
) -> tuple[str | bytes | int, ...]:
    """What `Held.put` tells Redis, for whoever sends commands in another way. Answers 1, or 0 for somebody erased."""
    keys = (*_keys(pseudonym), record_key(pseudonym, kind, name))
    return ("EVAL", _PUT, len(keys), *keys, content, now_ms, keep_ms, most)


def record_key(pseudonym: str, kind: str, name: str) -> str:
    """Where a record is. Raises InvalidInput for what is no pseudonym, kind or name."""
    if not (kind.replace("_", "").isalpha() and kind.islower() and 1 <= len(name) <= MAX_NAME_LETTERS):
        raise InvalidInput("name", "a record needs a kind of a-z and _ and a name of 1 to 128 letters")
    return f"{_keys(pseudonym)[0]}:{kind}:{name}"


def _keys(pseudonym: str) -> tuple[str, str]:
    """The register, a sorted set of keys by when they end, and what says that the person is gone."""
    if not (pseudonym.isalnum() and pseudonym.isascii() and len(pseudonym) <= MAX_PSEUDONYM_LETTERS):
        raise InvalidInput("pseudonym", "must be letters and digits")
    register = f"visrec:held:{{{pseudonym}}}"
    return register, f"{register}:gone"


def _kind(register: str, name: str) -> str:
    return name.removeprefix(f"{register}:").partition(":")[0]
