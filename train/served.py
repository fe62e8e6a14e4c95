"""Two models side by side, as the embedder serves them: what the gate decides by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from jobs.head.directions import Float16
from jobs.head.gate import Verdict, judge
from jobs.head.groups import Flags, Rows
from jobs.head.judging import Exam, unit
from jobs.head.sides import Side
from services.embedder.opening import Prepared
from train.photos import Photos


@dataclass(frozen=True)
class Comparison:
    """`whole`: by all blocks as they weigh by default, fidelity by those of features; the gate's. `features`: by these
    alone."""

    whole: Verdict
    features: Verdict

    @property
    def passes(self) -> bool:
        """The new model may take the place of the old one."""
        return self.whole.passes


@dataclass(frozen=True, eq=False)
class Looks:
    """Of all photos by one model: `side`, its blocks; `raw`, (n, F) features."""

    side: Side
    raw: Float16


def look(prepared: Prepared, photos: Photos, on_photos: Callable[[int], None]) -> Looks:
    """`on_photos` is told how many more were looked at. Raises WrongList."""
    network, model = prepared.plan.open(), prepared.model
    vectors, raw = [], []
    for pixels in photos.pixels(model.card.input_pixels):
        seen = network.look(pixels, regions=False)
        vectors.append(model.head.vectors(seen).astype(np.float16))
        raw.append(seen.features.astype(np.float16))
        on_photos(len(pixels))
    blocks = [(block.name, block.dimension, block.default_weight) for block in model.space.blocks]
    return Looks(Side.of(np.concatenate(vectors), blocks), np.concatenate(raw))


def exam(photos: Photos, raw: Float16, asked: Flags, shelf: Flags) -> Exam:
    """Each of those `asked`, (n,), against the `shelf`, (n,). `raw`: (n, F) features that fidelity is kept to."""
    rows: Rows = np.flatnonzero(asked)
    return Exam(photos.groups, unit(raw), photos.variants, rows, shelf)


def compare(old: Looks, new: Looks, photos: Photos, asked: Flags) -> Comparison:
    """Fidelity of both is to what the old network saw: the new one's features are what is in question."""
    paper = exam(photos, old.raw, asked, ~asked)
    before, after = (paper.marks(each.side.view(), like_raw=each.side.of_features()) for each in (old, new))
    one, other = (paper.marks(each.side.of_features()) for each in (old, new))
    return Comparison(judge(before, after), judge(one, other))
