"""Scenes: named weights for the signals of an answer and for the blocks of the vectors behind them, and rules."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from services.errors import InvalidInput
from services.ranker.scenes.experiment import Experiment
from services.ranker.scenes.rules import NO_RULES, Rules
from services.spaces import Space

PHOTO, SEEDS, SESSION, TASTE = "photo", "seeds", "session", "taste"
COLLABORATIVE, SEGMENT, POPULARITY, FRESHNESS = "collaborative", "segment", "popularity", "freshness"
SIGNALS = (PHOTO, SEEDS, SESSION, TASTE, COLLABORATIVE, SEGMENT, POPULARITY, FRESHNESS)
"""Every signal, in the order in which its parts stand in a score."""

WEIGHTS_VERSION = "builtin-2"
"""Named in every answer, so that a change of these numbers can be told from a change of data."""

DEFAULT_SCENE = "balanced"


@dataclass(frozen=True)
class Exposure:
    """The experiment somebody takes part in and the variant they have; both empty: none."""

    experiment: str = ""
    variant: str = ""


NOT_EXPOSED = Exposure()


@dataclass(frozen=True)
class Scene:
    """`signals`: weight of each, finite, >= 0. `blocks`: weight of each block by name, for spaces that have it.
    `diversity`: 0 to 1, for requests that name none. `experiment`: other weights for some of the people."""

    name: str
    description: str
    signals: Mapping[str, float]
    blocks: Mapping[str, float]
    rules: Rules = NO_RULES
    diversity: float = 0.0
    experiment: Experiment | None = None

    def seen_by(self, user_id: str) -> tuple[Scene, Exposure]:
        """The scene as somebody has it, and what they were drawn for; nobody without an id is."""
        if self.experiment is None or not user_id:
            return self, NOT_EXPOSED
        variant = self.experiment.variant_of(user_id)
        theirs = replace(self, signals=variant.signals or self.signals, blocks=variant.blocks or self.blocks)
        return theirs, Exposure(self.experiment.name, variant.name)


def _scene(name: str, description: str, signals: tuple[float, ...], blocks: Mapping[str, float]) -> Scene:
    named = MappingProxyType(dict(zip(SIGNALS, signals, strict=True)))
    return Scene(name, description, named, MappingProxyType(dict(blocks)))


# Set by hand and looked at on real photos; jobs that learn them replace them (PutSignalWeights).
SCENES: Mapping[str, Scene] = MappingProxyType(
    {
        scene.name: scene
        for scene in (
            _scene(
                DEFAULT_SCENE,
                "What the photo shows comes first, then what the person likes.",
                (1.0, 0.8, 0.6, 0.6, 0.3, 0.1, 0.1, 0.0),
                {"content": 1.0, "colour": 0.4},
            ),
            _scene(
                "shop",
                "The same kind of product; taste and what sells decide among them.",
                (1.0, 0.8, 0.7, 0.7, 0.35, 0.1, 0.15, 0.0),
                {"content": 1.0, "colour": 0.3},
            ),
            _scene(
                "social",
                "Places and posts: what is new, and what many people like now, counts for more.",
                (1.0, 0.8, 0.7, 0.7, 0.3, 0.2, 0.4, 0.3),
                {"content": 1.0, "colour": 0.2},
            ),
            _scene(
                "art",
                "Palette before subject.",
                (1.0, 0.8, 0.5, 0.5, 0.2, 0.05, 0.05, 0.0),
                {"content": 0.5, "colour": 1.0, "style": 1.0},
            ),
        )
    }
)


CONTENT, KIND = "content", "kind"

_NOTHING = dict.fromkeys(SIGNALS, 0.0)


def signal_weights(scene: Scene, given: Mapping[str, float]) -> dict[str, float]:
    """The scene's weights with `given` laid over them.

    Raises InvalidInput for an unknown signal, a weight that is negative or not finite, or a sum that is zero or
    not finite.
    """
    for signal, weight in given.items():
        if signal not in SIGNALS:
            raise InvalidInput(f"signal_weights[{signal[:64]!r}]", f"no such signal; there are {', '.join(SIGNALS)}")
        if not (math.isfinite(weight) and weight >= 0):
            raise InvalidInput(f"signal_weights[{signal!r}]", "must be finite and not negative")
    weights = {**_NOTHING, **scene.signals, **given}
    if sum(weights.values()) == math.inf:
        raise InvalidInput("signal_weights", "the weights are too large together", reason="NOT_FINITE")
    if not sum(weights.values()) > 0:
        raise InvalidInput("signal_weights", "the weights sum to zero, so nothing would count", reason="ZERO_WEIGHTS")
    return weights


def block_weights(scene: Scene, given: Mapping[str, float], space: Space) -> dict[str, float]:
    """Weights of the blocks of `space`: what was given, else those of the scene, else (empty) the space's defaults.

    A learned block of kinds belongs to what is shown: where no scene names it, it counts for as much beside `content`
    as by default in its space, or a space that was learned would be searched as if nothing had been.

    Raises InvalidInput for a given block that the space does not have, and as `Space.weights` does.
    """
    if given:
        space.weights(given)
        return dict(given)
    weights = {block.name: scene.blocks[block.name] for block in space.blocks if block.name in scene.blocks}
    defaults = {block.name: block.default_weight for block in space.blocks}
    if KIND in defaults and KIND not in scene.blocks and weights.get(CONTENT) and defaults.get(CONTENT):
        weights[KIND] = weights[CONTENT] * defaults[KIND] / defaults[CONTENT]
    return weights if any(weights.values()) else {}  # what counts in the scene may be in other spaces only
