"""The command line: `python -m train PHOTOS LIST --out NAME.json`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from services.errors import VisrecError
from train.photos import Columns, Photos, WrongList

EXIT_WRONG, EXIT_NOTHING, EXIT_STOPPED = 2, 3, 130

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
    rate: Annotated[float, typer.Option(min=1e-6, max=0.1, help="Step of the optimiser.")] = 2e-4,
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
    try:
        import torch

        from train.fine_tuning import FineTuning, Plan, asked_by_chance
        from train.tuning import Recipe
    except ImportError as missing:
        notes.print("[bold red]error:[/] torch is missing: pip install '.\\[train]'")
        raise typer.Exit(EXIT_WRONG) from missing
    torch.set_num_threads(threads)
    recipe = Recipe(rounds=rounds, kept=kept, rate=rate, seed=seed)
    column, _, value = judge.partition("=")
    columns = Columns(photo, group, item, people, (column, value))
    try:
        _check_out(out)
        photos = Photos.read(folder, listed, columns, most_photos)
        asked = photos.marked if judge else asked_by_chance(photos, held_out)
        job = FineTuning(photos, asked, Plan(model, out, stages, onnx, recipe))
        with _progress(notes) as progress:
            outcome = job.run(lambda what, total: _phase(progress, what, total))
    except (WrongList, VisrecError) as wrong:
        notes.print(f"[bold red]error:[/] {escape(str(wrong))}")
        raise typer.Exit(EXIT_WRONG) from wrong
    except KeyboardInterrupt as stopped:
        notes.print("stopped; nothing was written")
        raise typer.Exit(EXIT_STOPPED) from stopped
    _tell(outcome)
    raise typer.Exit(0 if outcome.comparison.passes else EXIT_NOTHING)


def _tell(outcome: Outcome) -> None:
    from train.told import lines, rounds_of, verdict

    answers = Console()
    for piece in (rounds_of(outcome), verdict(outcome), *lines(outcome)):
        answers.print(piece, highlight=False, soft_wrap=isinstance(piece, str))


def _check_out(out: Path) -> None:
    if out.suffix != ".json" or not out.parent.is_dir():
        raise WrongList(f"--out {out} must be a file NAME.json in a folder that exists")


def _phase(progress: Progress, what: str, total: int) -> Callable[[int], None]:
    task = progress.add_task(what, total=total)
    return lambda more: progress.advance(task, more)


def _progress(notes: Console) -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=notes, transient=True)


if __name__ == "__main__":
    sys.exit(app())
