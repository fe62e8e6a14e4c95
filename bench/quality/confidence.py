"""Whether answers across domains that say they are sure are better than those that do not.

*Confidence* is the ranker's (services/ranker/order/confidence.py): how much of the way from the ordinary to the perfect
the best item has gone. *AUC*: of two answers of different nDCG@10, how often the better one is the surer; 0.5 is
chance. It is the area under the ROC curve for gains that are not just right or wrong (Harrell et al., JAMA 247, 1982),
with the 95 % interval of a bootstrap over what is asked with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.quality.figure import Figure, Section
from bench.quality.question import K

RANKED = 100
"""Items of an answer that the ranker ranks."""
ROUNDING = 1e-6
LEAST = 2 * K
"""Items that have to be ranked."""
ENOUGH = 100
"""Answers by which their confidence can be judged."""
THIRDS = ("low", "mid", "high")
RESAMPLES, SEED = 2000, 1
CHANCE = 0.5

Scores = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Answers:
    """Of one kind: (queries,) how sure each is, and its nDCG@10. `tells`: AUC has to be above chance beyond the
    interval. `units`: (queries,) those of the same number were drawn together; None: each by itself."""

    what: str
    sure: Scores
    gains: Scores
    tells: bool = False
    units: NDArray[np.intp] | None = None

    @property
    def worth(self) -> list[Figure]:
        """nDCG@10 of the least sure third, the middle and the surest."""
        return self._thirds(self.gains)

    @property
    def levels(self) -> list[Figure]:
        """How sure each third is."""
        return self._thirds(self.sure)

    @property
    def order(self) -> list[Figure]:
        """The AUC and its interval."""
        low, high = interval(self.sure, self.gains, self.units)
        asked = len(self.gains)
        return [
            Figure(self.what, "AUC", concordance(self.sure, self.gains), asked),
            Figure(self.what, "from", low, asked, least=CHANCE if self.tells else None),
            Figure(self.what, "to", high, asked),
        ]

    def _thirds(self, values: Scores) -> list[Figure]:
        rows = np.array_split(np.argsort(self.sure, kind="stable"), len(THIRDS))
        means = (float(values[third].mean()) for third in rows)
        return [Figure(self.what, name, mean, len(values)) for name, mean in zip(THIRDS, means, strict=True)]


def confidences(scores: Scores) -> Scores:
    """(queries, targets) of at most 1 -> (queries,), 0 to 1; 0 where there is hardly a rest."""
    ranked = np.sort(scores, axis=1)[:, ::-1][:, :RANKED]
    if ranked.shape[1] < LEAST:
        return np.zeros(len(ranked))
    rest = ranked[:, K:].mean(axis=1)
    return np.asarray(np.clip((ranked[:, 0] - rest) / np.maximum(1 - rest, ROUNDING), 0, 1))


def concordance(sure: Scores, gains: Scores) -> float:
    """Of pairs of different gains, the share in which the higher gain is the surer; ties of sureness count half."""
    agree, told = _pairs(sure, gains)
    return float(agree.sum() / told.sum())


def interval(sure: Scores, gains: Scores, units: NDArray[np.intp] | None = None) -> tuple[float, float]:
    """Between which bounds it lies, with 95 % confidence."""
    agree, told = _pairs(sure, gains)
    which = np.arange(len(gains)) if units is None else np.unique(units, return_inverse=True)[1]
    many = int(which.max()) + 1
    times = np.random.default_rng(SEED).multinomial(many, np.full(many, 1 / many), size=RESAMPLES)[:, which]
    agreed, all_told = ((times @ each * times).sum(axis=1) for each in (agree, told))
    low, high = np.quantile(agreed / np.maximum(all_told, 1e-9), [0.025, 0.975])
    return float(low), float(high)


def sections(answers: Sequence[Answers]) -> list[Section]:
    """Of all kinds."""
    told = {
        "confidence across domains: nDCG@10 of thirds of answers, by how sure they are": [
            each.worth for each in answers
        ],
        "how sure these thirds are": [each.levels for each in answers],
        "of two answers, is the better the surer?": [each.order for each in answers],
    }
    return [Section(title, [figure for some in figures for figure in some]) for title, figures in told.items()]


def _pairs(sure: Scores, gains: Scores) -> tuple[Scores, Scores]:
    """(queries, queries): where the first has the higher gain, whether it is the surer (a half: as sure); and where it
    has."""
    told = gains[:, None] > gains
    agree = (sure[:, None] > sure) + 0.5 * (sure[:, None] == sure)
    return np.asarray(agree * told), told.astype(np.float64)
