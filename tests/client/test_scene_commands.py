"""visrec scene and experiment as they are typed, against the ranker itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from services.ranker.app import build
from services.ranker.scenes.scene import SCENES
from services.ranker.settings import RankerSettings
from services.runtime.app import AsyncApp
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import Telemetry
from tests.servers import serving_on_a_loop
from visrec.cli import app
from visrec.client import Client
from visrec.connection import Targets

Run = Callable[..., tuple[int, str, str]]

SHOP = SCENES["shop"]


async def _nothing() -> None:
    pass


@pytest.fixture
def ranker(redis_runtime: RuntimeSettings) -> Iterator[str]:
    """Where it is. Its canary asks the indexer, which is not there; the scenes are."""

    async def alone() -> AsyncApp:
        return replace(await build(RankerSettings(), redis_runtime, Telemetry()), canary=_nothing)

    with serving_on_a_loop(alone, redis_runtime) as served:
        yield served.target


@pytest.fixture
def run(ranker: str) -> Run:
    """Runs `visrec ARGUMENTS`: exit code, standard output and standard error in one line each."""

    def run_(*arguments: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(app, list(arguments), env={"VISREC_RANKER_TARGET": ranker, "COLUMNS": "200"})
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        out, err = (" ".join(text.replace("│", " ").split()) for text in (result.stdout, result.stderr))
        return result.exit_code, out, err

    return run_


def shown(run: Run, scene: str = "shop") -> dict[str, object]:
    """The scene as programs read it."""
    code, out, _ = run("scene", "show", scene, "--json")
    assert code == 0
    (found,) = json.loads(out)["scenes"]
    assert isinstance(found, dict)
    return found


def test_what_weighs_is_shown_heaviest_first(run: Run) -> None:
    code, out, _ = run("scene", "show", "shop")
    assert code == 0
    assert "version builtin-2" in out
    assert out.index("photo 1") < out.index("taste 0.7") < out.index("popularity 0.15") < out.index("block content 1")
    assert {"art", "balanced", "shop", "social"} <= set(run("scene", "list")[1].split())


def test_what_is_named_is_changed_and_the_rest_stays(run: Run) -> None:
    code, out, _ = run("scene", "put", "shop", "taste=0.9", "popularity=0", "colour=0.5", "--block", "style=0.2")
    assert code == 0
    assert "version builtin-2+1" in out
    assert shown(run)["signal_weights"] == {**SHOP.signals, "taste": 0.9, "popularity": 0.0}
    assert shown(run)["block_weights"] == {"content": 1.0, "colour": 0.5, "style": 0.2}
    assert shown(run)["description"] == SHOP.description


def test_a_scene_of_ones_own_begins_like_another(run: Run) -> None:
    assert run("scene", "put", "winter", "--like", "shop", "freshness=0.2", "--description", "Coats.")[0] == 0
    winter = shown(run, "winter")
    assert winter["description"] == "Coats."
    assert winter["signal_weights"] == {**SHOP.signals, "freshness": 0.2}
    code, _, err = run("scene", "put", "winter", "--like", "art")
    assert (code, err) == (1, "error: there is a scene winter already; leave out --like to change it")


def test_deleting_brings_back_what_the_services_came_with(run: Run) -> None:
    run("scene", "put", "shop", "taste=0.9")
    run("scene", "put", "winter", "--like", "shop")
    assert run("scene", "delete", "shop")[0] == 1, "nobody is at the terminal to say yes"
    for scene in ("shop", "winter"):
        assert run("scene", "delete", scene, "--yes")[0] == 0
    assert shown(run)["signal_weights"] == SHOP.signals
    code, _, err = run("scene", "show", "winter")
    assert (code, err) == (1, "error: there is no scene 'winter'; there are art, balanced, shop, social")


def test_an_experiment_is_started_seen_and_kept(run: Run) -> None:
    assert run("experiment", "list")[1] == "nothing is tried; `visrec experiment start` begins it"
    code, out, _ = run("experiment", "start", "shop", "spring", "taste=0.9", "popularity=0", "--share", "0.1")
    assert code == 0
    assert "control, 90% changed, 10%" in out
    assert "taste 0.7 0.9" in out
    run("experiment", "add", "shop", "colour=1", "--variant", "palette", "--share", "0.125")
    told = run("experiment", "list")[1]
    assert "shop spring control 77.5% shop spring changed 10% popularity 0.15 → 0, taste 0.7 → 0.9" in told
    assert "shop spring palette 12.5% colour 0.3 → 1" in told
    code, out, _ = run("experiment", "stop", "shop", "--keep", "changed")
    assert code == 0
    assert "python -m jobs experiment -c CATALOGUE --scene shop --name spring" in out
    assert shown(run)["signal_weights"] == {**SHOP.signals, "taste": 0.9, "popularity": 0.0}
    assert shown(run)["block_weights"] == SHOP.blocks
    assert "experiment" not in shown(run)


def test_an_experiment_that_is_dropped_leaves_the_scene_as_it_was(run: Run) -> None:
    run("experiment", "start", "shop", "spring", "taste=0.9", "--share", "0.1")
    assert run("experiment", "stop", "shop")[0] == 0
    assert shown(run)["signal_weights"] == SHOP.signals


def test_the_control_of_an_experiment_is_not_changed_under_it(run: Run) -> None:
    run("experiment", "start", "shop", "spring", "--share", "0.5")
    code, _, err = run("scene", "put", "shop", "taste=0.9")
    assert code == 1
    assert err.endswith("whose control would change under it; `visrec experiment stop shop` ends it")
    assert "has the experiment spring already" in run("experiment", "start", "shop", "autumn", "--share", "0.5")[2]
    assert run("scene", "put", "shop", "--description", "Boots first.")[0] == 0
    assert shown(run)["experiment"], "words change nobody's answers"


@pytest.mark.parametrize("arguments", [("scene", "put", "shop", "taste=1"), ("experiment", "start", "shop", "spring")])
def test_only_what_was_read_is_replaced(run: Run, ranker: str, arguments: tuple[str, ...]) -> None:
    version = json.loads(run("scene", "show", "shop", "--json")[1])["weights_version"]
    run("scene", "put", "art", "taste=0.1")
    more = ("--share", "0.5") if "start" in arguments else ()
    code, _, err = run(*arguments, *more, "--if-version", version)
    assert code == 1
    assert err.endswith("nothing was put; look at `visrec scene show shop` first")
    assert shown(run)["signal_weights"] == SHOP.signals


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("scene", "put", "shop", "tast=1"), "the weight tast: no such signal; there are photo"),
        (("scene", "put", "shop", "taste=-1"), "the weight taste: must be finite and not negative"),
        (("scene", "put", "Shop!", "--like", "shop"), "the scene's name: must be 1 to 32 letters"),
        (("experiment", "start", "shop", "Spring!", "--share", "0.1"), "the experiment's name: must be 1 to 32"),
        (("experiment", "start", "shop", "spring", "--share", "0"), "--share: must be more than 0"),
        (("experiment", "start", "shop", "s", "--share", "1", "--variant", "control"), "--variant: no name twice"),
        (("experiment", "start", "shop", "spring", "tast=1", "--share", "0.1"), "the weight tast: no such signal"),
        (("experiment", "stop", "shop"), "shop has no experiment; `visrec experiment start shop NAME …`"),
        (("experiment", "start", "shpo", "spring", "--share", "0.1"), "there is no scene 'shpo'; there are art"),
    ],
)
def test_what_cannot_be_is_told_as_it_was_typed(run: Run, arguments: tuple[str, ...], words: str) -> None:
    code, _, err = run(*arguments)
    assert (code, words in err) == (1, True), err


def test_a_variant_that_is_not_tried_cannot_be_kept(run: Run) -> None:
    run("experiment", "start", "shop", "spring", "--share", "0.1")
    code, _, err = run("experiment", "stop", "shop", "--keep", "chnaged")
    assert (code, err) == (1, "error: shop tries no variant 'chnaged'; it tries changed")
    assert shown(run)["experiment"]


@pytest.mark.parametrize("arguments", [("scene", "put", "shop"), ("scene", "put", "shop", "taste")])
def test_wrong_usage_has_its_own_exit_code(run: Run, arguments: tuple[str, ...]) -> None:
    code, _, err = run(*arguments)
    assert (code, "such as taste=0.9" in err) == (2, True)


def test_a_room_that_is_full_says_how_to_make_some(run: Run, ranker: str) -> None:
    with Client.connect(Targets(ranker=ranker)) as client:
        scene, _ = client.scene("shop")
        for number in range(60):
            scene.name = f"own-{number}"
            client.put_weights(scene)
    code, _, err = run("scene", "put", "winter", "--like", "shop")
    assert (code, err) == (1, "error: there are 60 scenes already; `visrec scene delete SCENE` makes room")
