"""A table of figures: what each row is about on the left, numbers on the right."""

from __future__ import annotations

from collections.abc import Iterable

from rich.box import SIMPLE_HEAD
from rich.table import Table


def grid(title: str, columns: Iterable[str]) -> Table:
    """An empty one. `columns`: the heads of the numbers; that of the rows' names has none."""
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table
