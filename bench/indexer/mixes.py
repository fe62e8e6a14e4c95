"""Ways to weigh the blocks of a space: every corner and many a place between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from bench.indexer.question import Question
from bench.indexer.space import Float32, Space

Weights = Mapping[str, float]

AGAINST = -0.5
"""Weight of a block that pushes away, beside others of 1."""
SEED = 7


@dataclass(frozen=True)
class Mix:
    """`weights`: of each query in turn, none of one meaning the space's own."""

    name: str
    weights: tuple[Weights, ...]

    def questions(self, space: Space, vectors: Float32) -> list[Question]:
        """One for each of the vectors (queries, D)."""
        several = len(self.weights)
        return [Question(space, vector, self.weights[at % several]) for at, vector in enumerate(vectors)]


def of(space: Space, random_ones: int) -> Iterator[Mix]:
    """The default, each block alone, pairs, all alike, one against the others, and `random_ones` together in a mix. A
    space of one block has nothing to mix."""
    names = [block.name for block in space.blocks]
    yield Mix("default", ({},))
    if len(names) == 1:
        return
    for name in names:
        yield Mix(f"{name} alone", ({name: 1.0},))
    for pair in combinations(names, 2) if len(names) > 2 else ():
        yield Mix(" + ".join(pair), (dict.fromkeys(pair, 1.0),))
    yield Mix("all alike", (dict.fromkeys(names, 1.0),))
    for name in names:
        yield Mix(f"all less {name}", ({each: AGAINST if each == name else 1.0 for each in names},))
    shares = np.random.default_rng(SEED).dirichlet(np.ones(len(names)), random_ones)
    yield Mix("any", tuple(dict(zip(names, each, strict=True)) for each in shares.tolist()))
