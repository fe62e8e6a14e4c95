"""The commands about spaces: learning a head, and factors of what people do together."""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.console import Console

from jobs import tables
from jobs.head.reading import OWN_FIELDS, is_label
from jobs.learn_head import HeadJob, Plan, Source
from jobs.pages import Patience
from jobs.terminal import EXIT_NOTHING, CatalogueOption, PatienceOption, phases, progress_on, run
from visrec.connection import Connection


def head(
    catalogue: CatalogueOption,
    *,
    source: Annotated[
        Source, typer.Option("--from", help="What tells which items belong together: their labels, or people's acts.")
    ] = Source.LABELS,
    label: Annotated[
        str, typer.Option(metavar="FIELD", help="Which labels: category, domain, tags, or attributes.NAME.")
    ] = "category",
    held_out: Annotated[
        float, typer.Option(min=0.01, max=0.5, help="Share of the items that nothing is fitted to, to judge by.")
    ] = 0.1,
    most_people: Annotated[
        int, typer.Option("--most-people", min=20, help="People whose acts are read, with --from people.")
    ] = 100_000,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Learn and judge, and put nothing.")] = False,
    patience: PatienceOption = 60.0,
) -> None:
    """Learn from a catalogue which items belong together, and search it by that if it finds more.

    Needs raw features: VISREC_INDEXER_KEEP_RAW_FEATURES, when items are ingested. Fits what photos differ by, and a
    small block of its own for what tells labels apart, or what people engage with. Judged on items that nothing was
    fitted to, by precision@10 and by how many of the nearest of the same kind stay the same. Only a better space is
    put, filled, judged once more as it is served, and searched from then on.

    ```
    python -m jobs head -c shop --dry-run
    python -m jobs head -c shop --from people
    ```
    """
    if not is_label(label):
        raise typer.BadParameter(f"{label!r}: give {', '.join(OWN_FIELDS)} or attributes.NAME", param_hint="--label")
    exit_code = 0

    def work(connection: Connection, out: Console, notes: Console) -> None:
        nonlocal exit_code
        plan = Plan(source, label, held_out, most_people)
        job = HeadJob(connection, catalogue, Patience(patience, time.sleep, time.monotonic), plan)
        with progress_on(notes) as progress:
            outcome = job.run(phases(progress), put=not dry_run)
        for piece in tables.head(outcome, catalogue):
            out.print(piece)
        exit_code = 0 if outcome.verdict.passes else EXIT_NOTHING

    run(work)
    raise typer.Exit(exit_code)


def collaborative(
    catalogue: CatalogueOption,
    *,
    factors: Annotated[int, typer.Option(min=1, max=512, help="How many numbers tell of an item.")] = 64,
    most_people: Annotated[
        int, typer.Option("--most-people", min=20, help="People whose acts are read; others are folded in.")
    ] = 1_000_000,
    seed: Annotated[int, typer.Option(help="Of all chance. The same acts and seed make the same factors.")] = 1,
    patience: PatienceOption = 60.0,
) -> None:
    """Learn from what people do together, so that they are recommended what those like who did alike.

    Reads acts of everybody who consents to personalisation, learns factors of items and people, and writes them beside
    what there is: a row of every item, of new ones by how they look, and where every person is. Then the alias
    `collaborative` moves, and the ranker searches there, too. Who comes later is folded in from what they do.

    ```
    python -m jobs collaborative -c shop
    ```
    """

    def work(connection: Connection, out: Console, notes: Console) -> None:
        from jobs.collaborative.factors import Recipe  # scipy takes a second that other jobs need not wait
        from jobs.learn_collaborative import CollaborativeJob

        recipe = Recipe(factors=factors, seed=seed)
        patient = Patience(patience, time.sleep, time.monotonic)
        with progress_on(notes) as progress:
            outcome = CollaborativeJob(connection, catalogue, patient, recipe, most_people).run(phases(progress))
        for piece in tables.collaborative(outcome, catalogue):
            out.print(piece)

    run(work)
