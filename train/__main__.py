"""The command line: `python -m train PHOTOS LIST --out NAME.json`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from train import keeping
from train.photos import Columns, Photos, WrongList
from train.terminal import EXIT_NOTHING, told, with_torch

if TYPE_CHECKING:
    from train.fine_tuning import Outcome

app = typer.Typer(add_completion=False, rich_markup_mode="markdown")


@app.command()
def fine_tune(
    folder: Annotated[Path, typer.Argument(metavar="PHOTOS", exists=True, file_okay=False, help="Folder of photos.")],
    listed: Annotated[
        Path,
        typer.Argument(metavar="LIST", exists=True, dir_okay=False, help="CSV file: a line for a photo and group."),
    ],
    *,
    out: Annotated[Path, typer.Option(metavar="NAME.json", help="The model to write; its weights go beside it.")],
    photo: Annotated[str, typer.Option(metavar="COLUMN", help="Paths of photos, below the folder.")] = "photo",
    group: Annotated[str, typer.Option(metavar="COLUMN", help="What they are, or who engaged with them.")] = "label",
    item: Annotated[str, typer.Option(metavar="COLUMN", help="Photos of one item are never compared.")] = "",
    people: Annotated[
        bool, typer.Option("--people", help="Groups are what one person engaged with: a photo may be in many.")
    ] = False,
    judge: Annotated[
        str, typer.Option(metavar="COLUMN=VALUE", help="Judge by these photos, instead of some of each.")
    ] = "",
    held_out: Annotated[float, typer.Option(min=0.05, max=0.5, help="Share of items to judge by.")] = 0.2,
    model: Annotated[str, typer.Option(help="What to begin with: lite0, lite2, or a manifest.")] = "lite0",
    stages: Annotated[int, typer.Option(min=1, max=2, help="How many of the last stages learn.")] = 1,
    rounds: Annotated[int, typer.Option(min=1, max=200, help="At most; it ends when nothing gets better.")] = 20,
    kept: Annotated[float, typer.Option(min=0, help="How much it counts that likeness within groups stays.")] = 3.0,
    rate: Annotated[float, typer.Option(min=1e-6, max=0.1, help="Step of the optimiser.")] = 4e-4,
    temperature: Annotated[
        float, typer.Option(min=0.01, max=1, help="The lower, the more the nearest of other groups are pushed away.")
    ] = 0.1,
    batch: Annotated[int, typer.Option(min=2, max=256, help="Groups in a batch, of 8 photos each.")] = 8,
    choose: Annotated[
        bool, typer.Option("--choose", help="Choose these four anew, by folds of what is learned from: much longer.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of all chance.")] = 1,
    threads: Annotated[int, typer.Option(min=1, help="Of the processor.")] = 1,
    most_photos: Annotated[
        int, typer.Option(min=64, help="Photos that are taken; 19 or 44 KB of disk each.")
    ] = 100_000,
    onnx: Annotated[bool, typer.Option("--onnx", help="Write the graph, too, in fp32 and int8.")] = False,
) -> None:
    """Teach the network's last stage what belongs together, and keep it if it finds more.

    Learns from labels, or from what people engage with, by back-propagation. Whatever comes before the last stage stays
    as it is, so a photo goes through it once. Judged on photos that nothing was learned from, as the embedder serves
    them in int8, by precision@10 and by how many of the nearest of the same kind stay the same. Nothing is written
    before the end, and nothing that does not pass: it may be stopped at any time. What passes is a model of its own:

    ```
    python -m train photos/ labels.csv --out shop.json
    python -m train photos/ clicks.csv --group person --people --out shop.json
    VISREC_EMBEDDER_MODEL=shop.json python -m services all
    ```
    """
    notes = Console(stderr=True, soft_wrap=True, highlight=False)
    with_torch(threads, notes)
    from train.fine_tuning import FineTuning, Plan, asked_by_chance
    from train.tuning import Recipe

    recipe = Recipe(rounds=rounds, groups=batch, rate=rate, kept=kept, temperature=temperature, seed=seed)
    column, _, value = judge.partition("=")
    columns = Columns(photo, group, item, people, (column, value))
    with told(notes) as on_phase:
        _check_out(out)
        photos = Photos.read(folder, listed, columns, most_photos)
        asked = photos.marked if judge else asked_by_chance(photos, held_out)
        outcome = FineTuning(photos, asked, Plan(model, out, stages, onnx, choose, recipe)).run(on_phase)
    _tell(outcome)
    raise typer.Exit(0 if outcome.comparison.passes else EXIT_NOTHING)


def _tell(outcome: Outcome) -> None:
    from train.told import lines, rounds_of, trials_of, verdict

    answers, trials = Console(), outcome.draft.trials
    for piece in (*([trials_of(trials)] if trials else []), rounds_of(outcome), verdict(outcome), *lines(outcome)):
        answers.print(piece, highlight=False, soft_wrap=isinstance(piece, str))


def _check_out(out: Path) -> None:
    if out.suffix != ".json" or out.is_dir() or not out.parent.is_dir():
        raise WrongList(f"--out {out} must be a file NAME.json in a folder that exists")
    keeping.check(out)


if __name__ == "__main__":
    sys.exit(app())
