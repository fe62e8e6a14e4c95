"""The figures on a terminal of 80 columns, and in a file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.table import Table

from bench import machine
from bench.bar_chart import Bar, Group, sheet
from bench.quality.figure import Figure, Section

GOOD, MISSED = "#1f77b4", "#d62728"


def table(section: Section) -> Table:
    """Green is reached, red is missed, and what has no target has no colour."""
    found = Table(title=section.title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    found.add_column("", no_wrap=True)
    columns = list(dict.fromkeys(figure.how for figure in section.figures))
    for column in columns:
        found.add_column(column, justify="right", no_wrap=True)
    with_targets = any(figure.target for figure in section.figures)
    if with_targets:
        found.add_column("target", no_wrap=True)
    found.add_column("queries", justify="right")
    for what in dict.fromkeys(figure.what for figure in section.figures):
        row = {figure.how: figure for figure in section.figures if figure.what == what}
        targets = ["\n".join(figure.target for figure in row.values() if figure.target)] if with_targets else []
        cells = [_cell(row[column]) if column in row else "" for column in columns]
        found.add_row(what, *cells, *targets, str(max(figure.queries for figure in row.values())))
    return found


def save(sections: Sequence[Section], left_out: Sequence[str], path: Path) -> None:
    """Every figure, what is missing and why, and the machine."""
    figures = [{"section": section.title, **asdict(figure)} for section in sections for figure in section.figures]
    found = {"machine": machine.describe(), "figures": figures, "left_out": list(left_out)}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def drawn(sections: Sequence[Section]) -> str:
    """Every share as a bar, a group for each section and what was asked; targets as red lines. An SVG."""
    groups = dict[tuple[str, str], list[Bar]]()
    for section in sections:
        for figure in section.figures:
            if figure.unit == "share":
                groups.setdefault((section.title, figure.what), []).append(_bar(figure))
    return sheet([Group(f"{title}: {what}", bars, most=1.0) for (title, what), bars in groups.items()], columns=2)


def _bar(figure: Figure) -> Bar:
    return Bar(figure.how, max(figure.value, 0.0), GOOD if figure.good else MISSED, least=figure.least)


def _cell(figure: Figure) -> str:
    value = figure.shown(figure.value)
    return f"[{'green' if figure.good else 'red'}]{value}[/]" if figure.target else value
