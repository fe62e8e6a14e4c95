"""People -> segments: how many, who, what they have in common, what they like. Pure."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from jobs.choice import Choice, choose
from jobs.description import Counts, Portrait, portrait
from jobs.kmeans import Float32, Labels, cluster, unit
from jobs.people import Liked, Somebody

MAX_INTERESTS = 5
MAX_NAME_WORDS = 2
MAX_WORD_LETTERS = 20
COARSE = 5
SAME = 0.9
"""Likeness of its centre to an earlier one from which a segment goes by the earlier one's id."""

Scales: TypeAlias = Mapping[str, Float32]


@dataclass(frozen=True)
class Rules:
    """What decides which segments there are, and what is told of them.

    min_people       people below which a segment is nobody's, and a word about it is not told
    min_item_people  people of a segment that must like an item before it is typical
    most             segments at most
    seed             of all chance: the same people and the same seed make the same segments
    """

    min_people: int = 20
    min_item_people: int = 5
    most: int = 24
    seed: int = 7


@dataclass(frozen=True)
class Segment:
    """`people`: in proportion to all, where only a sample was looked at, and coarse. `centre`: (F,) of unit norm."""

    name: str
    people: int
    centre: Float32
    portrait: Portrait
    interests: tuple[Liked, ...]


@dataclass(frozen=True)
class Found:
    """`segments`: largest first. `nobodys`: how many people are in groups that are too small. `labels`: for
    each person the number of their segment, -1: none."""

    segments: Sequence[Segment]
    nobodys: int
    choice: Choice
    labels: Sequence[int]


def segment(people: Sequence[Somebody], total: int, scales: Scales, rules: Rules) -> Found:
    """`people`: as `people.sample` gives them, of `total` in all, all in one space of features. `scales`: for each
    space of interests the (D,) roots of the weights of its numbers, so that an inner product is a score of items.

    No segments when there are fewer than two times `min_people`, and when they fall into groups no better than noise.
    """
    if not people:
        return Found((), 0, Choice(), ())
    points = np.stack([somebody.features for somebody in people])
    choice = choose(points, min(rules.most, len(people) // rules.min_people), rules.min_people, rules.seed)
    if choice.k == 1:
        return Found((), len(people), choice, [-1] * len(people))
    found = cluster(points, choice.k, rules.seed)
    by_size = np.argsort(-found.sizes, kind="stable").tolist()
    groups = [number for number in by_size if found.sizes[number] >= rules.min_people]
    maker = _Maker(Counts.of(people), total / len(people), scales, rules)
    rows = [np.flatnonzero(found.labels == number).tolist() for number in groups]
    segments = [
        maker.made([people[row] for row in each], found.centres[number])
        for number, each in zip(groups, rows, strict=True)
    ]
    place = {number: at for at, number in enumerate(groups)}
    labels = [place.get(int(label), -1) for label in found.labels]
    return Found(segments, labels.count(-1), choice, labels)


@dataclass(frozen=True)
class _Maker:
    """Makes segments of groups. `people_each`: how many people each of the sample stands for."""

    everybody: Counts
    people_each: float
    scales: Scales
    rules: Rules

    def made(self, people: Sequence[Somebody], centre: Float32) -> Segment:
        """The segment of `people`, of whom there are enough."""
        told = portrait(Counts.of(people), self.everybody, self.rules.min_people, self.rules.min_item_people)
        return Segment(
            name=_name(told.words, centre),
            people=coarse(round(len(people) * self.people_each), self.rules.min_people),
            centre=centre,
            portrait=told,
            interests=shared_interests(people, self.scales, self.rules),
        )


def coarse(people: int, min_people: int) -> int:
    """A number of people that one more or less seldom changes, so that two runs hardly tell who came or went: a
    multiple of COARSE that is not above it, but at least `min_people`."""
    return max(min_people, people // COARSE * COARSE)


def renamed(segments: Sequence[Segment], known: Mapping[str, Float32]) -> list[Segment]:
    """The segments, each under the id of the one of `known` (id to centre, of the same space) that it goes on from: the
    most alike pairs first, each id once, none less alike than SAME. What is kept under an id is so kept on."""
    pairs = sorted(
        (
            (-float(each.centre @ centre), at, name)
            for at, each in enumerate(segments)
            for name, centre in known.items()
        ),
    )
    names: dict[int, str] = {}
    for unlike, at, name in pairs:
        if -unlike >= SAME and at not in names and name not in names.values():
            names[at] = name
    taken = set(names.values())
    return [
        replace(each, name=names[at] if at in names else _free(each.name, taken)) for at, each in enumerate(segments)
    ]


def _free(name: str, taken: set[str]) -> str:
    """The name, or with a number after it when another has it."""
    return name if name not in taken else next(f"{name}-{at}" for at in range(2, 1000) if f"{name}-{at}" not in taken)


def shared_interests(people: Sequence[Somebody], scales: Scales, rules: Rules) -> tuple[Liked, ...]:
    """What people like, as at most MAX_INTERESTS centres of their interests, strongest first. Each is the mean over
    interests of at least `min_people` of them, so that it is nobody's own."""
    space = _commonest_space(people, scales)
    owned = [(at, liked) for at, each in enumerate(people) for liked in each.interests if liked.space == space]
    if len({at for at, _ in owned}) < rules.min_people:
        return ()
    vectors = np.stack([liked.vector for _, liked in owned])
    weights = np.array([liked.weight for _, liked in owned], dtype=np.float32)
    owners = np.array([at for at, _ in owned])
    labels = _interest_labels(unit(vectors * scales[space]), weights, rules)
    kept = []
    for number in range(int(labels.max()) + 1):
        rows = labels == number
        if len(np.unique(owners[rows])) >= rules.min_people:
            kept.append(Liked(space, weights[rows] @ vectors[rows] / weights[rows].sum(), float(weights[rows].sum())))
    total = sum(liked.weight for liked in kept)
    ranked = sorted(kept, key=lambda liked: -liked.weight)
    return tuple(Liked(space, liked.vector, liked.weight / total) for liked in ranked)


def _interest_labels(points: Float32, weights: Float32, rules: Rules) -> Labels:
    """(n,) which interest each is: as many as have the best silhouette, one when none is worth the name."""
    choice = choose(points, min(MAX_INTERESTS, len(points) // rules.min_people), rules.min_people, rules.seed)
    return cluster(points, choice.k, rules.seed, weights=weights).labels


def _commonest_space(people: Sequence[Somebody], scales: Scales) -> str:
    spaces = Counter(liked.space for each in people for liked in each.interests if liked.space in scales)
    return max(sorted(spaces), key=lambda space: spaces[space], default="")


def _name(words: Sequence[str], centre: Float32) -> str:
    """Such as `lamp-brass-3f2a`: its two most telling words, and some letters of a digest that tell it from others."""
    plain = [_plain(word) for word in words]
    chosen = [word for word in dict.fromkeys(plain) if word][:MAX_NAME_WORDS] or ["segment"]
    return "-".join([*chosen, hashlib.sha256(centre.tobytes()).hexdigest()[:4]])


def _plain(word: str) -> str:
    letters = unicodedata.normalize("NFKD", word).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:MAX_WORD_LETTERS].strip("-")
