"""The table of train/README.md: `make bench-train`, or `python -m train.bench` where torch is installed.

Learns from clothing's labels and from what simulated shoppers choose of its gallery, as the command does with its
defaults, and asks with the `query` photos, that nothing is learned or chosen by: int8 and fp32 as they are served,
beside a head alone and a head on top. Ends with exit code 1 when a gain is not beyond its interval or fidelity is below
the gate's. CLOTHING names the folder; without it, data/clothing is looked for here and in the folders beside the
project.

With `--choose` nothing is asked with `query` photos: the settings of the loop are tried by folds of the gallery, and
the table says which are best.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, get_args

import typer
from rich.console import Console

from bench.fleet import ROOT
from bench.quality import report
from bench.quality.folders import folder_of
from bench.quality.shops import TABLE
from train.bench.lists import Kind, Lists
from train.photos import WrongList
from train.terminal import told, with_torch

FOLDER = ROOT / "var" / "eval" / "training"
EXIT_MISSED = 1

app = typer.Typer(add_completion=False, rich_markup_mode="markdown")
answers = Console(width=None if sys.stdout.isatty() else 100)


@app.command(help=__doc__)
def bench(
    *,
    clothing: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Its photos and items.csv.")] = None,
    only: Annotated[Kind | None, typer.Option(help="Learn from these alone.")] = None,
    choose: Annotated[bool, typer.Option("--choose", help="Try settings, and ask with no query photo.")] = False,
    rounds: Annotated[int, typer.Option(min=0, help="At most; none learns nothing, and misses.")] = 20,
    stages: Annotated[int, typer.Option(min=1, max=2, help="How many of the last stages learn.")] = 1,
    threads: Annotated[int, typer.Option(min=1, help="Of the processor.")] = 1,
) -> None:
    """See the module."""
    notes = Console(stderr=True, soft_wrap=True, highlight=False)
    with_torch(threads, notes)
    from train.bench.running import Run
    from train.fine_tuning import Plan
    from train.told import trials_of
    from train.tuning import Recipe

    with told(notes) as on_phase:
        lists = _lists(clothing or folder_of("clothing"))
        run = Run(lists, Plan("lite0", FOLDER / "unnamed.json", stages, recipe=Recipe(rounds=rounds)), on_phase)
        kinds = [kind for kind in get_args(Kind) if only in (None, kind)]
        trials = [trials_of(run.trials(kind), kind) for kind in kinds] if choose else []
        sections = [] if choose else run.sections(kinds)
    for table in (*trials, *map(report.table, sections)):
        answers.print(table)
    for command in lists.commands():
        answers.print(command, soft_wrap=True, highlight=False)
    good = all(figure.good for section in sections for figure in section.figures)
    raise typer.Exit(0 if good else EXIT_MISSED)


def _lists(clothing: Path) -> Lists:
    if not (clothing / TABLE).is_file():
        raise WrongList(
            f"there are no photos to measure with: no {TABLE} in {clothing} (name its folder by CLOTHING=…)"
        )
    return Lists.of(clothing, FOLDER)


if __name__ == "__main__":
    sys.exit(app())
