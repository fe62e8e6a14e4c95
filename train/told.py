"""What is printed at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table

from jobs.head.gate import LEAST_FIDELITY
from train.choosing import VALUES, Trial, best
from train.fine_tuning import Outcome


def rounds_of(outcome: Outcome) -> Table:
    """The state after each round, on the photos that it is chosen by."""
    table = Table(
        title="rounds, by photos that nothing was learned from and nothing is judged by", title_justify="left"
    )
    for heading in ("round", "precision@10", "fidelity", ""):
        table.add_column(heading, justify="right")
    for mark in outcome.draft.marks:
        kept = "kept" if mark.round == outcome.draft.chosen.round else ""
        table.add_row(str(mark.round), f"{mark.precision:.3f}", f"{mark.fidelity:.3f}", kept)
    return table


def trials_of(tried: Sequence[Trial], what: str = "what is learned from") -> Table:
    """Of settings, one or more: the best round of each."""
    table = Table(title=f"settings, by parts of {what} in turn", title_justify="left")
    for heading in (*VALUES, "round", "precision@10", "fidelity", ""):
        table.add_column(heading, justify="right")
    for trial in tried:
        settings = (f"{getattr(trial.recipe, name):g}" for name in VALUES)
        mark, chosen = trial.mark, "chosen" if trial is best(tried) else ""
        table.add_row(*settings, str(mark.round), f"{mark.precision:.3f}", f"{mark.fidelity:.3f}", chosen)
    return table


def verdict(outcome: Outcome) -> Table:
    """Old beside new, as they are served."""
    title = f"as served: {outcome.asked:,} photos asked, learned from {outcome.draft.learned_from:,}"
    table = Table(title=title, title_justify="left")
    for heading in ("", "before", "after", "gain, 95 %"):
        table.add_column(heading, justify="right" if heading else "left")
    for what, found in (("all blocks", outcome.comparison.whole), ("content", outcome.comparison.features)):
        gain = f"{found.low:+.3f} to {found.high:+.3f}"
        table.add_row(f"precision@10, {what}", f"{found.old_precision:.3f}", f"{found.new_precision:.3f}", gain)
    found = outcome.comparison.whole
    wanted = f"at least {LEAST_FIDELITY}"
    table.add_row("fidelity", f"{found.old_fidelity:.3f}", f"{found.new_fidelity:.3f}", wanted)
    return table


def lines(outcome: Outcome) -> Iterator[str]:
    """What became of it."""
    if not outcome.comparison.passes:
        yield f"Nothing was kept: {outcome.comparison.whole.why_not}."
        return
    yield f"{outcome.space} in {', '.join(str(path) for path in outcome.written)}"
    yield f"VISREC_EMBEDDER_MODEL={outcome.written[-1]} serves it: another space, for a catalogue ingested anew."
