"""What was learned of a scene, and what came of its variants, for people."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from jobs.compare_variants import CONTROL, Compared, Report
from jobs.discretion import LEAST_PEOPLE, told
from jobs.learn_weights import Outcome, Plan
from jobs.trial.checks import TOO_UNLIKELY
from jobs.trial.tally import CHOSEN, FIGURES
from jobs.weighing.judging import Verdict


def weights(outcome: Outcome) -> Iterator[RenderableType]:
    """Present and learned weights, and by what they were judged."""
    sampled = f" (a sample of {told(outcome.met)})" if outcome.met > outcome.people else ""
    title = (
        f"{outcome.scene.name}: {outcome.answers:,} answers to {told(outcome.people)} people{sampled}, "
        f"{outcome.chosen:,} times something came of one"
    )
    table = Table("signal", "now", "learned", title=title)
    for signal, share in outcome.present.items():
        note = " (nothing to learn from)" if signal in outcome.learned.silent else ""
        table.add_row(escape(signal + note), f"{share:.3f}", f"{outcome.learned.weights[signal]:.3f}")
    yield table
    yield _examination(outcome)
    verdict = outcome.verdicts.found
    yield (
        f"What {told(verdict.people)} people chose is worth {verdict.present:.4f} where present weights put it and "
        f"{verdict.other:.4f} where weights learned from others do: {_gain(verdict)}."
    )
    yield from (
        f"If a place k is looked at by k^-{looked.eta:.2f}: {_gain(judged)}."
        for looked, judged in zip(
            outcome.examination.bounds, (outcome.verdicts.least, outcome.verdicts.most), strict=True
        )
        if looked.eta != outcome.examination.eta
    )


def _gain(verdict: Verdict) -> str:
    return f"{verdict.other - verdict.present:+.4f} (95 %: {verdict.low:+.4f} to {verdict.high:+.4f})"


def _examination(outcome: Outcome) -> str:
    looked = outcome.examination
    least, most = (each.eta for each in looked.bounds)
    how = (
        f"as it is stated, for it may be anything from {least:.2f} to {most:.2f}"
        if looked.error is None
        else f"as the data tell, with a standard error of {looked.error:.2f}"
    )
    return f"A place k is taken to be looked at by k^-{looked.eta:.2f} of those who see the first, {how}."


def next_step(outcome: Outcome, plan: Plan, version: str) -> str:
    """What was put, as this version of the weights (empty: nothing), and what comes next."""
    scene = escape(outcome.scene.name)
    if version and plan.experiment:
        return (
            f"{plan.share:.0%} of the people have the learned weights now ({version}). "
            f"See what comes of it by `python -m jobs experiment -c {escape(outcome.catalogue)} --scene {scene}`."
        )
    if version:
        return (
            f"The learned weights hold now ({version}). The way back is `visrec scene put {scene}` with those "
            f"of before, above, or `visrec scene delete {scene}` to what the service came with."
        )
    found = outcome.verdicts.found
    if outcome.may_be_put(plan):
        be = "seem" if plan.experiment else "are"
        return (
            f"They {be} better, and nothing was put (--dry-run). Run it without --dry-run next, or with --experiment "
            "NAME to see with some of the people first."
        )
    if found.is_better:
        return (
            "Nothing was put: they are better or not, depending on how much is looked at further down, and that is not "
            "known well enough. More outcomes tell it; --experiment NAME asks some of the people instead."
        )
    if found.other > found.present:
        return (
            "Nothing was put: they are not better beyond the interval. More answers with outcomes make it narrower; "
            "--experiment NAME asks some of the people instead, and tells of items that were not shown, too."
        )
    return "Nothing was put: they are not better."


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
    yield from _against_itself(report)
    yield _verdict(report)


def _cell(each: Compared, figure: str) -> str:
    found = f"{each.ratios[figure].value:.4f}"
    if each.name == CONTROL:
        return found
    if figure not in each.differences:
        return f"{found}  (too few to compare)"
    apart = each.trusted(figure)
    if apart is None:
        return f"{found}  (not to be compared)"
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


def _against_itself(report: Report) -> Iterator[str]:
    checks = [(each.name, figure, each.checks[figure]) for each in report.others for figure in each.differences]
    for name, figure, check in checks:
        low, high = (max(0.0, bound) for bound in check.bounds)
        if check.is_nominal:
            so = "as it should be"
        elif check.is_too_often:
            so = "which is too often: its interval would be too narrow"
        else:
            so = "less than it should: the interval is wider than it need be"
        yield (
            f"{escape(name)}, {figure}: its people and those of {CONTROL}, drawn anew {check.draws:,} times, differ in "
            f"{check.rate:.1%} ({low:.1%} to {high:.1%} are to be expected), {so}."
        )


def _verdict(report: Report) -> str:
    if report.sample_ratio is not None and report.sample_ratio < TOO_UNLIKELY:
        return "Find out why before anything is concluded: are impressions of one variant not recorded?"
    others = {each.name: apart for each in report.others if (apart := each.trusted(CHOSEN))}
    if not others:
        return (
            f"Nothing can be concluded: too few chose anything ({LEAST_PEOPLE} people of each group would have to, if "
            "all were alike), or intervals would be too narrow. More people with outcomes mend both."
        )
    better = [name for name, found in others.items() if found.is_beyond_chance and found.value > 0]
    worse = [name for name, found in others.items() if found.is_beyond_chance and found.value < 0]
    # Of one that has ended nothing is to be decided: whose weights hold now is not told by it.
    stop = f" Next: `visrec experiment stop {escape(report.scene)}" if report.sample_ratio is not None else ""
    if better:
        keep = f"{stop} --keep VARIANT`." if stop else ""
        return f"Better than {CONTROL}, beyond chance: {escape(', '.join(better))}.{keep}"
    if worse and len(worse) == len(report.others):
        drop = f"{stop}`." if stop else ""
        return f"Worse than {CONTROL}, beyond chance: {escape(', '.join(worse))}.{drop}"
    return "Nothing is better beyond chance yet. Decide beforehand how long it runs: who looks until it is will see it."
