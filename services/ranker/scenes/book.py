"""The scenes that hold at some moment: those that the service came with, and over them what a job has put."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from services.errors import InvalidInput
from services.ranker.scenes.name import check_name
from services.ranker.scenes.scene import DEFAULT_SCENE, SIGNALS, Scene

MOST_SCENES = 64

MAX_BLOCKS = 64
MAX_DESCRIPTION = 1024


@dataclass(frozen=True)
class SceneBook:
    """`scenes` by name. `version`: changes whenever any of them does."""

    scenes: Mapping[str, Scene]
    version: str

    def named(self, name: str) -> Scene:
        """The scene of that name, `balanced` for an empty one. Raises InvalidInput for one that does not exist."""
        scene = self.scenes.get(name or DEFAULT_SCENE)
        if scene is None:
            raise InvalidInput("scene", f"no scene {name[:64]!r}; there are {', '.join(sorted(self.scenes))}")
        return scene

    def with_put(self, put: Mapping[str, Scene], number: int) -> SceneBook:
        """The book after `number` changes, of which `put` is left."""
        if not number:
            return self
        over = {name: self._completed(scene) for name, scene in put.items()}
        return SceneBook(MappingProxyType({**self.scenes, **over}), f"{self.version}+{number}")

    def number_of(self, version: str) -> int | None:
        """How many changes after this book that version was; None for a version of another book."""
        base, plus, number = version.partition("+")
        if base != self.version or (plus and not number.isdecimal()):
            return None
        return int(number) if plus else 0

    def _completed(self, scene: Scene) -> Scene:
        """What is left out of a scene that was put is as it was."""
        before = self.scenes.get(scene.name)
        if before is None:
            return scene
        return replace(
            before,
            description=scene.description or before.description,
            signals=scene.signals,
            blocks=scene.blocks or before.blocks,
            experiment=scene.experiment,
        )


def check(scene: Scene) -> None:
    """Raises InvalidInput, naming the field of PutSignalWeightsRequest, for a scene that cannot be."""
    check_name(scene.name, "scene.name")
    if len(scene.description) > MAX_DESCRIPTION:
        raise InvalidInput("scene.description", f"at most {MAX_DESCRIPTION} letters")
    _check_signals(scene.signals, "scene")
    _check_blocks(scene.blocks, "scene")
    if scene.experiment is None:
        return
    scene.experiment.check("scene.experiment")
    for number, variant in enumerate(scene.experiment.variants):
        at = f"scene.experiment.variants[{number}]"
        if variant.signals:
            _check_signals(variant.signals, at)
        _check_blocks(variant.blocks, at)


def _check_signals(signals: Mapping[str, float], at: str) -> None:
    for signal, weight in signals.items():
        if signal not in SIGNALS:
            named = f"{at}.signal_weights[{signal[:64]!r}]"
            raise InvalidInput(named, f"no such signal; there are {', '.join(SIGNALS)}")
        if not (math.isfinite(weight) and weight >= 0):
            raise InvalidInput(f"{at}.signal_weights[{signal!r}]", "must be finite and not negative")
    if not 0 < sum(signals.values()) < math.inf:
        raise InvalidInput(f"{at}.signal_weights", "nothing would count, or too much", reason="ZERO_WEIGHTS")


def _check_blocks(blocks: Mapping[str, float], at: str) -> None:
    if len(blocks) > MAX_BLOCKS:
        raise InvalidInput(f"{at}.block_weights", f"at most {MAX_BLOCKS}")
    for name, weight in blocks.items():
        if not math.isfinite(weight):
            raise InvalidInput(f"{at}.block_weights[{name[:64]!r}]", "must be finite", reason="NOT_FINITE")
    if blocks and not 0 < sum(map(abs, blocks.values())) < math.inf:
        raise InvalidInput(f"{at}.block_weights", "nothing would be compared", reason="ZERO_WEIGHTS")
