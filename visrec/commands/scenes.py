"""visrec scene: how much each signal counts, and changing it by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from visrec import scene_tables
from visrec.commands.faults import InOwnWords, told
from visrec.commands.looking import weights_of
from visrec.commands.session import JsonOption, Session, YesOption, session_of
from visrec.scenes import ExperimentRuns, named, with_weights
from visrec.v1 import ranker_pb2

scene_app = typer.Typer(no_args_is_help=True, help="Look at scenes, which are named sets of weights, and change them.")

SceneArgument = Annotated[str, typer.Argument(help="Which scene.", metavar="SCENE")]
WeightsArgument = Annotated[
    list[str] | None,
    typer.Argument(help="What weighs otherwise, such as taste=0.9; what is not named stays.", metavar="[NAME=WEIGHT]…"),
]
BlocksOption = Annotated[
    list[str] | None,
    typer.Option(
        "--block", metavar="NAME=WEIGHT", help="What likeness means, where the scene has no weight of it yet."
    ),
]
VersionOption = Annotated[
    str,
    typer.Option(
        "--if-version",
        metavar="VERSION",
        help="Only if this holds still, as `visrec scene show` told. Else: as it is now.",
    ),
]


@scene_app.command("list")
def list_(context: typer.Context, as_json: JsonOption = False) -> None:
    """The named sets of weights that `recommend --scene` takes; what is asked for without one is `balanced`.

    Weights count in proportion to each other: of the signals that an answer has, each counts for its share.
    """
    session = session_of(context)
    answer = session.client.scenes()
    session.show(answer, as_json, scene_tables.scenes(answer.scenes))


@scene_app.command("show")
def show(context: typer.Context, scene: SceneArgument, as_json: JsonOption = False) -> None:
    """What counts in one of them, heaviest first, and for whom something else does.

    ```
    visrec scene show shop
    ```
    """
    session = session_of(context)
    found, version = session.client.scene(scene)
    show_scene(session, found, version, as_json)


@scene_app.command("put")
def put(
    context: typer.Context,
    scene: SceneArgument,
    weights: WeightsArgument = None,
    *,
    block: BlocksOption = None,
    like: Annotated[
        str, typer.Option(metavar="OTHER", help="Make it anew, with the weights of this one to begin with.")
    ] = "",
    description: Annotated[str, typer.Option(metavar="TEXT", help="What it is for.")] = "",
    if_version: VersionOption = "",
    as_json: JsonOption = False,
) -> None:
    """Change what counts, for everybody, within seconds. What is not named stays as it is; 0 switches a signal off.

    `visrec experiment start` tries it on some of the people first. While an experiment runs, the weights
    of its scene are left alone. The way back is `visrec scene delete`.

    ```
    visrec scene put shop taste=0.9 popularity=0.05
    visrec scene put shop colour=0.5 --block style=0.2     # what likeness means
    visrec scene put winter --like shop freshness=0.2      # one of your own
    ```
    """
    if not (weights or block or like or description):
        raise typer.BadParameter("say what weighs otherwise, such as taste=0.9")
    session = session_of(context)
    answer = session.client.scenes()
    before = _like(answer, scene, like) if like else named(answer, scene)
    signals, blocks = changes_of(before, weights, block)
    try:
        changed = with_weights(before, signals, blocks) if signals or blocks else before
    except ExperimentRuns as reason:
        raise InOwnWords(f"{reason} under it; `visrec experiment stop {scene}` ends it") from reason
    changed.description = description or changed.description
    put_scene(session, changed, if_version or answer.weights_version, as_json)


@scene_app.command("delete")
def delete(context: typer.Context, scene: SceneArgument, yes: YesOption = False) -> None:
    """Remove what was put under that name, its experiment with it.

    A scene that the services came with is again as it was; one of your own is gone.
    """
    session = session_of(context)
    found, version = session.client.scene(scene)
    if not yes:
        session.out.print(scene_tables.scene(found, version))
        typer.confirm(f"Remove what was put as {scene}?", abort=True)
    with unchanged(scene):
        session.client.remove_weights(scene, if_version=version)
    session.out.print(
        f"Nothing that was put as {scene} is left. If the services came with a scene of that name, it holds."
    )


def changes_of(
    scene: ranker_pb2.Scene, weights: list[str] | None, block: list[str] | None
) -> tuple[dict[str, float], dict[str, float]]:
    """Of signals and of blocks; a block that the scene has may be among the weights. Raises typer.BadParameter."""
    for text in (*(weights or ()), *(block or ())):
        if not all(text.partition("=")):
            raise typer.BadParameter(f"{text}: give NAME=WEIGHT, such as taste=0.9")
    signals, blocks = weights_of(weights, "weight"), weights_of(block, "--block")
    of_blocks = {name: weight for name, weight in signals.items() if name in scene.block_weights}
    return {name: weight for name, weight in signals.items() if name not in of_blocks}, {**of_blocks, **blocks}


def put_scene(session: Session, scene: ranker_pb2.Scene, if_version: str, as_json: bool) -> None:
    """Puts it in the place of what was read, and shows it."""
    with unchanged(scene.name):
        version = session.client.put_weights(scene, if_version=if_version)
    show_scene(session, scene, version, as_json)


def show_scene(session: Session, scene: ranker_pb2.Scene, version: str, as_json: bool) -> None:
    """With the version of all weights; as JSON like an answer that has no other scene."""
    answer = ranker_pb2.GetScenesResponse(scenes=[scene], weights_version=version)
    session.show(answer, as_json, scene_tables.scene(scene, version))


@contextmanager
def unchanged(scene: str) -> Iterator[None]:
    """Says so when somebody else was quicker."""
    quicker = (
        f"weights were changed since they were read, so nothing was put; look at `visrec scene show {scene}` first"
    )
    with told({"WEIGHTS_CHANGED": quicker}):
        yield


def _like(answer: ranker_pb2.GetScenesResponse, name: str, other: str) -> ranker_pb2.Scene:
    if any(each.name == name for each in answer.scenes):
        raise InOwnWords(f"there is a scene {name} already; leave out --like to change it")
    model = named(answer, other)
    return ranker_pb2.Scene(name=name, signal_weights=model.signal_weights, block_weights=model.block_weights)
