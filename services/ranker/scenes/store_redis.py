"""Scenes that were put, in one hash of Redis: a field for each, and under the empty name the count of changes."""

from __future__ import annotations

import json
from typing import Any

from services.ranker.scenes.experiment import Experiment, Variant
from services.ranker.scenes.scene import Scene
from services.ranker.scenes.store import PutScenes, SceneStore, changed, too_many
from services.runtime.redis_async import Ask, pairs

KEY = "visrec:ranker:scenes"

_CHANGE = """
-- KEYS: scenes. ARGV: name, scene or '' to remove it, most scenes, number that must hold or ''. The number after it, or
-- -1: another held, -2: too many.
local number = tonumber(redis.call('HGET', KEYS[1], '') or '0')
if ARGV[4] ~= '' and tonumber(ARGV[4]) ~= number then return -1 end
if ARGV[2] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  local known = redis.call('HEXISTS', KEYS[1], '') + redis.call('HEXISTS', KEYS[1], ARGV[1])
  if redis.call('HLEN', KEYS[1]) - known >= tonumber(ARGV[3]) then return -2 end
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
return redis.call('HINCRBY', KEYS[1], '', 1)
"""


class RedisSceneStore(SceneStore):
    """Over `AsyncRedis.ask`, or what stands before it."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def read(self) -> PutScenes:
        fields = pairs(await self._ask(("HGETALL", KEY)))
        number = int(fields.pop(b"", 0))
        return PutScenes({name.decode(): _read(name.decode(), told) for name, told in fields.items()}, number)

    async def change(self, name: str, scene: Scene | None, most: int, if_number: int | None) -> int:
        told = "" if scene is None else json.dumps(_told(scene))
        held = "" if if_number is None else if_number
        number: int = await self._ask(("EVAL", _CHANGE, 1, KEY, name, told, most, held))
        if number == -1:
            raise changed()
        if number == -2:
            raise too_many(most)
        return number


def _told(scene: Scene) -> list[Any]:
    """Its description and weights and, where there is one, the experiment behind them."""
    weights = [scene.description, dict(scene.signals), dict(scene.blocks)]
    if scene.experiment is None:
        return weights
    variants = [[each.name, each.share, dict(each.signals), dict(each.blocks)] for each in scene.experiment.variants]
    return [*weights, [scene.experiment.name, variants]]


def _read(name: str, told: bytes) -> Scene:
    description, signals, blocks, *experiment = json.loads(told)
    return Scene(name, description, signals, blocks, experiment=_experiment(*experiment[0]) if experiment else None)


def _experiment(name: str, variants: list[list[Any]]) -> Experiment:
    return Experiment(name, [Variant(*each) for each in variants])
