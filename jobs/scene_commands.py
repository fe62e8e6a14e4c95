"""The commands about scenes: learning their weights, and comparing their variants."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console

from jobs import scene_tables
from jobs.compare_variants import CompareJob
from jobs.feedback.joining import OUTCOMES
from jobs.feedback.reading import Feedback
from jobs.learn_weights import Plan, WeightsJob
from jobs.pages import Patience
from jobs.scene_keeper import SceneKeeper
from jobs.terminal import EXIT_NOTHING, CatalogueOption, PatienceOption, phases, progress_on, run
from visrec.connection import Connection

SceneOption = Annotated[str, typer.Option("--scene", "-s", metavar="NAME", help="Which scene.")]
DaysOption = Annotated[float, typer.Option(min=0.1, help="Of how many days, back from now.")]
WindowOption = Annotated[
    float, typer.Option(min=0.01, metavar="HOURS", help="After how long nothing comes of a showing any more.")
]
NewestOption = Annotated[
    float | None,
    typer.Option(
        min=0,
        metavar="HOURS",
        help="Leave out what was shown in the last so many, of which something may still come. Left out: the window.",
    ),
]
SeedOption = Annotated[int, typer.Option(help="Of all chance.")]
_PLAN = Plan()

EXPERIMENT = re.compile(r"[a-z0-9_-]{1,32}")
"""What the ranker takes for a name of one, asked here before anything is learned."""


def weights(
    catalogue: CatalogueOption,
    *,
    scene: SceneOption = "balanced",
    days: DaysOption = 60.0,
    window: WindowOption = 24.0,
    newest: NewestOption = None,
    outcomes: Annotated[str, typer.Option(metavar="KINDS", help="What counts, with commas between.")] = ",".join(
        OUTCOMES
    ),
    folds: Annotated[
        int, typer.Option(min=2, max=20, help="Parts of the people; each judges what was learned from the others.")
    ] = _PLAN.folds,
    examined: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=3,
            metavar="ETA",
            help="Learn as if a place k were looked at by k^-ETA. Left out: found in the data, else 0.5.",
        ),
    ] = None,
    experiment: Annotated[
        str, typer.Option(metavar="NAME", help="Put what was learned for some of the people, as an experiment.")
    ] = "",
    share: Annotated[float, typer.Option(min=0.01, max=1, help="Of the people who have it then.")] = _PLAN.share,
    most_people: Annotated[int, typer.Option(min=20, help="Of more, a sample.")] = _PLAN.most_people,
    seed: SeedOption = _PLAN.seed,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Learn and judge, and put nothing.")] = False,
    patience: PatienceOption = 60.0,
) -> None:
    """Learn how much each signal of a scene should weigh, and put it if that is better for other people.

    Reads what people who consent were shown (Recommend with `record_impressions`) and what they did with it, under
    pseudonyms of this run. What stands further down is looked at less, which is found in the data and made up for. Only
    weights under which what others chose would stand higher, beyond a bootstrap interval over people, are put; where
    the data leave open how much is looked at further down, they have to be better whatever it is, or are for an
    experiment, for which it is enough that they seem better. Of a signal that weighs nothing now nothing is learned.

    ```
    python -m jobs weights -c shop --scene shop --dry-run
    python -m jobs weights -c shop --scene shop --experiment spring --share 0.5
    ```
    """
    exit_code = 0
    plan = Plan(
        _kinds(outcomes),
        folds,
        eta=examined,
        seed=seed,
        experiment=_name(experiment),
        share=share,
        most_people=most_people,
        dry_run=dry_run,
    )

    def work(connection: Connection, out: Console, notes: Console) -> None:
        nonlocal exit_code
        feedback = _feedback(connection, catalogue, patience, days, window=window, newest=newest)
        job = WeightsJob(feedback, SceneKeeper(connection, scene), plan)
        with progress_on(notes) as progress:
            outcome = job.run(phases(progress))
        # Before they are put: who is refused then, for somebody has changed the weights meanwhile, has them to read.
        for piece in scene_tables.weights(outcome):
            out.print(piece)
        version = job.put(outcome) if outcome.may_be_put(plan) and not dry_run else ""
        out.print(scene_tables.next_step(outcome, plan, version))
        exit_code = 0 if outcome.may_be_put(plan) else EXIT_NOTHING

    run(work)
    raise typer.Exit(exit_code)


def experiment(
    catalogue: CatalogueOption,
    *,
    scene: SceneOption = "balanced",
    name: Annotated[str, typer.Option(help="Of the experiment. Left out: the one that the scene has now.")] = "",
    days: DaysOption = 60.0,
    window: WindowOption = 24.0,
    newest: NewestOption = None,
    seed: SeedOption = 1,
    patience: PatienceOption = 60.0,
) -> None:
    """Compare the variants of an experiment: what came of the answers of each, with intervals.

    Reads what people who consent were shown and did, under pseudonyms of this run; nothing is put. Each person counts
    as one, since the answers of a person are not independent of each other. Says also whether the groups are as large
    as they should be, and how often the same people drawn anew, and treated alike, would seem to differ.

    ```
    python -m jobs experiment -c shop --scene shop
    ```
    """

    def work(connection: Connection, out: Console, notes: Console) -> None:
        feedback = _feedback(connection, catalogue, patience, days, window=window, newest=newest)
        job = CompareJob(feedback, SceneKeeper(connection, scene), name, seed)
        with progress_on(notes) as progress:
            report = job.run(phases(progress))
        for piece in scene_tables.experiment(report):
            out.print(piece)

    run(work)


def _feedback(
    connection: Connection, catalogue: str, patience: float, days: float, *, window: float, newest: float | None
) -> Feedback:
    now = datetime.now(UTC)
    until = now - timedelta(hours=window if newest is None else newest)
    since = now - timedelta(days=days)
    return Feedback(connection, catalogue, Patience(patience, time.sleep, time.monotonic), since, window, until)


def _name(experiment: str) -> str:
    if experiment and not EXPERIMENT.fullmatch(experiment):
        raise typer.BadParameter("must be 1 to 32 letters of a-z, 0-9, _ and -", param_hint="--experiment")
    return experiment


def _kinds(outcomes: str) -> frozenset[str]:
    kinds = frozenset(filter(None, (kind.strip() for kind in outcomes.split(","))))
    if not kinds or not kinds <= set(OUTCOMES):
        raise typer.BadParameter(f"must be some of {', '.join(OUTCOMES)}", param_hint="--outcomes")
    return kinds
