"""visrec experiment: other weights for some of the people."""

from __future__ import annotations

from typing import Annotated

import typer

from visrec import scene_tables
from visrec.commands.faults import InOwnWords
from visrec.commands.scenes import (
    BlocksOption,
    SceneArgument,
    VersionOption,
    WeightsArgument,
    changes_of,
    put_scene,
)
from visrec.commands.session import JsonOption, Session, session_of
from visrec.scenes import CONTROL, Change, ended, with_variant
from visrec.v1 import ranker_pb2

experiment_app = typer.Typer(no_args_is_help=True, help="Try other weights on some of the people.")

ShareOption = Annotated[float, typer.Option("--share", min=0, max=1, help="Of the people, such as 0.1 for a tenth.")]
VariantOption = Annotated[str, typer.Option("--variant", metavar="NAME", help="What it is called in reports.")]


@experiment_app.command("list")
def list_(context: typer.Context, as_json: JsonOption = False) -> None:
    """What is tried now, on how many, and what weighs otherwise there."""
    session = session_of(context)
    answer = session.client.scenes()
    running = [scene for scene in answer.scenes if scene.HasField("experiment")]
    told = scene_tables.experiments(running) if running else "nothing is tried; `visrec experiment start` begins it"
    session.show(ranker_pb2.GetScenesResponse(scenes=running, weights_version=answer.weights_version), as_json, told)


@experiment_app.command("start")
def start(
    context: typer.Context,
    scene: SceneArgument,
    name: Annotated[str, typer.Argument(help="Of the experiment; people are drawn by it.", metavar="NAME")],
    weights: WeightsArgument = None,
    *,
    share: ShareOption,
    block: BlocksOption = None,
    variant: VariantOption = "changed",
    if_version: VersionOption = "",
    as_json: JsonOption = False,
) -> None:
    """Give some of the people other weights; the others, `control`, keep those of the scene.

    Who has which is drawn by the experiment's name and the person's id, the same each time. Ask with
    `--record-impressions`, or record what is shown, for something to be compared. Without any weight both are treated
    alike, which shows whether what is measured can be trusted. Decide beforehand when to look.

    ```
    visrec experiment start shop spring taste=0.9 popularity=0.05 --share 0.1
    python -m jobs experiment -c shop --scene shop     # what came of it
    visrec experiment stop shop --keep changed         # or without --keep
    ```
    """
    session = session_of(context)
    found, version = session.client.scene(scene)
    if found.HasField("experiment"):
        raise InOwnWords(
            f"{scene} has the experiment {found.experiment.name} already; `visrec experiment stop {scene}` ends it, "
            f"`visrec experiment add {scene}` tries something more in it"
        )
    signals, blocks = changes_of(found, weights, block)
    tried = with_variant(found, name, Change(variant, share, signals, blocks))
    put_scene(session, tried, if_version or version, as_json)


@experiment_app.command("add")
def add(
    context: typer.Context,
    scene: SceneArgument,
    weights: WeightsArgument = None,
    *,
    share: ShareOption,
    variant: Annotated[str, typer.Option("--variant", metavar="NAME", help="Not one that there is.")],
    block: BlocksOption = None,
    if_version: VersionOption = "",
    as_json: JsonOption = False,
) -> None:
    """Try one thing more in the experiment of a scene, on people of `control`; others keep what they have.

    Do it soon: who was shown something as `control` before is left out of the report.

    ```
    visrec experiment add shop taste=0.3 --variant calm --share 0.1
    ```
    """
    session = session_of(context)
    found, version = _with_experiment(session, scene)
    signals, blocks = changes_of(found, weights, block)
    tried = with_variant(found, found.experiment.name, Change(variant, share, signals, blocks))
    put_scene(session, tried, if_version or version, as_json)


@experiment_app.command("stop")
def stop(
    context: typer.Context,
    scene: SceneArgument,
    *,
    keep: Annotated[
        str, typer.Option(metavar="VARIANT", help="Whose weights the scene has then, for everybody. Else: its own.")
    ] = "",
    if_version: VersionOption = "",
    as_json: JsonOption = False,
) -> None:
    """End the experiment of a scene: everybody has the same weights again.

    What was recorded stays for a while: `python -m jobs experiment --name NAME` tells what came of it.

    ```
    visrec experiment stop shop                    # drop what was tried
    visrec experiment stop shop --keep changed     # keep it
    ```
    """
    session = session_of(context)
    found, version = _with_experiment(session, scene)
    put_scene(session, ended(found, keep), if_version or version, as_json)
    if not as_json:
        whose = f"those of {keep}" if keep and keep != CONTROL else "its own"
        name = found.experiment.name
        session.out.print(
            f"\n{name} has ended, and {scene} has {whose} for everybody. What came of it: "
            f"python -m jobs experiment -c CATALOGUE --scene {scene} --name {name}",
            soft_wrap=True,
        )


def _with_experiment(session: Session, scene: str) -> tuple[ranker_pb2.Scene, str]:
    found, version = session.client.scene(scene)
    if not found.HasField("experiment"):
        raise InOwnWords(f"{scene} has no experiment; `visrec experiment start {scene} NAME …` begins one")
    return found, version
