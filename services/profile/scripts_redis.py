"""Lua scripts: one step of the store each, run by digest and pipelined."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from redis.exceptions import NoScriptError

from services.runtime.redis import Client

FOLDER = Path(__file__).parent / "lua"

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

    def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument] = ()) -> Any:
        """What the script answers. Raises redis.RedisError."""
        return self.run_all([Call(script, keys, arguments)])[0]

    def run_all(self, calls: Sequence[Call]) -> list[Any]:
        """What each answers, in one round trip; each is a step of its own. Raises the first redis.RedisError after all
        have been tried."""
        answers = self._pipelined(calls)
        unknown = [number for number, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if unknown:
            for text in {calls[number].script.text for number in unknown}:
                self._client.script_load(text)
            for number, answer in zip(unknown, self._pipelined([calls[n] for n in unknown]), strict=True):
                answers[number] = answer
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers

    def _pipelined(self, calls: Sequence[Call]) -> list[Any]:
        # As a plain command: the method of that name is barred in a cluster's pipeline, where one slot is no problem.
        with self._client.pipeline(transaction=False) as pipeline:
            for call in calls:
                pipeline.execute_command("EVALSHA", call.script.digest, len(call.keys), *call.keys, *call.arguments)
            return list(pipeline.execute(raise_on_error=False))
