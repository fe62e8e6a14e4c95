"""What all commands have: answers for people and for programs, errors of one line, help."""

from __future__ import annotations

import json
import socket
from importlib.metadata import version
from typing import Any

import grpc
import pytest

from tests.client.conftest import Run
from visrec import tables
from visrec.commands.faults import sentence
from visrec.errors import FieldViolation, VisrecCallError
from visrec.options import as_typed, option
from visrec.v1 import ranker_pb2


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["recommend", "--min-price", "100", "--max-price", "50"], "--min-price 100 is more than --max-price 50"),
        (["similar", "--item", "a", "--currency", "dollars"], "--currency dollars: give three capital letters"),
        (["recommend", "--boost", "lamps=0.1"], "give FIELD=VALUE=AMOUNT"),
        (["recommend", "--boost", "colour=red=0.1"], "FIELD: category, domain, tags"),
        (["recommend", "--boost", "category=lamps=2"], "AMOUNT: from -1 to 1"),
        (["events", "record", "anna", "like", "a", "--when", "yesterday"], "give ISO 8601, such as 2026-11-28"),
    ],
)
def test_what_cannot_be_meant_is_told_with_its_form(stocked: Run, arguments: list[str], why: str) -> None:
    code, _, err = stocked(*arguments)
    assert code == 2
    assert why in " ".join(err.replace("│", " ").split())


@pytest.mark.parametrize(
    ("path", "typed"),
    [
        ("signal_weights['taste']", "--signal taste"),
        ("queries[0].block_weights", "--block"),
        ("photo.data", "--photo"),
        ("user.attributes.interests[1]", "--interest"),
        ("catalogue", "catalogue"),
    ],
)
def test_a_wrong_field_is_named_as_it_was_typed(path: str, typed: str) -> None:
    assert option(path) == typed
    wrong = (FieldViolation(path, "is wrong"),)
    for message in (f"{path}: is wrong", "is wrong"):
        error = as_typed(VisrecCallError(grpc.StatusCode.INVALID_ARGUMENT, message, violations=wrong))
        assert sentence(error) == f"{typed}: is wrong"


@pytest.mark.parametrize(
    ("arguments", "path", "expected"),
    [
        (["recommend", "--json"], ["recommendations", 0, "rank"], 1),
        (["similar", "--item", "chairs/red.jpg", "--json"], ["hits", 0, "item_id"], "chairs/[b]lue.jpg"),
        (["item", "get", "chairs/red.jpg", "--json"], ["item", "category"], "chairs"),
        (["item", "list", "-n", "1", "--json"], ["items", 0, "item", "id"], "chairs/[b]lue.jpg"),
        (["stats", "--json"], ["catalogues", 0, "catalogue"], "shop"),
        (["catalogue", "list", "--json"], ["catalogues", 0, "name"], "shop"),
        (["user", "get", "anna", "--json"], ["attributes", "age"], 31),
        (["user", "taste", "anna", "--json"], ["personalised"], True),
        (["popular", "--json"], ["half_life_hours"], 336.0),
        (["scene", "list", "--json"], ["scenes", 0, "name"], "balanced"),
        (["model", "--json"], ["name"], "toy"),
    ],
)
def test_every_answer_can_be_read_by_programs(
    stocked: Run, arguments: list[str], path: list[str | int], expected: object
) -> None:
    code, out, _ = stocked(*arguments)
    assert code == 0
    found: Any = json.loads(out)
    for step in path:
        found = found[step]
    assert found == expected


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["similar", "--item", "chairs/red.jpg"], ["Red", "0.900", "content"]),
        (["item", "get", "chairs/red.jpg"], ["chairs/red.jpg", "pictures"]),
        (["item", "list"], ["chairs/[b]lue.jpg"]),
        (["stats"], ["shop", "every acknowledged write"]),
        (["catalogue", "list"], ["shop", "toy@1"]),
        (["user", "get", "anna"], ["31", "plants", "given", "never asked"]),
        (["user", "taste", "anna"], ["Nothing yet"]),
        (["scene", "list"], ["balanced", "photo 1"]),
        (["model"], ["toy@1: content 2"]),
    ],
)
def test_every_answer_can_be_read_by_people(stocked: Run, arguments: list[str], words: list[str]) -> None:
    code, out, _ = stocked(*arguments)
    assert code == 0
    for word in words:
        assert word in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["stats", "attic"], "error: catalogue 'attic' does not exist; `visrec catalogue list` shows"),
        (["user", "get", "nobody"], "error: user 'nobody' does not exist; `visrec user put USER` makes one"),
        (["recommend", "--photo", "missing.jpg"], "error: missing.jpg: no such file or directory"),
        (["ingest", "nowhere"], "error: nowhere does not exist: give a folder of photos or an items.csv"),
    ],
)
def test_what_goes_wrong_is_one_line_that_says_what_to_do(run: Run, arguments: list[str], sentence: str) -> None:
    code, out, err = run(*arguments)
    assert code == 1
    assert out == ""
    assert err.startswith(sentence)
    assert err.count("\n") == 1


