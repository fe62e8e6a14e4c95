"""Weights learned of one half of the shoppers, held against the built-in ones by the other half."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from bench.failure import BenchFailed
from bench.learning.visits import Visitors
from jobs.feedback.reading import Feedback
from jobs.learn_weights import Outcome, Plan, WeightsJob
from jobs.pages import Patience
from jobs.scene_keeper import SceneKeeper
from visrec.client import Client
from visrec.connection import Connection

SCENE = "balanced"
VISITS = 12
"""Of each of those who are learned from."""
ASKED = 4
"""Visits of each of the others."""
ALL = "all"
EVERYBODY = Plan()
RECORDED_S = 60.0
"""Impressions are recorded behind the answers; after that nothing is waited for any more."""

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Found:
    """`version`: of the weights that were put for everybody; empty: none were. `kinds`: for all visits of the other
    half, those with a photo and those without, (people,) mean nDCG@10 of each of them by the built-in and by the
    learned weights."""

    outcome: Outcome
    version: str
    kinds: Mapping[str, tuple[Scores, Scores]]


def measure(client: Client, connection: Connection, one: Visitors, other: Visitors, console: Console) -> Found:
    """`one` half is learned from, the `other` judges. Raises BenchFailed, VisrecCallError."""
    for half in (one, other):
        half.arrive(client)
    answers = _visited(client, connection, one, console)
    keeper = SceneKeeper(connection, SCENE)
    scene, _ = keeper.read()
    feedback = Feedback(connection, one.shop.catalogue, Patience(60.0, time.sleep, time.monotonic))
    _await_recorded(feedback, answers)
    outcome = WeightsJob(feedback, keeper, EVERYBODY).run(lambda _what, _total: lambda _more: None)
    version = WeightsJob(feedback, keeper, EVERYBODY).put(outcome) if outcome.may_be_put(EVERYBODY) else ""
    found = {
        name: _judged(connection, other, weights, f"asking by the {name} weights", console)
        for name, weights in (("built-in", dict(scene.signal_weights)), ("learned", dict(outcome.learned.weights)))
    }
    kinds = {ALL: slice(None), "with a photo": slice(0, None, 2), "without": slice(1, None, 2)}
    return Found(outcome, version, {
        kind: (found["built-in"][:, those].mean(axis=1), found["learned"][:, those].mean(axis=1))
        for kind, those in kinds.items()
    })  # fmt: skip


def _visited(client: Client, connection: Connection, half: Visitors, console: Console) -> int:
    """Everybody is shown something and clicks; how many answers that were."""
    answers = 0
    for number, name in enumerate(track(list(half.people), "visits", console=console)):
        random = np.random.default_rng([half.seed, number, 1])
        for visit in half.visits(name, VISITS):
            answer = half.shown(connection, name, visit)
            if lost := [each.reason for each in answer.dropped if each.signal in ("impressions", "frozen")]:
                raise BenchFailed(f"what was shown was not recorded: {lost[0]}")
            for result in client.record(half.clicks(name, visit, answer, random)):
                if result.status.code:
                    raise BenchFailed(f"a click was not recorded: {result.status.message}")
            answers += 1
    return answers


def _await_recorded(feedback: Feedback, answers: int) -> None:
    until = time.monotonic() + RECORDED_S
    while sum(len(person.answers) for person in feedback.people(lambda _: None)) < answers:
        if time.monotonic() > until:
            raise BenchFailed("what was shown is not recorded after a minute")
        time.sleep(1.0)


def _judged(
    connection: Connection, half: Visitors, weights: Mapping[str, float], title: str, console: Console
) -> Scores:
    """(people, ASKED) nDCG@10."""
    names: Sequence[str] = list(half.people)
    return np.array([
        [
            visit.ndcg(half.rows(half.shown(connection, name, visit, weights)))
            for visit in half.visits(name, ASKED)
        ]
        for name in track(names, title, console=console)
    ])  # fmt: skip
