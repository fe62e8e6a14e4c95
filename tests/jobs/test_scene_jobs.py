"""`jobs weights` and `jobs experiment` as they are typed, over services that answer from memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent import futures
from dataclasses import dataclass, field

import grpc
import numpy as np
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from typer.testing import CliRunner, Result

from jobs.__main__ import app
from jobs.terminal import EXIT_NOTHING, EXIT_WRONG
from jobs.weighing.lists import Lists
from services.ranker.scenes.experiment import draw
from tests.jobs.onlookers import PRESENT, SIGNALS, World
from visrec.v1 import profile_pb2, profile_pb2_grpc, ranker_pb2, ranker_pb2_grpc

PAGE = 997
PEOPLE = 800


@dataclass
class Services(profile_pb2_grpc.ProfileServiceServicer, ranker_pb2_grpc.RankerServiceServicer):
    """Events page by page, one scene, and what is put."""

    events: Sequence[profile_pb2.Event] = ()
    scene: ranker_pb2.Scene = field(
        default_factory=lambda: ranker_pb2.Scene(
            name="shop", signal_weights={**PRESENT, "photo": 1.0, "freshness": 0.0}
        )
    )
    put: list[ranker_pb2.PutSignalWeightsRequest] = field(default_factory=list)

    def ExportEvents(  # noqa: N802 - named as the contract says
        self, request: profile_pb2.ExportEventsRequest, context: grpc.ServicerContext
    ) -> profile_pb2.ExportEventsResponse:
        assert not request.include_user_ids
        start = int(request.page_token or 0)
        rest = str(start + PAGE) if start + PAGE < len(self.events) else ""
        return profile_pb2.ExportEventsResponse(events=self.events[start : start + PAGE], next_page_token=rest)

    def GetScenes(  # noqa: N802 - named as the contract says
        self, request: ranker_pb2.GetScenesRequest, context: grpc.ServicerContext
    ) -> ranker_pb2.GetScenesResponse:
        return ranker_pb2.GetScenesResponse(scenes=[self.scene], weights_version="builtin-2+7")

    def PutSignalWeights(  # noqa: N802 - named as the contract says
        self, request: ranker_pb2.PutSignalWeightsRequest, context: grpc.ServicerContext
    ) -> ranker_pb2.PutSignalWeightsResponse:
        self.put.append(request)
        return ranker_pb2.PutSignalWeightsResponse(weights_version="builtin-2+8")


@pytest.fixture
def services() -> Services:
    return Services()  # type: ignore[abstract] # what it lacks answers UNIMPLEMENTED


@pytest.fixture
def target(services: Services) -> Iterator[str]:
    server = grpc.server(futures.ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
    profile_pb2_grpc.add_ProfileServiceServicer_to_server(services, server)
    ranker_pb2_grpc.add_RankerServiceServicer_to_server(services, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait()


def typed(target: str, *arguments: str) -> Result:
    targets = {"VISREC_PROFILE_TARGET": target, "VISREC_RANKER_TARGET": target, "COLUMNS": "200"}
    return CliRunner().invoke(app, [arguments[0], "-c", "shop", "-s", "shop", *arguments[1:]], env=targets)


def told(lists: Lists, variants: Sequence[str] = ()) -> list[profile_pb2.Event]:
    """The same as events, person by person. `variants`: of each person, of the experiment `spring`."""
    events = []
    for row, answer in enumerate(lists.answer):
        person = int(lists.person[answer])
        event = profile_pb2.Event(
            user_id=f"somebody-{person}",
            type=profile_pb2.EVENT_TYPE_IMPRESSION,
            time=Timestamp(seconds=1_700_000_000 + int(answer)),
            item_id=f"item-{row}",
            recommendation_id=f"answer-{answer}",
            shown_signals=dict(zip(SIGNALS, lists.values[row].tolist(), strict=True)),
            showing=profile_pb2.Showing(rank=int(lists.ranks[row]), scene="shop"),
        )
        if variants:
            event.showing.experiment, event.showing.variant = "spring", variants[person]
        events.append(event)
        if lists.chosen[row]:
            click = profile_pb2.Event(
                user_id=event.user_id,
                type=profile_pb2.EVENT_TYPE_CLICK,
                time=Timestamp(seconds=event.time.seconds + 60),
                item_id=event.item_id,
                recommendation_id=event.recommendation_id,
            )
            events.append(click)
    return events


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
    result = typed(target, "weights", "--dry-run", "--examined", "1.0")
    assert result.exit_code == 0, result.output
    assert "They are better, and nothing was put (--dry-run)" in result.output
    assert not services.put


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
    assert "not better beyond the interval" in result.output
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
