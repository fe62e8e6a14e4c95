"""Made-up people of a few kinds, with everything a job is told of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jobs.kmeans import Float32, unit
from jobs.people import Liked, Somebody

SPACE = "visual@0123456789abcdef"
PEOPLE = "people@0123456789abcdef"
SIZE = 32

KINDS = ("lamp", "chair", "vase", "rug")
SCALES = {SPACE: np.ones(SIZE, dtype=np.float32)}


def axis(number: int, seed: int, spread: float) -> Float32:
    """A direction near axis `number`; `spread` is the length of what is not."""
    noise = np.random.default_rng(seed).normal(0, spread / SIZE**0.5, SIZE)
    noise[number] += 1
    return unit(noise.astype(np.float32))


def somebody(kind: int, number: int, spread: float = 0.6) -> Somebody:
    """One of a kind: likes its things, states its word more often than not, lives anywhere."""
    name, seed = KINDS[kind], 1000 * kind + number
    chance = np.random.default_rng(seed)
    states = [f"interest:{name}"] if chance.random() < 0.7 else []
    return Somebody(
        pseudonym=f"{name}-{number}",
        space=PEOPLE,
        features=axis(kind, seed, spread),
        facts=(*states, f"country:{chance.choice(['PT', 'NL', 'FI'])}"),
        words=(name, "oak") if chance.random() < 0.8 else (name,),
        items=tuple(f"{name}-{at}" for at in chance.choice(12, 5, replace=False)),
        interests=(Liked(SPACE, axis(kind, seed + 7, 0.4), 0.8), Liked(SPACE, axis(kind + 8, seed + 9, 0.4), 0.2)),
    )


def crowd(*sizes: int, spread: float = 0.6) -> list[Somebody]:
    """So many of each kind, mixed."""
    people = [somebody(kind, number, spread) for kind, size in enumerate(sizes) for number in range(size)]
    return [people[at] for at in np.random.default_rng(1).permutation(len(people))]


def kind_of(person: Somebody) -> int:
    """What they were made as."""
    return KINDS.index(person.pseudonym.rsplit("-", 1)[0])


def rand_index(one: Sequence[object], other: Sequence[object]) -> float:
    """The adjusted Rand index of two labellings (Hubert and Arabie, 1985): 1 for the same groups, 0 for chance."""
    table = np.array(
        [[sum((a, b) == (x, y) for a, b in zip(one, other, strict=True)) for y in set(other)] for x in set(one)]
    )

    def pairs(counts: Float32) -> float:
        return float((counts * (counts - 1) / 2).sum())

    both, rows, columns = pairs(table), pairs(table.sum(1)), pairs(table.sum(0))
    chance = rows * columns / pairs(np.array([len(one)]))
    return (both - chance) / ((rows + columns) / 2 - chance)
