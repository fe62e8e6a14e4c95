"""The calls of the client about scenes: what weighs how much, and for whom."""

from __future__ import annotations

from visrec.connection import Connection
from visrec.scenes import named
from visrec.v1 import ranker_pb2


class ScenesClient:
    """The part of `visrec.client.Client` about scenes. Every method raises VisrecCallError. `visrec.scenes` changes
    what is read here, for `put_weights`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._call = connection.call

    def scenes(self) -> ranker_pb2.GetScenesResponse:
        """The named sets of weights that `recommend` knows, by name, and the version of all of them."""
        return self._call(self._connection.ranker.GetScenes, ranker_pb2.GetScenesRequest())

    def scene(self, name: str) -> tuple[ranker_pb2.Scene, str]:
        """One of them, and the version of all. Raises visrec.scenes.NoScene."""
        answer = self.scenes()
        return named(answer, name), answer.weights_version

    def put_weights(self, scene: ranker_pb2.Scene, *, if_version: str = "") -> str:
        """Puts a scene as a whole, with its weights and its experiment, or makes one; the version that holds then.

        `if_version`: as it was read; when any scene was changed since, nothing is put, and it is ALREADY_EXISTS with
        reason WEIGHTS_CHANGED. Empty: in any case.
        """
        request = ranker_pb2.PutSignalWeightsRequest(scene=scene, if_version=if_version)
        return self._call(self._connection.ranker.PutSignalWeights, request).weights_version

    def remove_weights(self, scene: str, *, if_version: str = "") -> str:
        """Removes what was put under that name, with its experiment: what the services came with holds again. The
        version that holds then; `if_version` as in `put_weights`."""
        request = ranker_pb2.PutSignalWeightsRequest(
            scene=ranker_pb2.Scene(name=scene), remove=True, if_version=if_version
        )
        return self._call(self._connection.ranker.PutSignalWeights, request).weights_version
