"""Scenes of one's own, from a file in TOML, beside those that are built in.

    [autumn]
    like = "shop"                      # what is not named here is as there; without, it weighs nothing
    description = "Coats first."
    diversity = 0.2
    signals = { popularity = 0.3 }
    blocks = { content = 1.0, colour = 0.5 }

    [autumn.rules]
    only_available = true
    max_per_category = 4
    max_per_group = 1
    near_duplicate_cosine = 0.97
    price = { currency = "EUR", at_most = 200 }
    boosts = [{ name = "own_label", field = "attributes.brand", values = ["ours"], amount = 0.05 }]

A scene of a built-in one's name takes its place.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.errors import InvalidInput
from services.ranker.scenes import book as scene_book
from services.ranker.scenes.rules import NO_RULES, Boost, PriceBounds, Rules
from services.ranker.scenes.scene import SCENES, Scene

Weight = Annotated[float, Field(allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Price(_Strict):
    currency: str
    at_least: float | None = None
    at_most: float | None = None


class _Boost(_Strict):
    name: str
    field: str
    values: list[str]
    amount: float


class _Rules(_Strict):
    only_available: bool = False
    price: _Price | None = None
    boosts: list[_Boost] = []
    max_per_category: int = 0
    max_per_group: int = 0
    near_duplicate_cosine: float = 0.0

    def rules(self) -> Rules:
        return Rules(
            only_available=self.only_available,
            prices=(PriceBounds(**self.price.model_dump()),) if self.price else (),
            boosts=tuple(Boost(**boost.model_dump()) for boost in self.boosts),
            max_per_category=self.max_per_category,
            max_per_group=self.max_per_group,
            near_duplicate_cosine=self.near_duplicate_cosine,
        )


class _Scene(_Strict):
    like: str = ""
    description: str = ""
    diversity: float | None = Field(None, ge=0, le=1)
    signals: dict[str, Weight] = {}
    blocks: dict[str, Weight] = {}
    rules: _Rules | None = None


def read(text: str) -> tuple[Mapping[str, Scene], str]:
    """All scenes, those of the file and the others that are built in, by name; and the version of their weights,
    another one for every other text. Raises ValueError, naming the scene and the field, for what cannot be."""
    scenes = dict(SCENES)
    for name, told in tomllib.loads(text).items():
        try:
            scene = _completed(name, _Scene.model_validate(told), scenes)
            scene_book.check(scene)
        except ValidationError as error:
            first = error.errors()[0]
            raise ValueError(f"scene {name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
        except InvalidInput as error:
            raise ValueError(f"scene {name}: {error.field.removeprefix('scene.')}: {error.description}") from error
        scenes[name] = scene
    if len(scenes) > scene_book.MOST_SCENES:
        raise ValueError(f"{len(scenes)} scenes with those that are built in, at most {scene_book.MOST_SCENES}")
    return MappingProxyType(scenes), f"file-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _completed(name: str, told: _Scene, known: Mapping[str, Scene]) -> Scene:
    if told.like and told.like not in known:
        raise InvalidInput("scene.like", f"no scene {told.like!r} before it; there are {', '.join(known)}")
    like = known.get(told.like)
    rules = told.rules.rules() if told.rules else NO_RULES
    rules.check("scene.rules")
    signals = {**(like.signals if like else {}), **told.signals}
    return Scene(
        name=name,
        description=told.description or (like.description if like else ""),
        signals=MappingProxyType(signals),
        blocks=MappingProxyType({**(like.blocks if like else {}), **told.blocks}),
        rules=rules.over(like.rules if like else NO_RULES),
        diversity=(like.diversity if like else 0.0) if told.diversity is None else told.diversity,
    )
