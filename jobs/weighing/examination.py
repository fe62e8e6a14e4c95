"""Examination: how likely somebody is to look at a place, which is not how much they like what stands there.

The click model is the position-based one (Richardson, Dominowska and Ragno, WWW 2007): a place is chosen when it is
looked at and when what stands there is wanted,

    P(chosen | values x, rank k) = k^-eta * sigma(a + b x + c m)

Looking depends on the rank alone, by a power law (as Joachims, Swaminathan and Schnabel, WSDM 2017, assume it), and
wanting on the values: `a` and `b` by which signals were in use, for a likeness to a photo is another thing where there
is none, and `m`, the mean values of the whole answer, since answers differ in how well anything fits (Mundlak,
Econometrica 1978); without it whatever is first in a good answer seems to be looked at more. All are found together by
maximum likelihood (Fisher scoring; the likelihood of regression-EM, Wang et al., WSDM 2018, with one parameter for all
ranks). What identifies `eta` is that items of like values in like answers stand in different ranks: since others stood
beside them, or since an experiment drew other weights. Where the data leave it open, by its standard error or by
few outcomes, what is stated holds: eta = 1.

What is assumed, then: that nothing but these values tells both where an item stood and whether it was wanted; that
nobody looks at a place because of what stands in others; and that the first place is always looked at.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jobs.weighing.lists import Float64, Ints, Lists

STATED = 1.0
"""eta where nothing is known: the second place is looked at half as often as the first."""
LOOSE = 0.15
"""A standard error above which the data are said to leave it open."""
MOST = 3.0
LEAST_EXAMINED = 0.05
"""A place is taken to be looked at by so many at least: one outcome far below would else outweigh a hundred above."""

FEWEST = 200
"""Outcomes of which a standard error says something."""
LEAST_SHARE = 0.05
"""Of all places: a set of signals that was in use less often has no coefficients of its own."""
NO_SPREAD = 1e-9

STEPS, HALVINGS = 100, 30
CLOSE_ENOUGH = 1e-9
RIDGE = 1e-6


@dataclass(frozen=True)
class Examination:
    """`eta`: see above, 0: no place is looked at less than another. `error`: its standard error; None: it is stated,
    not estimated."""

    eta: float = STATED
    error: float | None = None

    def of(self, ranks: Ints) -> Float64:
        """Of ranks from 1, how likely each is looked at, LEAST_EXAMINED to 1."""
        return np.maximum(ranks.astype(np.float64) ** -self.eta, LEAST_EXAMINED)


def estimated(lists: Lists) -> Examination:
    """From what was chosen where."""
    if lists.chosen.sum() < FEWEST or lists.chosen.all() or len(np.unique(lists.ranks)) < 2:
        return Examination()
    eta, error = _fitted(_wanting(lists), np.log(lists.ranks), lists.chosen.astype(np.float64))
    return Examination(min(max(eta, 0.0), MOST), error) if error <= LOOSE else Examination()


def _wanting(lists: Lists) -> Float64:
    """(n, c) what wanting may depend on: for each set of signals that was in use often, 1 and their values; and what
    an answer says of its items on average."""
    values, answers = lists.values, len(lists.person)
    sizes = np.bincount(lists.answer, minlength=answers)
    sums = [np.bincount(lists.answer, column, answers) for column in values.T]
    in_use = np.array([np.bincount(lists.answer, column != 0, answers) > 0 for column in values.T]).T
    _, which, counts = np.unique(in_use[lists.answer], axis=0, return_inverse=True, return_counts=True)
    which = which.ravel()
    often = np.flatnonzero(counts >= LEAST_SHARE * len(which))
    sets = [which == number for number in often] + [~np.isin(which, often)]
    columns = [those[:, None] * values for those in sets] + [np.array(sets).T, (np.array(sums) / sizes).T[lists.answer]]
    table = np.concatenate(columns, axis=1, dtype=np.float64)
    table = table[:, table.std(axis=0) > NO_SPREAD]
    return np.column_stack([np.ones(len(table)), (table - table.mean(axis=0)) / table.std(axis=0)])


def _fitted(x: Float64, log_rank: Float64, y: Float64) -> tuple[float, float]:
    """eta and its standard error."""
    at = np.zeros(x.shape[1] + 1)
    rate = float(y.mean())
    at[0] = np.log(rate / (1 - rate))
    best = _likelihood(at, x, log_rank, y)
    for _ in range(STEPS):
        score, information = _slope(at, x, log_rank, y)
        step = np.linalg.solve(information + RIDGE * np.eye(len(at)), score)
        for _ in range(HALVINGS):
            found = _likelihood(at + step, x, log_rank, y)
            if found >= best:
                break
            step /= 2
        else:
            break
        at, gained, best = at + step, found - best, found
        if gained < CLOSE_ENOUGH * abs(best):
            break
    _, information = _slope(at, x, log_rank, y)
    # Never singular: the information is a sum of squares, and the ridge makes every eigenvalue RIDGE at least.
    return float(at[-1]), float(np.sqrt(np.linalg.inv(information + RIDGE * np.eye(len(at)))[-1, -1]))


def _chances(at: Float64, x: Float64, log_rank: Float64) -> tuple[Float64, Float64]:
    """Of being looked at and of being wanted. Below no rank does eta go: a chance is at most 1."""
    looked = np.exp(-np.maximum(at[-1], 0.0) * log_rank)
    wanted = 1 / (1 + np.exp(-np.clip(x @ at[:-1], -30, 30)))
    return looked, wanted


def _likelihood(at: Float64, x: Float64, log_rank: Float64, y: Float64) -> float:
    looked, wanted = _chances(at, x, log_rank)
    chance = np.clip(looked * wanted, 1e-12, 1 - 1e-12)
    return float((y * np.log(chance) + (1 - y) * np.log1p(-chance)).sum())


def _slope(at: Float64, x: Float64, log_rank: Float64, y: Float64) -> tuple[Float64, Float64]:
    """The gradient and Fisher's information."""
    looked, wanted = _chances(at, x, log_rank)
    chance = np.clip(looked * wanted, 1e-12, 1 - 1e-12)
    moved = np.column_stack([(chance * (1 - wanted))[:, None] * x, -log_rank * chance])
    variance = chance * (1 - chance)
    score: Float64 = moved.T @ ((y - chance) / variance)
    information: Float64 = moved.T @ (moved / variance[:, None])
    return score, information
