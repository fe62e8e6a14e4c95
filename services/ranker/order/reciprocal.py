"""Reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009), weighted: for signals whose values cannot be
compared, only their orders.

    score(x) = sum over signals  W_s / (60 + rank_s(x))  +  sum over rules  amount_r(x) / 61

rank_s(x) is 1 + the number of candidates of which the signal says more; equals share a rank. So a score depends on
which other candidates there are. They are the same for every N, so the top N still is a prefix of the top N+1.

The signal's value is the one of the weighted sum. A rule is worth the first place of one signal at most: on the
scale of the other fusion it would drown them all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from services.ranker.order.fusion import Float64, Table
from services.ranker.ranking import Column
from services.ranker.scenes.scene import SIGNALS

K = 60.0
"""The constant of the paper."""

FIRST = 1.0 / (K + 1.0)
"""What a first place is worth."""


def reciprocal(table: Table, weights: Mapping[str, float]) -> Table:
    """The same candidates, scored by ranks. `weights`: signal to W_s, summing to 1.

    A signal has one part for each item. It stands at the query that says most for that item, so that it is known which
    interest or seed it was; for a photo, whose query is one, it has no block.
    """
    columns: list[Column] = []
    term_weights: list[Float64] = []
    values: list[Float64] = []
    for signal in SIGNALS:
        chosen = [at for at, column in enumerate(table.columns) if column.signal == signal]
        if not chosen:
            continue
        said = table.weights[chosen] * table.values[chosen]
        names, spoken = _by_query([table.columns[at].query for at in chosen], said)
        value = 1.0 / (K + ranks(said.sum(axis=0)))
        # Of each item only the query that says most.
        at_most = spoken.argmax(axis=0)
        mask = np.zeros(spoken.shape)
        mask[at_most, np.arange(said.shape[1])] = weights[signal]
        columns += [Column(signal, name) for name in names]
        term_weights.append(mask)
        values.append(np.broadcast_to(value, spoken.shape))
    for at, column in enumerate(table.columns):
        if column.signal not in SIGNALS:
            columns.append(column)
            term_weights.append(table.weights[at, None] * FIRST)
            values.append(table.values[at, None])
    if not columns:
        return table
    return Table(columns, np.concatenate(term_weights), np.concatenate(values))


def ranks(values: Float64) -> NDArray[np.intp]:
    """(n,) 1 + how many are greater."""
    ascending = np.sort(values)
    return 1 + len(values) - np.searchsorted(ascending, values, side="right")


def _by_query(queries: Sequence[str], said: Float64) -> tuple[list[str], Float64]:
    """The names of different queries, and what each says with all its blocks, (queries, n)."""
    starts = [at for at, name in enumerate(queries) if not at or name != queries[at - 1]]
    return [queries[at] for at in starts], np.add.reduceat(said, starts, axis=0)
