"""`jobs experiment` as it is typed, over services that answer from memory."""

from __future__ import annotations

import numpy as np
import pytest

from jobs.terminal import EXIT_NOTHING
from services.ranker.scenes.experiment import draw
from tests.jobs.onlookers import World
from tests.jobs.scene_services import PEOPLE, Services, told, typed
from visrec.v1 import ranker_pb2


def experiment(services: Services, share: float = 0.5, better: float = 0.0, keep: float = 1.0) -> None:
    """People of two variants. `better`: how much more those of `new` want. `keep`: how many of them are recorded."""
    variants = ["new" if draw("spring", f"person-{number}") < 0.5 else "control" for number in range(PEOPLE)]
    worlds = {"new": World(shy=-4.0 + better), "control": World()}
    random = np.random.default_rng(1)
    lost = [variant == "new" and random.random() > keep for variant in variants]
    events = {name: told(world.shown(PEOPLE, 2), variants) for name, world in worlds.items()}
    services.events = [
        event
        for name, those in events.items()
        for event in those
        if variants[number := int(event.user_id.split("-")[1])] == name and not lost[number]
    ]
    variant = ranker_pb2.Variant(name="new", share=share)
    services.scene.experiment.CopyFrom(ranker_pb2.Experiment(name="spring", variants=[variant]))


def test_a_better_variant_is_told_with_its_interval(services: Services, target: str) -> None:
    experiment(services, better=0.5)
    result = typed(target, "experiment")
    assert result.exit_code == 0, result.output
    words = " ".join(result.output.split())
    assert "Better than control, beyond chance: new. Next: `visrec experiment stop shop --keep VARIANT`." in words
    assert "The groups are as large as their shares" in words
    assert "as it should be" in words
    assert not services.put
    assert "somebody" not in words


def test_two_that_are_alike_are_told_to_be(services: Services, target: str) -> None:
    experiment(services)
    result = typed(target, "experiment")
    assert result.exit_code == 0, result.output
    assert "Nothing is better beyond chance yet" in result.output


@pytest.mark.parametrize(("share", "keep"), [(0.4, 1.0), (0.5, 0.7)])
def test_groups_of_the_wrong_size_are_not_believed(services: Services, target: str, share: float, keep: float) -> None:
    experiment(services, share, better=0.5, keep=keep)
    words = " ".join(typed(target, "experiment").output.split())
    assert "The groups are not as large as their shares" in words
    assert "Find out why before anything is concluded" in words
    assert "Better than" not in words


def test_an_experiment_of_before_is_told_without_the_shares(services: Services, target: str) -> None:
    experiment(services)
    services.scene.ClearField("experiment")
    assert typed(target, "experiment").exit_code == EXIT_NOTHING
    result = typed(target, "experiment", "--name", "spring")
    assert result.exit_code == 0, result.output
    assert "does not have this experiment any more" in " ".join(result.output.split())


def test_nothing_is_told_of_few_people(services: Services, target: str) -> None:
    experiment(services)
    services.events = [event for event in services.events if int(event.user_id.split("-")[1]) < 25]
    result = typed(target, "experiment")
    assert result.exit_code == EXIT_NOTHING
    assert "there are: control fewer than 20, new fewer than 20." in " ".join(result.output.split())


def test_who_changed_sides_is_told_without_the_number_of_few(services: Services, target: str) -> None:
    experiment(services)
    answers = {event.recommendation_id for event in services.events if event.user_id == services.events[0].user_id}
    services.events = list(services.events)
    for event in services.events:
        if event.recommendation_id == min(answers):
            event.showing.variant = "new" if event.showing.variant == "control" else "control"
    words = " ".join(typed(target, "experiment").output.split())
    assert "since shares were changed: fewer than 20 people" in words