def test_nobody_listening_says_how_to_start_the_services(run: Run) -> None:
    code, _, err = run("scene", "list", environment={"VISREC_RANKER_TARGET": "127.0.0.1:1"})
    assert code == 1
    assert err.startswith("error: no ranker answers at 127.0.0.1:1; start it with `python -m services ranker`, all of")
    assert "VISREC_RANKER_TARGET" in err


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"VISREC_CHANNEL_CA": "README.md"}, "README.md holds no PEM certificate"),
        (
            {"VISREC_RANKER_TARGET": "???"},
            "VISREC_RANKER_TARGET: give host:port, dns:///host:port or unix:path, not '???'",
        ),
        (
            {"VISREC_RANKER_TARGE": "x"},
            "VISREC_RANKER_TARGE: there is no such variable; did you mean VISREC_RANKER_TARGET?",
        ),
    ],
)
def test_a_wrong_variable_is_one_line(run: Run, variables: dict[str, str], told: str) -> None:
    assert run("scene", "list", environment=variables) == (1, "", f"error: {told}\n")


def test_an_answer_that_takes_too_long_says_how_to_wait_longer(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        target = f"127.0.0.1:{silent.getsockname()[1]}"
        code, _, err = run("--timeout", "0.1", "scene", "list", environment={"VISREC_RANKER_TARGET": target})
    assert code == 1
    assert err == f"error: the ranker at {target} did not answer in time; `visrec --timeout SECONDS …` waits longer\n"


def test_advice_names_commands_and_no_calls() -> None:
    message = "catalogue 'attic' does not exist; CreateCatalogue makes one"
    error = VisrecCallError(grpc.StatusCode.NOT_FOUND, message, "CATALOGUE_NOT_FOUND")
    assert "CreateCatalogue" not in sentence(error)
    assert "catalogue 'attic' does not exist; `visrec catalogue list` shows" in sentence(error)
    dropped = ranker_pb2.DroppedSignal(signal="taste", reason="USER_NOT_FOUND", message="unknown; PutUser makes one")
    said = tables.signals(ranker_pb2.RecommendResponse(dropped=[dropped]))
    assert "left out[/] taste: unknown; `visrec user put USER` makes one" in said


def test_the_version_is_told(run: Run) -> None:
    assert run("--version") == (0, f"visrec {version('visrec')}\n", "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["similar"],
        ["recommend", "-n", "0"],
        ["recommend", "--signal", "taste=much"],
        ["recommend", "--boost", "category=lamps"],
        ["events", "record", "anna", "adore", "x"],
        ["nonsense"],
    ],
)
def test_wrong_usage_has_its_own_exit_code(run: Run, arguments: list[str]) -> None:
    assert run(*arguments)[0] == 2


@pytest.mark.parametrize(
    "command", [[], ["ingest"], ["recommend"], ["similar"], ["user", "put"], ["events", "record"], ["scene", "put"]]
)
def test_help_has_an_example(run: Run, command: list[str]) -> None:
    code, out, _ = run(*command, "--help")
    assert code == 0
    assert f"visrec {' '.join(command)}".strip() in out.split("Options")[0].split("Usage", 1)[1]
