"""What was learned of a scene, and what came of its variants, for people."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from jobs.compare_variants import CONTROL, Compared, Report
from jobs.discretion import told
from jobs.learn_weights import Outcome, Plan
from jobs.trial.checks import TOO_UNLIKELY
from jobs.trial.tally import CHOSEN, FIGURES


def weights(outcome: Outcome, plan: Plan) -> Iterator[RenderableType]:
    """Present and learned weights, by what they were judged, and what comes next."""
    title = (
        f"{outcome.scene}: {outcome.answers:,} answers to {told(outcome.people)} people, "
        f"{outcome.chosen:,} times something came of one"
    )
    table = Table("signal", "now", "learned", title=title)
    for signal, share in outcome.present.items():
        note = " (nothing to learn from)" if signal in outcome.silent else ""
        table.add_row(escape(signal + note), f"{share:.3f}", f"{outcome.learned[signal]:.3f}")
    yield table
    yield _examination(outcome)
    verdict = outcome.verdict
    yield (
        f"What {told(verdict.people)} people chose is worth {verdict.present:.4f} where present weights put it and "
        f"{verdict.other:.4f} where weights learned from others do: {verdict.other - verdict.present:+.4f} "
        f"(95 %: {verdict.low:+.4f} to {verdict.high:+.4f})."
    )
    yield _next_step(outcome, plan)


def _examination(outcome: Outcome) -> str:
    looked = outcome.examination
    how = (
        "as it is stated, for the data leave it open"
        if looked.error is None
        else f"as the data tell, with a standard error of {looked.error:.2f}"
    )
    return f"A place k is taken to be looked at by k^-{looked.eta:.2f} of those who see the first, {how}."


def _next_step(outcome: Outcome, plan: Plan) -> str:
    scene = escape(outcome.scene)
    if outcome.version and plan.experiment:
        return (
            f"{plan.share:.0%} of the people have the learned weights now ({outcome.version}). "
            f"See what comes of it by `python -m jobs experiment -c {escape(outcome.catalogue)} --scene {scene}`."
        )
    if outcome.version:
        return (
            f"The learned weights hold now ({outcome.version}). The way back is `visrec scene put {scene}` with those "
            f"of before, above, or `visrec scene delete {scene}` to what the service came with."
        )
    if outcome.verdict.is_better:
        return (
            "They are better, and nothing was put (--dry-run). Run it without --dry-run next, or with --experiment "
            "NAME to see with some of the people first."
        )
    return "Nothing was put: they are not better beyond the interval. More answers with outcomes make it narrower."


def experiment(report: Report) -> Iterator[RenderableType]:
    """The variants beside the control, whether they may be compared, and what comes next."""
    table = Table(
        "variant", "people", "answers", *(f"{figure}, for each answer" for figure in FIGURES), title=report.experiment
    )
    for each in report.variants:
        table.add_row(
            escape(each.name), told(each.people), f"{each.answers:,}", *(_cell(each, name) for name in FIGURES)
        )
    yield table
    yield from _notes(report)
    alarms = report.against_itself
    low, high = (max(0.0, bound) for bound in alarms.bounds)
    so = "as it should be" if alarms.is_nominal else "which it should not: do not trust the intervals"
    yield (
        f"The same people drawn anew at random {alarms.draws:,} times differ in {alarms.rate:.1%} "
        f"({low:.1%} to {high:.1%} are to be expected), {so}."
    )
    yield _verdict(report)


def _cell(each: Compared, figure: str) -> str:
    found = f"{each.ratios[figure].value:.4f}"
    if figure not in each.differences:
        return found
    apart = each.differences[figure]
    return f"{found}  {apart.value:+.4f} ({apart.low:+.4f} to {apart.high:+.4f})"


def _notes(report: Report) -> Iterator[str]:
    if report.scarce:
        yield f"Too few people to tell: {escape(', '.join(report.scarce))}."
    if report.changed:
        yield f"Left out, for they had more than one variant since shares were changed: {told(report.changed)} people."
    if report.sample_ratio is None:
        yield "The scene does not have this experiment any more, so how large the groups should be is not known."
    elif report.sample_ratio < TOO_UNLIKELY:
        yield (
            f"The groups are not as large as their shares (p = {report.sample_ratio:.2g}): people are lost in one of "
            "them, and what is compared is not alike."
        )
    else:
        yield f"The groups are as large as their shares (p = {report.sample_ratio:.2f})."


def _verdict(report: Report) -> str:
    if report.sample_ratio is not None and report.sample_ratio < TOO_UNLIKELY:
        return "Find out why before anything is concluded: are impressions of one variant not recorded?"
    others = {each.name: each.differences[CHOSEN] for each in report.variants if each.name != CONTROL}
    better = [name for name, found in others.items() if found.is_beyond_chance and found.value > 0]
    worse = [name for name, found in others.items() if found.is_beyond_chance and found.value < 0]
    # Of one that has ended nothing is to be decided: whose weights hold now is not told by it.
    stop = f" Next: `visrec experiment stop {escape(report.scene)}" if report.sample_ratio is not None else ""
    if better:
        keep = f"{stop} --keep VARIANT`." if stop else ""
        return f"Better than {CONTROL}, beyond chance: {escape(', '.join(better))}.{keep}"
    if worse and len(worse) == len(others):
        drop = f"{stop}`." if stop else ""
        return f"Worse than {CONTROL}, beyond chance: {escape(', '.join(worse))}.{drop}"
    return "Nothing is better beyond chance yet. Decide beforehand how long it runs: who looks until it is will see it."
