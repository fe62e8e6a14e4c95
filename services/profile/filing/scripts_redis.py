"""Lua scripts: one step of the store each, run by digest and pipelined."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from redis.cluster import RedisCluster
from redis.exceptions import NoScriptError

from services.runtime.redis import Client

FOLDER = Path(__file__).parent / "lua"

MAX_TOGETHER = 100
"""Scripts that the server runs before it serves anybody else: some 5 ms of events."""

Argument: TypeAlias = str | bytes | int | float


class Script:
    """The files of `lua/` named, one after the other. Read once, when the module is imported: they are code."""

    def __init__(self, *names: str) -> None:
        self.text = "\n".join((FOLDER / f"{name}.lua").read_text("utf-8") for name in names)
        self.digest = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Call:
    """One run of a script. All keys must be in one slot, where there are slots."""

    script: Script
    keys: Sequence[str]
    arguments: Sequence[Argument]


class ScriptRunner:
    """Runs scripts on a server or a cluster, which are told them anew when they have forgotten them."""

    def __init__(self, client: Client) -> None:
        self._client: Any = client
        self._in_transactions = not isinstance(client, RedisCluster)

    def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument] = ()) -> Any:
        """What the script answers. Raises redis.RedisError."""
        return self.run_all([Call(script, keys, arguments)])[0]

    def run_all(self, calls: Sequence[Call]) -> list[Any]:
        """What each answers, in as few round trips as `MAX_TOGETHER` allows. Raises the first redis.RedisError after
        all have been tried; each has done its whole work or none."""
        answers = self._try(calls)
        unknown = [number for number, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if unknown:
            for text in {calls[number].script.text for number in unknown}:
                self._client.script_load(text)
            for number, answer in zip(unknown, self._try([calls[n] for n in unknown]), strict=True):
                answers[number] = answer
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers

    def _try(self, calls: Sequence[Call]) -> list[Any]:
        starts = range(0, len(calls), MAX_TOGETHER)
        return [answer for start in starts for answer in self._together(calls[start : start + MAX_TOGETHER])]

    def _together(self, calls: Sequence[Call]) -> list[Any]:
        # In a transaction the server waits for its disk once; a pipeline reaches it in pieces, and it waits after each.
        # A cluster's scripts are in different slots, so there it has to be a pipeline.
        with self._client.pipeline(transaction=self._in_transactions and len(calls) > 1) as pipeline:
            for call in calls:
                # Not `evalsha`: redis-py bars it from a cluster's pipeline, which is right only for keys of many slots.
                pipeline.execute_command("EVALSHA", call.script.digest, len(call.keys), *call.keys, *call.arguments)
            return list(pipeline.execute(raise_on_error=False))
