"""Scenes of the ranker, read and put by jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from visrec.connection import Connection
from visrec.scenes import named
from visrec.v1 import ranker_pb2


class TooLittle(Exception):
    """There is nothing that weights could be learned or variants compared from, and why."""


@dataclass(frozen=True)
class SceneKeeper:
    """`name`: of the scene; `balanced` is there always."""

    connection: Connection
    name: str

    def read(self) -> tuple[ranker_pb2.Scene, str]:
        """The scene and the version of the weights. Raises visrec.scenes.NoScene, VisrecCallError."""
        listed = self.connection.call(self.connection.ranker.GetScenes, ranker_pb2.GetScenesRequest())
        return named(listed, self.name), listed.weights_version

    def put(self, scene: ranker_pb2.Scene, version: str) -> str:
        """The version after it. Raises VisrecCallError, with reason WEIGHTS_CHANGED when somebody was quicker."""
        request = ranker_pb2.PutSignalWeightsRequest(scene=scene, if_version=version)
        return self.connection.call(self.connection.ranker.PutSignalWeights, request).weights_version


def with_weights(scene: ranker_pb2.Scene, weights: Mapping[str, float]) -> ranker_pb2.Scene:
    """The same with other weights of its signals."""
    changed = ranker_pb2.Scene()
    changed.CopyFrom(scene)
    changed.signal_weights.clear()
    changed.signal_weights.update(weights)
    return changed


def with_experiment(scene: ranker_pb2.Scene, name: str, share: float, weights: Mapping[str, float]) -> ranker_pb2.Scene:
    """The same, with weights that a share of the people have, as the variant `learned`."""
    changed = ranker_pb2.Scene()
    changed.CopyFrom(scene)
    variant = ranker_pb2.Variant(name="learned", share=share, signal_weights=weights)
    changed.experiment.CopyFrom(ranker_pb2.Experiment(name=name, variants=[variant]))
    return changed
