"""What a job found, for people."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from jobs.calibrate import Fitted
from jobs.collaborative.outcome import Outcome as Collaborative
from jobs.curves import DECADES
from jobs.discretion import told
from jobs.learn_head import Outcome
from jobs.rebuild import Rebuilt
from jobs.segment_people import Report
from jobs.segmenting import Rules

SHOWN_TRIES = 5


def segments(report: Report, rules: Rules) -> Iterator[RenderableType]:
    """The segments, what was tried, and what became of them."""
    table = Table("segment", "people", "what they have in common", "typical items", "interests")
    for each in report.found.segments:
        words, typical = escape(each.portrait.description), escape(", ".join(each.portrait.typical[:3]))
        table.add_row(each.name, f"{each.people:,}", words, typical, str(len(each.interests)))
    yield table
    choice = report.found.choice
    tried = ", ".join(f"{each.k}: {each.silhouette:.3f}" for each in choice.tried[:SHOWN_TRIES])
    yield f"Silhouette by number of groups, best first: {tried}; of noise {choice.by_chance:.3f}."
    of_all = f", of {told(report.people)}" if report.looked_at < report.people else ""
    yield (
        f"{told(report.looked_at)} people{of_all}; {told(report.found.nobodys)} in groups of fewer than "
        f"{rules.min_people}, which are nobody's."
    )
    yield _ending(report)


def _ending(report: Report) -> str:
    if report.put is None:
        return "Nothing was put (--dry-run)."
    if dropped := len(report.found.segments) - report.put:
        return f"{report.put} segments are in place; the service dropped {dropped} of too few people."
    return f"{report.put} segments are in place."


def rebuilt(done: Rebuilt, catalogue: str, space: str) -> RenderableType:
    """The sums."""
    table = Table("catalogue", "space", "people with events", "tastes kept", "events lost")
    counts = (f"{count:,}" for count in (done.people, done.rebuilt, done.lost_events))
    table.add_row(escape(catalogue), escape(space) or "the present one", *counts)
    return table


def calibrated(found: Fitted, version: str) -> RenderableType:
    """How alike two items taken by chance are, and how alike one pair in a thousand is."""
    title = f"{version}, of {found.items:,} items in {escape(found.space)}"
    table = Table("block", "median likeness", "one pair in 1,000 is above", title=title)
    for block, curve in found.curves.items():
        places = np.interp([0.0, math.log10(500) / DECADES], curve.to, curve.at)
        table.add_row(escape(block), *(f"{place:.3f}" for place in places))
    return table


def head(outcome: Outcome, catalogue: str) -> Iterator[RenderableType]:
    """What was found with the present space and with the learned head, and what comes next."""
    setting = outcome.learned.setting
    title = (
        f"{outcome.items:,} items in {outcome.groups:,} groups; kind: {len(outcome.learned.kind.matrix)} directions of "
        f"weight {setting.weight:g}, shrunk by {setting.shrink:g}"
    )
    table = Table("held-out items", "precision@10 now", "learned", "gain, 95 %", "fidelity now", "learned", title=title)
    rows = {
        "as searches weigh blocks": outcome.verdict,
        "by content and kind alone": outcome.features,
        "… in other domains": outcome.across,
    }
    for name, found in rows.items():
        if found is None:
            continue
        gain = f"{found.new_precision - found.old_precision:+.3f} ({found.low:+.3f} to {found.high:+.3f})"
        shares = (found.old_precision, found.new_precision, found.old_fidelity, found.new_fidelity)
        old, new, faithful, kept = (f"{share:.3f}" for share in shares)
        of = f" of {found.things:,} things" if found.things < found.queries else ""
        table.add_row(f"{name}: {found.queries:,}{of}", old, new, gain, faithful, kept)
    yield table
    yield _next_step(outcome, catalogue)


def _next_step(outcome: Outcome, catalogue: str) -> str:
    if outcome.space:
        return (
            f"{escape(catalogue)} is searched in {outcome.space} now; the way back is SetAlias to {outcome.old_space}, "
            "which is kept. Curves belong to a space: if the ranker reads any, run `python -m jobs calibrate` next."
        )
    if not outcome.verdict.passes:
        return f"Nothing was moved: {outcome.verdict.why_not}."
    return "It passes, and nothing was put (--dry-run). Run it without --dry-run next."


def collaborative(outcome: Collaborative, catalogue: str) -> Iterator[RenderableType]:
    """What was read, what was put, and the way back."""
    table = Table("acts read", "items placed", "new items placed by looks", "items gone meanwhile", "people placed")
    put = (outcome.acts, outcome.items.put, outcome.cold.put, outcome.items.gone + outcome.cold.gone)
    table.add_row(*(f"{count:,}" for count in put), told(outcome.people.put))
    yield table
    yield (
        f"Looks explain {outcome.explained:.0%} of what held-out items' rows differ by."
        if outcome.explained is not None
        else "Looks tell nothing of what people do together, or too few items have both: new items have no rows."
    )
    if outcome.went_on:
        yield "It went on with what an earlier run had learned and did not end; the next one learns anew."
    back = f"; the way back is SetAlias to {outcome.previous}" if outcome.previous else ""
    yield f"{escape(catalogue)} is searched in {outcome.space}, too{back}."
