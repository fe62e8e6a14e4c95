"""Visits of simulated shoppers: what they come for, what they are shown, what they look at and click.

What is assumed, beside what tests/profile/shoppers.py says of their tastes and of what they did before:

- Half of the visits show a photo of an item of one of their tastes and want that kind only; the others want all of
  theirs.
- A place k is looked at with probability 1/k. What is looked at and wanted is clicked by half of the people, anything
  else that is looked at by one in fifty.
- Nobody wants a thing for being popular. So the worth of popularity, which the built-in weights hold for a help, is
  that of chance here; in a real shop it is more. What is judged is whether that is found out, whatever it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import cast

import numpy as np
from numpy.typing import NDArray

from bench.failure import BenchFailed
from bench.quality.tastes import Shop
from tests.profile.shoppers import K, Shopper
from visrec.client import Client
from visrec.connection import Connection
from visrec.people import Event, Facts, ItemEventType
from visrec.v1 import profile_pb2, ranker_pb2

ETA = 1.0
CLICKED, BY_ACCIDENT = 0.5, 0.02


@dataclass(frozen=True)
class Visit:
    """`photo`: row of the item whose photo they show; None: they show none. `wanted`: (photos,) bool."""

    photo: int | None
    wanted: NDArray[np.bool_]

    def ndcg(self, rows: list[int]) -> float:
        """nDCG@10 of what was shown, of rows of photos, with what is wanted all alike."""
        discounts = 1 / np.log2(2 + np.arange(K))
        found = self.wanted[rows[:K]]
        best = discounts[: min(K, int(self.wanted.sum()))].sum()
        return float((found * discounts[: len(found)]).sum() / best)


@dataclass(frozen=True)
class Visitors:
    """Shoppers of a shop by the names that the services know. `seed`: of all chance."""

    shop: Shop
    people: Mapping[str, Shopper]
    seed: int

    def arrive(self, client: Client) -> None:
        """Are put, with their consent, and what they did before is recorded. Raises BenchFailed, VisrecCallError."""
        for name in self.people:
            client.put_user(name, Facts(personalisation=True))
        now = datetime.now(UTC)
        events = [event for name, shopper in self.people.items() for event in self._before(name, shopper, now)]
        for result in client.record(events):
            if result.outcome != profile_pb2.EVENT_OUTCOME_LEARNED:
                raise BenchFailed(f"an event was not learned from: {result.status.message or result.outcome}")

    def visits(self, name: str, many: int) -> Iterator[Visit]:
        """So many of somebody, every other one with a photo."""
        shopper = self.people[name]
        labels = np.array(self.shop.labels)
        random = np.random.default_rng([self.seed, list(self.people).index(name)])
        for number in range(many):
            if number % 2:
                yield Visit(None, shopper.wanted)
                continue
            kind = str(random.choice(shopper.tastes))
            photo = int(random.choice(np.flatnonzero(shopper.wanted & (labels == kind))))
            wanted = shopper.wanted & (labels == kind)
            wanted[photo] = False
            yield Visit(photo, wanted)

    def shown(
        self, connection: Connection, name: str, visit: Visit, weights: Mapping[str, float] | None = None
    ) -> ranker_pb2.RecommendResponse:
        """What the ranker answers, by its weights, recorded, or by these. Raises VisrecCallError."""
        request = ranker_pb2.RecommendRequest(
            catalogue=self.shop.catalogue,
            user_id=name,
            n=K,
            signal_weights=weights,
            record_impressions=weights is None,
            skip_freezing=weights is not None,
        )
        if visit.photo is not None:
            picture = self.shop.pictures[visit.photo].name
            request.photo_vector.CopyFrom(self.shop.vectors.by_name[picture].message())
            request.exclude_item_ids.append(picture)
        return connection.call(connection.ranker.Recommend, request)

    def rows(self, answer: ranker_pb2.RecommendResponse) -> list[int]:
        """Of what was shown, best first."""
        known = self._numbers
        return [known[each.item.id] for each in answer.recommendations]

    def clicks(
        self, name: str, visit: Visit, answer: ranker_pb2.RecommendResponse, random: np.random.Generator
    ) -> Iterator[Event]:
        """What they click of it."""
        for rank, row in enumerate(self.rows(answer), start=1):
            chance = CLICKED if visit.wanted[row] else BY_ACCIDENT
            if random.random() < chance * rank**-ETA:
                item = self.shop.pictures[row].name
                yield Event(name, "click", self.shop.catalogue, item, recommendation_id=answer.recommendation_id)

    @cached_property
    def _numbers(self) -> Mapping[str, int]:
        return {picture.name: row for row, picture in enumerate(self.shop.pictures)}

    def _before(self, name: str, shopper: Shopper, now: datetime) -> Iterator[Event]:
        for act in shopper.acts:
            yield Event(
                name,
                cast("ItemEventType", act.type),
                self.shop.catalogue,
                self.shop.pictures[act.row].name,
                time=now - timedelta(hours=act.hours_ago),
            )
