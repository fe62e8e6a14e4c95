"""`jobs weights` as it is typed, over services that answer from memory."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.scene_commands import EXPERIMENT
from jobs.terminal import EXIT_FAILED, EXIT_NOTHING, EXIT_WRONG
from services.errors import InvalidInput
from services.ranker.scenes.name import check_name
from tests.jobs.onlookers import PRESENT, World
from tests.jobs.scene_services import PEOPLE, Services, told, typed
from visrec.v1 import ranker_pb2


def test_better_weights_are_put_for_everybody(services: Services, target: str) -> None:
    services.events = told(World().shown(PEOPLE, 2))
    result = typed(target, "weights")
    assert result.exit_code == 0, result.output
    (put,) = services.put
    assert put.if_version == "builtin-2+7"
    assert sum(put.scene.signal_weights.values()) == pytest.approx(1, abs=1e-3)
    assert put.scene.signal_weights["collaborative"] > put.scene.signal_weights["taste"]
    # Nothing was to be learned of photos, so they are half of it, as before.
    assert put.scene.signal_weights["photo"] == pytest.approx(0.5, abs=1e-3)
    assert "freshness" not in put.scene.signal_weights
    for words in ("as the data tell", "The learned weights hold now (builtin-2+8)", "nothing to learn from"):
        assert words in " ".join(result.output.split())
    assert "somebody" not in result.output


def test_a_dry_run_puts_nothing_and_says_what_next(services: Services, target: str) -> None:
    services.events = told(World().shown(PEOPLE, 2))
    result = typed(target, "weights", "--dry-run")
    assert result.exit_code == 0, result.output
    assert "They are better, and nothing was put (--dry-run)" in result.output
    assert not services.put


def test_what_is_better_by_what_is_stated_alone_is_for_an_experiment(services: Services, target: str) -> None:
    services.events = told(World().shown(PEOPLE, 2))
    result = typed(target, "weights", "--examined", "1.0")
    words = " ".join(result.output.split())
    assert result.exit_code == EXIT_NOTHING
    assert "it may be anything from 0.00 to 1.00" in words
    assert "depending on how much is looked at further down" in words
    assert not services.put
    assert typed(target, "weights", "--examined", "1.0", "--experiment", "spring").exit_code == 0
    assert services.put


def test_whoever_is_too_late_with_them_has_them_to_read(services: Services, target: str) -> None:
    services.events = told(World().shown(PEOPLE, 2))
    services.is_changed = True
    result = typed(target, "weights")
    assert result.exit_code == EXIT_FAILED
    words = " ".join(result.output.split())
    assert words.index("as the data tell") < words.index("error:")
    assert "hold now" not in words


@pytest.mark.parametrize("name", ["Spring 1", "x" * 33, "spring!"])
def test_a_name_that_the_ranker_would_refuse_is_wrong_at_once(services: Services, target: str, name: str) -> None:
    result = typed(target, "weights", "--experiment", name)
    assert result.exit_code == EXIT_WRONG
    assert services.asked == 0


@given(st.text("aZ09_- ", max_size=34))
def test_names_of_experiments_are_those_of_the_ranker(name: str) -> None:
    try:
        check_name(name, "")
        is_one = True
    except InvalidInput:
        is_one = False
    assert bool(EXPERIMENT.fullmatch(name)) == is_one


@pytest.mark.parametrize(("newest", "counts"), [((), False), (("--newest", "0"), True), (("--window", "0.5"), True)])
def test_of_what_was_shown_an_hour_ago_something_may_still_come(
    services: Services, target: str, newest: tuple[str, ...], counts: bool
) -> None:
    services.events = told(World().shown(PEOPLE, 2), start=int(time.time()) - 2 * 3_600)
    result = typed(target, "weights", "--dry-run", *newest)
    assert (result.exit_code == 0) == counts
    assert counts or "--newest says from when on they count" in " ".join(result.output.split())


def test_they_can_be_tried_on_some_of_the_people_first(services: Services, target: str) -> None:
    services.events = told(World().shown(PEOPLE, 2))
    result = typed(target, "weights", "--experiment", "spring", "--share", "0.2")
    assert result.exit_code == 0, result.output
    (put,) = services.put
    assert dict(put.scene.signal_weights) == dict(services.scene.signal_weights)
    (variant,) = put.scene.experiment.variants
    assert (put.scene.experiment.name, variant.name, variant.share) == ("spring", "learned", 0.2)
    assert "python -m jobs experiment -c shop --scene shop" in " ".join(result.output.split())


def test_weights_that_are_not_better_are_not_put(services: Services, target: str) -> None:
    services.events = told(World(wants=tuple(PRESENT.values())).shown(PEOPLE, 1))
    result = typed(target, "weights")
    assert result.exit_code == EXIT_NOTHING
    assert "Nothing was put: they are not better" in result.output
    assert not services.put


@pytest.mark.parametrize(
    ("people", "words"),
    [
        (0, "fewer than 20 people who consent were shown anything by shop"),
        (19, "fewer than 20 people who consent were shown anything by shop"),
        (22, "20 people were shown 66 answers by shop"),
    ],
)
def test_too_little_is_nothing_to_learn_from(services: Services, target: str, people: int, words: str) -> None:
    services.events = told(World().shown(people, 1)) if people else []
    result = typed(target, "weights")
    assert result.exit_code == EXIT_NOTHING
    assert words in " ".join(result.output.split())


def test_the_control_of_an_experiment_is_not_changed_under_it(services: Services, target: str) -> None:
    variant = ranker_pb2.Variant(name="new", share=0.5)
    services.scene.experiment.CopyFrom(ranker_pb2.Experiment(name="spring", variants=[variant]))
    services.events = told(World().shown(PEOPLE, 2))
    result = typed(target, "weights")
    assert result.exit_code == EXIT_NOTHING
    assert "has the experiment spring" in result.output
    assert typed(target, "weights", "--dry-run").exit_code == 0
    assert not services.put


@pytest.mark.parametrize("arguments", [("weights", "--outcomes", "hover"), ("weights", "--scene", "none")])
def test_what_is_wrong_is_told(target: str, arguments: tuple[str, ...]) -> None:
    result = typed(target, *arguments)
    assert result.exit_code == EXIT_WRONG
    assert "Traceback" not in result.output
