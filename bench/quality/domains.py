"""Whether what is of one domain finds what goes with it in another: nDCG@10 over pairs that exist (`trips`, `links`,
`palette`), and whether an answer's confidence tells how good it is (`confidence`).

`gain` to `to`: the 95 % interval of what is gained over naive.

*Naive*: likeness of content as it is. *Centred*: less the mean of each domain; *half*: less half of it. *Learned*: the
block `kind` of a head whose groups are pairs of other products (five parts in turn), with nothing said about domains:
pairs that cross them make what tells domains apart scatter within groups, which its directions leave out. *Popular*:
how often other products are linked to it; *both*: that and learned. *Balanced* and *art*: content and colour (and
style), as these scenes weigh them; *colour*: that alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.quality import confidence
from bench.quality.confidence import ENOUGH, Answers, confidences
from bench.quality.figure import Figure, Section
from bench.quality.gain import by_chance, ndcg
from bench.quality.links import HALF, Found, of_products, of_tastes, unit
from bench.quality.trips import Links, Trip
from bench.quality.vectors import Vectors
from jobs.head.gate import interval

BALANCED = {"content": 1.0, "colour": 0.4}
ART = {"content": 0.5, "colour": 1.0, "style": 1.0}
"""Block weights of scenes of the ranker."""

Scores = NDArray[np.float64]


def measure(
    linked: Links | None, trips: Sequence[Trip], palettes: Sequence[Trip], vectors: Vectors, served: Sequence[Answers]
) -> list[Section]:
    """`linked`: luma's, if there are any; `palettes`: trips to what has the colours; `served`: what the running
    services have answered to the same."""
    answers: list[Answers] = []
    goes: list[Figure] = []
    for name, told in _of_links(linked, vectors).items():
        goes += _figures(name, told, "learned")
        answers += [_answers(name, told, how) for how in ("naive", "learned", "both")]
    seen: list[Figure] = []
    for trip in trips:
        told = of_trip(trip, vectors)
        seen += _figures(trip.name, told, "half")
        answers.append(_answers(trip.name, told, "naive"))
    coloured: list[Figure] = []
    for trip in palettes:
        told = of_palette(trip, vectors)
        coloured += _figures(trip.name, told, "colour", target=True)
        answers.append(_answers(trip.name, told, "colour"))
    sections = [
        Section("what goes with it in another domain: nDCG@10 (gain: of learned)", goes),
        Section("what is like it in another domain: nDCG@10 (gain: of half)", seen),
        Section("in the palette of a picture: nDCG@10 (gain: of colour)", coloured),
        *confidence.sections([*answers, *served]),
    ]
    return [section for section in sections if section.figures]


def of_trip(trip: Trip, vectors: Vectors) -> Found:
    """By content, and with colour beside it."""
    source, target = (vectors.block("content", side) for side in (trip.source, trip.target))
    ways = {
        "naive": source @ target.T,
        "half": _alike(source, target, HALF),
        "centred": _alike(source, target, 1),
        "balanced": weighed(trip, vectors, BALANCED),
    }
    return _found(trip, ways)


def of_palette(trip: Trip, vectors: Vectors) -> Found:
    """With more and more of colour."""
    ways = {"naive": {"content": 1.0}, "balanced": BALANCED, "art": ART, "colour": {"colour": 1.0}}
    return _found(trip, {how: weighed(trip, vectors, weights) for how, weights in ways.items()})


def weighed(trip: Trip, vectors: Vectors, weights: Mapping[str, float]) -> Scores:
    """(source, target) likeness by these blocks, at most 1."""
    parts = [
        weight * vectors.block(block, trip.source) @ vectors.block(block, trip.target).T
        for block, weight in weights.items()
    ]
    return np.asarray(sum(parts) / sum(weights.values()))


def _of_links(linked: Links | None, vectors: Vectors) -> dict[str, Found]:
    return {"links": of_products(linked, vectors), "taste": of_tastes(linked, vectors)} if linked else {}


def _found(trip: Trip, ways: Mapping[str, Scores]) -> Found:
    asked = trip.right.any(axis=1)
    return Found(
        {how: ndcg(scores, trip.right) for how, scores in ways.items()},
        {how: confidences(scores[asked]) for how, scores in ways.items()},
        by_chance(trip.right),
        np.flatnonzero(asked),
    )


def _answers(name: str, found: Found, how: str) -> Answers:
    """Only where there is something to tell: what is linked is not alike, and what is of a colour may be anything."""
    gains = found.gains[how]
    tells = len(gains) >= ENOUGH and how != "colour" and not (name == "links" and how == "naive")
    return Answers(f"{name} {how}", found.sure[how], gains, tells, found.units)


def _alike(source: Scores, target: Scores, share: float) -> Scores:
    one, other = (unit(side - share * side.mean(axis=0)) for side in (source, target))
    return np.asarray(one @ other.T)


def _figures(what: str, found: Found, better: str, *, target: bool = False) -> list[Figure]:
    """`target`: the gain over naive has to be above zero beyond its interval."""
    asked = len(found.gains["naive"])
    low, high = interval(found.gains[better] - found.gains["naive"], found.units)
    means = [Figure(what, how, float(values.mean()), asked) for how, values in found.gains.items()]
    bounds = [Figure(what, "gain", low, asked, least=0.0 if target else None), Figure(what, "to", high, asked)]
    return [Figure(what, "chance", found.chance, asked), *means, *bounds]
