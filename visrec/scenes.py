"""Scenes and their experiments, changed by hand: messages of the contract go in, changed copies come out.

    scene, version = visrec.scene("shop")
    tried = with_variant(scene, "spring", Change("bolder", share=0.1, signals={"taste": 0.9}))
    visrec.put_weights(tried, if_version=version)
    ...
    visrec.put_weights(ended(tried, keep="bolder"), if_version=...)

What weights may be and how shares add up is checked by the ranker when a scene is put.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from visrec.v1 import ranker_pb2

CONTROL = "control"
"""The variant of those who have the scene's own weights."""


class NoScene(LookupError):
    """There is no scene of that name; the text says which there are."""


class NoVariant(LookupError):
    """The scene tries no such variant; the text says which it tries."""


class ExperimentRuns(ValueError):
    """The scene has an experiment, in whose way the change would be."""


@dataclass(frozen=True)
class Change:
    """A variant, told by what is different in it. `share`: of people, more than 0, at most 1. `signals`, `blocks`: laid
    over those of the scene; both empty: nothing is, to see that people who are treated alike act alike."""

    variant: str
    share: float
    signals: Mapping[str, float] = field(default_factory=dict)
    blocks: Mapping[str, float] = field(default_factory=dict)


def named(answer: ranker_pb2.GetScenesResponse, name: str) -> ranker_pb2.Scene:
    """The scene of that name. Raises NoScene."""
    for scene in answer.scenes:
        if scene.name == name:
            return scene
    raise NoScene(f"there is no scene {name!r}; there are {', '.join(each.name for each in answer.scenes)}")


def with_weights(
    scene: ranker_pb2.Scene, signals: Mapping[str, float], blocks: Mapping[str, float] | None = None
) -> ranker_pb2.Scene:
    """The same with these weights laid over its own. Raises ExperimentRuns while it has an experiment, whose control
    would change under it."""
    if scene.HasField("experiment"):
        raise ExperimentRuns(f"{scene.name} has the experiment {scene.experiment.name}, whose control would change")
    changed = _copy(scene)
    changed.signal_weights.update(signals)
    changed.block_weights.update(blocks or {})
    return changed


def with_variant(scene: ranker_pb2.Scene, experiment: str, change: Change) -> ranker_pb2.Scene:
    """The same with one more variant of its experiment, which begins with the first one. Its people come from those of
    `control`; those of other variants keep what they have. Raises ExperimentRuns when it has another experiment."""
    if scene.HasField("experiment") and scene.experiment.name != experiment:
        raise ExperimentRuns(f"{scene.name} has the experiment {scene.experiment.name} already")
    changed = _copy(scene)
    changed.experiment.name = experiment
    changed.experiment.variants.append(
        ranker_pb2.Variant(
            name=change.variant,
            share=change.share,
            # A variant has all of its weights: what it does not name weighs nothing.
            signal_weights={**scene.signal_weights, **change.signals} if change.signals else {},
            block_weights={**scene.block_weights, **change.blocks} if change.blocks else {},
        )
    )
    return changed


def ended(scene: ranker_pb2.Scene, keep: str = "") -> ranker_pb2.Scene:
    """The same without its experiment, with the weights of the variant `keep`; empty: its own. Raises NoVariant."""
    changed = _copy(scene)
    changed.ClearField("experiment")
    if not keep or keep == CONTROL:
        return changed
    for variant in scene.experiment.variants:
        if variant.name == keep:
            signals, blocks = weights_of(scene, variant)
            changed.signal_weights.clear()
            changed.signal_weights.update(signals)
            changed.block_weights.clear()
            changed.block_weights.update(blocks)
            return changed
    tried = ", ".join(variant.name for variant in scene.experiment.variants) or "none"
    raise NoVariant(f"{scene.name} tries no variant {keep!r}; it tries {tried}")


def weights_of(scene: ranker_pb2.Scene, variant: ranker_pb2.Variant) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """The weights of the signals and of the blocks under a variant: where it has none, those of the scene."""
    return variant.signal_weights or scene.signal_weights, variant.block_weights or scene.block_weights


def control_share(experiment: ranker_pb2.Experiment) -> float:
    """What the variants leave, 0 to 1."""
    return max(0.0, 1.0 - sum(variant.share for variant in experiment.variants))


def changes(scene: ranker_pb2.Scene, variant: ranker_pb2.Variant) -> Iterator[tuple[str, float, float]]:
    """Signals and blocks that weigh otherwise under the variant: name, weight in the scene, and there. 0: nothing."""
    pairs = zip((scene.signal_weights, scene.block_weights), weights_of(scene, variant), strict=True)
    for before, after in pairs:
        for name in sorted(before.keys() | after.keys()):
            if before.get(name, 0.0) != after.get(name, 0.0):
                yield name, before.get(name, 0.0), after.get(name, 0.0)


def _copy(scene: ranker_pb2.Scene) -> ranker_pb2.Scene:
    copied = ranker_pb2.Scene()
    copied.CopyFrom(scene)
    return copied
