"""Made-up people: what they say of themselves, what they did and what they were shown. Pure.

- Each likes three categories, and each of them in one of eight ways. The n items of a category stand in a ring, by one
  of their looks; from where the way begins, the k-th is chosen with a chance of (k/n)^(-3/4). So what the same people
  choose is alike, and a few items are chosen by many. One act in ten is on any item at all. Acts are two hours apart
  and of every positive kind in turn.
- Everybody agrees to everything, and tells an age, a place and one interest, which goes with the first category.
- After their acts they were shown answers of ten items, six of them of their categories, and took part in an
  experiment: half of them by their number. Of each item the signals `taste` and `popularity` told something; the answer
  is in the order of both, by the weights of the variant, and a place k is looked at by 1/k. What they look at is
  clicked by half when it is of their categories, else by one in fifty. So `taste` is worth more than the built-in
  weights say.

Person n is the same in every run of the same size, but for the day: the last of their answers is of 30 hours before
`now`, so that nothing more comes of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np

from bench.indexer.space import Float32
from bench.jobs.goods import SEED, Numbers, name
from visrec.people import Event, Facts, ItemEventType
from visrec.v1 import profile_pb2

TASTES, WAYS = 3, 8
ACTS = 30
ANSWERS = 5
PLACES, FITTING = 10, 6
ASTRAY = 0.1
CLICKED, BY_ACCIDENT = 0.5, 0.02
SCENE, EXPERIMENT = "balanced", "trial"
CHANGED = "other"
WEIGHTS = {"control": (0.4, 0.6), CHANGED: (0.8, 0.2)}
"""Of `taste` and `popularity`, by the variant."""
KINDS: tuple[ItemEventType, ...] = ("click", "like", "save", "view", "cart", "purchase")
CITIES = ("Lisboa", "Porto", "Braga", "Faro", "Coimbra")
EVERY, SETTLED = timedelta(hours=2), timedelta(hours=30)

Tastes = list[tuple[int, int]]
"""Numbers of kinds, each with the way in which somebody likes it."""


@dataclass(frozen=True)
class Crowd:
    """Who likes items of a `catalogue`. `categories`, `looks`: (items,) of each."""

    catalogue: str
    categories: Numbers
    looks: Float32
    now: datetime

    @cached_property
    def _kinds(self) -> list[Numbers]:
        """Items of each category that has any, by their looks."""
        order = np.argsort(self.looks, kind="stable")
        return [order[self.categories[order] == kind] for kind in np.unique(self.categories)]

    def facts(self, number: int) -> Facts:
        """What person `number` says and agrees to."""
        random, tastes = self._person(number)
        return Facts(
            age=int(random.integers(16, 90)),
            country="PT",
            city=CITIES[int(random.integers(len(CITIES)))],
            interests=[f"kind {tastes[0][0]}"],
            personalisation=True,
            photo_learning=True,
            segments=True,
        )

    def events(self, number: int) -> Iterator[Event]:
        """All of person `number`, oldest first."""
        random, tastes = self._person(number)
        begin = self.now - SETTLED - EVERY * (ACTS + ANSWERS - 1)
        for act in range(ACTS):
            item = self._chosen(random, tastes)
            kind = KINDS[act % len(KINDS)]
            yield Event(who(number), kind, self.catalogue, name(item), time=begin + EVERY * act, event_id=f"a{act}")
        for answer in range(ANSWERS):
            yield from self._shown(number, answer, begin + EVERY * (ACTS + answer), random, tastes)

    def _shown(
        self, number: int, answer: int, at: datetime, random: np.random.Generator, tastes: Tastes
    ) -> Iterator[Event]:
        variant = tuple(WEIGHTS)[number % len(WEIGHTS)]
        fitting = [self._chosen(random, tastes) for _ in range(FITTING)]
        others = random.integers(len(self.categories), size=PLACES - FITTING).tolist()
        items = np.array(list(dict.fromkeys([*fitting, *others])))
        wanted = np.isin(self.categories[items], [self.categories[self._kinds[kind][0]] for kind, _ in tastes])
        signals = random.random((len(items), 2)) * (0.25, 1.0)
        signals[:, 0] += 0.25 * wanted
        told = f"{who(number)} {answer}"
        order = np.argsort(-(signals @ WEIGHTS[variant]))
        for place, (item, values, is_wanted) in enumerate(
            zip(items[order].tolist(), signals[order].tolist(), wanted[order].tolist(), strict=True), start=1
        ):
            yield Event(
                who(number),
                "impression",
                self.catalogue,
                name(item),
                time=at,
                event_id=f"s{answer}-{place}",
                recommendation_id=told,
                shown_signals=dict(zip(("taste", "popularity"), values, strict=True)),
                showing=profile_pb2.Showing(rank=place, scene=SCENE, experiment=EXPERIMENT, variant=variant),
            )
            if random.random() < (CLICKED if is_wanted else BY_ACCIDENT) / place:
                later = at + timedelta(minutes=place)
                yield Event(
                    who(number),
                    "click",
                    self.catalogue,
                    name(item),
                    time=later,
                    event_id=f"c{answer}-{place}",
                    recommendation_id=told,
                )

    def _chosen(self, random: np.random.Generator, tastes: Tastes) -> int:
        if random.random() < ASTRAY:
            return int(random.integers(len(self.categories)))
        kind, way = tastes[random.integers(len(tastes))]
        those = self._kinds[kind]
        return int(those[int(len(those) * (way / WAYS + random.random() ** 4)) % len(those)])

    def _person(self, number: int) -> tuple[np.random.Generator, Tastes]:
        random = np.random.default_rng([SEED, 1, number])
        kinds = random.choice(len(self._kinds), TASTES, replace=False).tolist()
        return random, list(zip(kinds, random.integers(WAYS, size=TASTES).tolist(), strict=True))


def who(number: int) -> str:
    """Person `number`."""
    return f"citizen-{number}"
