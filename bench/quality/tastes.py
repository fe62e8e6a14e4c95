"""What tastes are worth: simulated shoppers act through the profile service; do their tastes find what they want?

Their tastes are read back and items ranked as the ranker ranks by taste alone: by the interest that speaks loudest,
score times tempered share, with the blocks weighed as the person weighs them. Beside that the interests with the
default block weights, and two ways that need no clustering: one mean vector of the same acts, weighed alike, and the
last item. The shoppers live with the tests, which judge tastes by them, too: what is measured here is what they know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import cast

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from bench import sample
from bench.failure import BenchFailed
from bench.quality.figure import Figure, Section
from bench.quality.picture import Picture
from bench.quality.vectors import Rows, Vectors
from tests.profile.shoppers import Habits, Shopper, movers, shoppers
from visrec.client import Client
from visrec.items import NewItem
from visrec.people import Event, Facts, ItemEventType
from visrec.v1 import profile_pb2

SEED = 1
"""Settings were chosen on others, see `tests.profile.shoppers`."""
PEOPLE, OF_COLOURS, MOVERS = 1200, 400, 150

LEAST_RATIO = {"1 kind": 0.98, "3-4 kinds": 1.35, "all": 1.2}
LEAST_RECOVERY = 0.9

WEIGHTS: Mapping[str, float] = {"view": 0.5, "click": 1, "like": 2, "save": 3, "purchase": 5}
HALF_LIFE_HOURS = 30 * 24
"""What the service says acts weigh: the mean weighs them alike."""
TEMPER = 0.1
"""Of the ranker."""

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Shop:
    """A catalogue of labelled photos; `labels`: of each, empty: it is of no taste."""

    catalogue: str
    pictures: Sequence[Picture]
    labels: Sequence[str]
    vectors: Vectors

    @cached_property
    def rows(self) -> Rows:
        """(pictures, D)."""
        return np.concatenate([self.vectors.block(block, self.pictures) for block in self.vectors.blocks], axis=1)

    def scores(self, vector: Scores, block_weights: Mapping[str, float] | None = None) -> Scores:
        """(pictures,) of a (D,) vector, weighed as by default unless told otherwise."""
        blocks = self.vectors.space.blocks
        given = block_weights or {block.name: block.default_weight for block in blocks}
        weights = np.repeat([given.get(block.name, 0.0) for block in blocks], [block.dimension for block in blocks])
        return np.asarray(self.rows @ (weights * vector) / sum(given.values()))

    def mean(self, shopper: Shopper) -> Scores:
        """(D,), one vector of all their acts, each block of unit norm."""
        acts = shopper.acts
        weights = [WEIGHTS[act.type] * 2 ** (-act.hours_ago / HALF_LIFE_HOURS) for act in acts]
        total = np.array(weights) @ self.rows[[act.row for act in acts]]
        ends = np.cumsum([block.dimension for block in self.vectors.space.blocks])[:-1]
        return np.concatenate([part / max(float(np.linalg.norm(part)), 1e-6) for part in np.split(total, ends)])


def kinds(pictures: Sequence[Picture], vectors: Vectors) -> Shop:
    """All photos of both shops; a taste is a kind of product in one of them."""
    return Shop(
        "kinds", pictures, [f"{each.name.partition('/')[0]}: {each.labels['category']}" for each in pictures], vectors
    )


def colours(pictures: Sequence[Picture], vectors: Vectors) -> Shop:
    """The products whose colour is known; a taste is a colour."""
    known = [each for each in pictures if "colour" in each.labels]
    return Shop("colours", known, [each.labels["colour"] for each in known], vectors)


def measure(client: Client, pictures: Sequence[Picture], vectors: Vectors, console: Console) -> list[Section]:
    """Everything about tastes, through the services. Raises BenchFailed, VisrecCallError."""
    shop, coloured = kinds(pictures, vectors), colours(pictures, vectors)
    for each in (shop, coloured):
        if each.pictures:
            sample.create(client, each.catalogue)
            sample.ingest(client, each.catalogue, _items(each), lambda: None)
    found = [of_kinds(client, shop, console), after_a_change(client, shop, console)]
    return [*found, of_colours(client, coloured, console)] if coloured.pictures else found


def of_kinds(client: Client, shop: Shop, console: Console) -> Section:
    """Interests against one mean vector and the last item."""
    people = list(shoppers(shop.labels, PEOPLE, SEED))
    recalls = _recalls(client, shop, "shopper", people, console)
    rows = {f"{count} kind{'s' if count > 1 else ''}": {count} for count in (1, 2)} | {"3-4 kinds": {3, 4}}
    figures: list[Figure] = []
    for what, counts in {**rows, "all": {1, 2, 3, 4}}.items():
        those = np.array([len(person.tastes) in counts for person in people])
        mean, last, interests, taste = (float(recalls[how][those].mean()) for how in recalls)
        asked = int(those.sum())
        figures += [
            Figure(what, "mean", mean, asked),
            Figure(what, "last", last, asked),
            Figure(what, "interests", interests, asked),
            Figure(what, "taste", taste, asked, least=last),
            Figure(what, "ratio", taste / mean, asked, LEAST_RATIO.get(what), unit="ratio"),
        ]
    return Section("simulated shoppers: recall@10 of what they want", figures)


def of_colours(client: Client, shop: Shop, console: Console) -> Section:
    """Whether the block weights of people who shop by colour let them find more."""
    people = list(shoppers(shop.labels, OF_COLOURS, SEED, Habits(tastes=(1, 2))))
    recalls = _recalls(client, shop, "shopper by colour", people, console)
    figures = []
    for count in (1, 2):
        those = np.array([len(person.tastes) == count for person in people])
        interests, taste = (float(recalls[how][those].mean()) for how in ("interests", "taste"))
        what, asked = f"{count} colour{'s' if count > 1 else ''}", int(those.sum())
        figures += [Figure(what, "interests", interests, asked), Figure(what, "taste", taste, asked, least=interests)]
    return Section("who shops by colour: recall@10", figures)


def after_a_change(client: Client, shop: Shop, console: Console) -> Section:
    """Ten acts on something new after thirty on other things: does the interest they make, searched by itself, find as
    much as that of somebody who has never liked anything else? How often does it lead, and what are its first ten?"""
    pairs = list(movers(shop.labels, MOVERS, SEED))
    moved = _tastes(client, shop, "mover", [mover for mover, _ in pairs], console)
    settled = _tastes(client, shop, "native", [native for _, native in pairs], console)
    figures: dict[str, list[float]] = {"native": [], "by itself": [], "leads": [], "among all": []}
    for (mover, native), taste, alone in zip(pairs, moved, settled, strict=True):
        new = {shop.pictures[act.row].name for act in native.acts}
        own = [each for each in taste.interests if each.sources and each.sources[0].item_id in new]
        figures["native"].append(native.recall(ranked(shop, alone)))
        figures["by itself"].append(mover.recall(shop.scores(_numbers(own[0]), taste.block_weights)) if own else 0.0)
        figures["leads"].append(float(bool(own) and own[0] == taste.interests[0]))
        figures["among all"].append(mover.recall(ranked(shop, taste)))
    means = {how: float(np.mean(values)) for how, values in figures.items()}
    what = "the new"
    return Section(
        "ten acts after a change of taste: recall@10",
        [
            *(Figure(what, how, value, MOVERS) for how, value in means.items()),
            Figure(what, "ratio", means["by itself"] / means["native"], MOVERS, LEAST_RECOVERY, unit="ratio"),
        ],
    )


def ranked(shop: Shop, taste: profile_pb2.Taste, *, own_weights: bool = True) -> Scores:
    """(pictures,) as the ranker scores by taste alone."""
    strongest = max(each.weight for each in taste.interests)
    weights = taste.block_weights if own_weights else None
    spoken = [(each.weight / strongest) ** TEMPER * shop.scores(_numbers(each), weights) for each in taste.interests]
    return np.asarray(np.max(spoken, axis=0))


def _recalls(client: Client, shop: Shop, who: str, people: Sequence[Shopper], console: Console) -> dict[str, Scores]:
    """Of each person, by each way to rank."""
    tastes = _tastes(client, shop, who, people, console)
    pairs = list(zip(people, tastes, strict=True))
    return {
        "mean": np.array([person.recall(shop.scores(shop.mean(person))) for person in people]),
        "last": np.array([person.recall(shop.scores(shop.rows[person.acts[-1].row])) for person in people]),
        "interests": np.array([person.recall(ranked(shop, taste, own_weights=False)) for person, taste in pairs]),
        "taste": np.array([person.recall(ranked(shop, taste)) for person, taste in pairs]),
    }


def _tastes(
    client: Client, shop: Shop, who: str, people: Sequence[Shopper], console: Console
) -> list[profile_pb2.Taste]:
    """Puts everybody, records what they do, and reads their tastes. Raises BenchFailed when an event is not learned."""
    names = [f"{who} {number}" for number in range(len(people))]
    for name in track(names, f"{who}: acts", console=console):
        client.put_user(name, Facts(personalisation=True))
    now = datetime.now(UTC)
    events = [event for name, person in zip(names, people, strict=True) for event in _events(shop, name, person, now)]
    for result in client.record(events):
        if result.outcome != profile_pb2.EVENT_OUTCOME_LEARNED:
            raise BenchFailed(f"an event was not learned from: {result.status.message or result.outcome}")
    return [client.taste(name, shop.catalogue) for name in track(names, f"{who}: tastes", console=console)]


def _items(shop: Shop) -> Iterator[NewItem]:
    for picture in shop.pictures:
        yield NewItem(picture.name, vectors=[shop.vectors.by_name[picture.name]])


def _events(shop: Shop, name: str, person: Shopper, now: datetime) -> Iterator[Event]:
    for act in person.acts:
        yield Event(
            name,
            cast("ItemEventType", act.type),
            shop.catalogue,
            shop.pictures[act.row].name,
            time=now - timedelta(hours=act.hours_ago),
        )


def _numbers(interest: profile_pb2.Interest) -> Scores:
    return np.frombuffer(interest.vector.data, dtype="<f4").astype(np.float64)
