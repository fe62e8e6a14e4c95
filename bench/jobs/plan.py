"""Which jobs are run, in which order, by which commands, and what has to be done before each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc

from bench.jobs import standing
from bench.jobs.crowd import CHANGED, EXPERIMENT, SCENE
from bench.jobs.filling import CATALOGUE
from jobs.scene_keeper import SceneKeeper, with_experiment
from visrec.connection import Connection
from visrec.errors import VisrecCallError
from visrec.v1 import indexer_pb2

SHARE = 0.5
"""Of the people who have the other weights in the experiment."""


@dataclass(frozen=True)
class Job:
    """`arguments` of `python -m jobs`. `result`: what it has made, equal for equal results, told what it printed.
    `before`: what to do before it, which may be done twice. `answers`: people are still answered then."""

    name: str
    arguments: Sequence[str]
    result: Callable[[Connection, str], object]
    before: Callable[[Connection], None] = lambda _: None
    answers: bool = True


def jobs(folder: Path) -> list[Job]:
    """All of them. What people engage with comes before labels, which find more; the experiment after the weights,
    which are left alone as long as it runs; and forgetting last. `folder` gets the file of `calibrate`."""
    curves = folder / "calibration.json"
    return [
        Job("segments", _of("segments"), standing.segments),
        Job("head --from people", _of("head", "--from", "people"), standing.space_behind("visual")),
        Job("head", _of("head"), standing.space_behind("visual")),
        Job("collaborative", _of("collaborative"), standing.space_behind("collaborative")),
        Job("weights", _of("weights", "--scene", SCENE), standing.scene),
        Job("experiment", _of("experiment", "--scene", SCENE), standing.printed, _begin_experiment),
        Job("calibrate", _of("calibrate", "--file", str(curves)), lambda *_: curves.read_text()),
        Job("rebuild-profiles", _of("rebuild-profiles"), standing.printed),
        Job("forget-catalogue", _of("forget-catalogue"), standing.forgotten, _delete, answers=False),
    ]


def _of(name: str, *more: str) -> list[str]:
    return [name, "--catalogue", CATALOGUE, *more]


def _begin_experiment(connection: Connection) -> None:
    keeper = SceneKeeper(connection, SCENE)
    scene, version = keeper.read()
    changed = with_experiment(scene, EXPERIMENT, SHARE, scene.signal_weights)
    changed.experiment.variants[0].name = CHANGED
    keeper.put(changed, version)


def _delete(connection: Connection) -> None:
    request = indexer_pb2.DeleteCatalogueRequest(catalogue=CATALOGUE)
    try:
        connection.call(connection.indexer.DeleteCatalogue, request)
    except VisrecCallError as error:
        if error.code is not grpc.StatusCode.NOT_FOUND:
            raise
