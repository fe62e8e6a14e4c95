from __future__ import annotations

import base64
import json
import socket
from collections.abc import Callable
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import grpc
import pytest
from typer.testing import CliRunner

from tests.client.fakes import Fleet
from visrec import tables
from visrec.cli import app
from visrec.commands.faults import sentence
from visrec.errors import FieldViolation, VisrecCallError
from visrec.options import as_typed, option
from visrec.v1 import profile_pb2, ranker_pb2

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(services: Fleet) -> Run:
    """Runs `visrec ARGUMENTS` against the fakes: exit code, standard output and standard error."""

    def run_(*arguments: str, environment: dict[str, str] | None = None) -> tuple[int, str, str]:
        variables = {**services.environment, "COLUMNS": "200", "VISREC_CATALOGUE": "shop", **(environment or {})}
        result = CliRunner().invoke(app, list(arguments), env=variables)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    return run_


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three photos in two categories, one of them broken."""
    for name, data in {"chairs/red.jpg": b"x", "chairs/[b]lue.jpg": b"x", "lamps/tall.jpg": b"bad"}.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    return tmp_path


def test_a_folder_is_ingested_and_what_fails_is_named(run: Run, folder: Path, services: Fleet) -> None:
    code, out, err = run("ingest", str(folder), "-c", "new", "--domain", "furniture")
    assert code == 1
    assert "2 of 3 items are in new." in out
    assert "left out lamps/tall.jpg: photos[0]: not a picture" in err
    assert services.indexer.catalogues["new"]["chairs/red.jpg"].domain == "furniture"


def test_a_bad_row_is_named_and_the_others_go_in(run: Run, folder: Path, services: Fleet) -> None:
    rows = ["id,image,price", "a,chairs/red.jpg,5", "b,gone.jpg,5", "c,chairs/red.jpg,cheap", "d,lamps/tall.jpg,5"]
    (folder / "items.csv").write_text("\n".join(rows))
    code, out, err = run("ingest", str(folder))
    assert code == 1
    assert "1 of 4 items are in shop." in out
    assert err.count("left out") == 3
    assert "line 3: image" in err
    assert "line 4: price 'cheap'" in err
    assert set(services.indexer.catalogues["shop"]) == {"a"}


def test_ingest_can_insist_on_an_existing_catalogue(run: Run, folder: Path) -> None:
    code, _, err = run("ingest", str(folder), "-c", "new", "--no-create")
    assert code == 1
    assert "visrec catalogue create NAME" in err


@pytest.fixture
def stocked(run: Run, folder: Path) -> Run:
    """The command with two chairs in `shop`, and anna."""
    run("ingest", str(folder))
    run("user", "put", "anna", "--age", "31", "--interest", "plants", "--personalisation")
    return run


def test_a_recommendation_is_a_table_with_reasons(stocked: Run, services: Fleet, folder: Path) -> None:
    photo = str(folder / "chairs/red.jpg")
    code, out, _ = stocked("recommend", "--photo", photo, "-u", "anna", "--explain", "--seed", "a=-0.5", "--seed", "b")
    assert code == 0
    assert "[b]lue" in out
    assert "+0.900 photo content" in out
    assert "shows the same kind of thing" in out
    assert "left out taste: nothing is known yet" in out
    request = services.ranker.requests[-1]
    assert (request.user_id, request.explain) == ("anna", True)
    assert {seed.item_id: seed.weight for seed in request.seeds} == {"a": -0.5, "b": 1.0}


def test_a_kept_answer_is_turned_told_again_and_explained(stocked: Run, folder: Path) -> None:
    _, out, _ = stocked("recommend", "-n", "1")
    assert "kept     as shop" in out
    assert "more     visrec next shop:1" in out
    code, out, _ = stocked("next", "shop:1")
    assert (code, "red" in out) == (0, True)
    code, out, _ = stocked("shown", "shop")
    assert (code, "shown    2027-01-15" in out) == (0, True)
    photo = str(folder / "chairs/red.jpg")
    code, out, _ = stocked("explain", "shop", "chairs/red.jpg", "--photo", photo)
    assert code == 0
    assert "photo content" in out
    assert "If popularity counted 20%, it would leave" in out
    assert "where the photo's content counts\n    \n▂▂██" in out


def test_an_answer_that_is_no_longer_kept_is_said_to_be(stocked: Run) -> None:
    for arguments in (["shown", "gone"], ["explain", "gone", "chairs/red.jpg"]):
        code, _, err = stocked(*arguments)
        assert code == 1
        assert "no answer is kept as gone; give what `visrec recommend` tells behind `kept`" in err
    code, _, err = stocked("next", "gone")
    assert code == 1
    assert "no answer has the token gone; give what `visrec recommend` tells behind `more`" in err


def test_a_page_is_turned_by_what_an_answer_is_kept_as_too(stocked: Run) -> None:
    code, out, _ = stocked("next", "shop")
    assert (code, "red" in out) == (0, True)
    assert stocked("next", "shop:2")[1] == "nothing comes behind it: all that was ranked has been shown\n"


def test_an_item_that_was_not_ranked_is_told_with_where_the_others_are(stocked: Run) -> None:
    code, _, err = stocked("explain", "shop", "nope")
    assert code == 1
    assert "nope was not ranked in this answer; `visrec shown shop` tells" in err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--category", "beds"], "none of 2 items passes by category; category is one of: chairs (2)"),
        (["--category", "beds", "--max-price", "5"], "none of 2 items passes by category, price; category is one of"),
        (
            ["--domain", "beds", "--category", "beds"],
            "none of 2 items passes by category, domain; category is one of: chairs (2); no item has a domain",
        ),
        (["--exclude", "chairs/red.jpg", "--exclude", "chairs/[b]lue.jpg"], "what may be shown was excluded"),
        (["-u", "[a]", "--exclude", "chairs/red.jpg", "--exclude", "chairs/[b]lue.jpg"], "[a] has seen all"),
    ],
)
def test_an_empty_answer_says_why(stocked: Run, arguments: list[str], why: str) -> None:
    code, out, _ = stocked("recommend", *arguments)
    assert code == 0
    assert out.startswith(f"nothing found: {why}")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["item", "list", "-c", "empty"], "empty has no items; `visrec ingest FOLDER -c empty`"),
        (["popular", "-c", "empty"], "empty has no items; `visrec ingest FOLDER -c empty`"),
        (["popular"], "nobody has done anything lately; `visrec events record USER like ITEM -c shop`"),
    ],
)
def test_an_empty_list_says_why(stocked: Run, services: Fleet, arguments: list[str], why: str) -> None:
    services.indexer.catalogues["empty"] = {}
    code, out, _ = stocked(*arguments)
    assert code == 0
    assert out.startswith(f"nothing found: {why}")


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


def test_a_time_may_leave_out_the_zone(stocked: Run, services: Fleet) -> None:
    for when in ("2026-11-28T10:00:00Z", "2026-11-28 11:00:00+01:00", "2026-11-28"):
        assert stocked("events", "record", "anna", "like", "chairs/red.jpg", "--when", when)[0] == 0
    told = {event.time.seconds for event in services.profile.events.values()}
    assert told == {1_795_860_000, round(datetime(2026, 11, 28).astimezone().timestamp())}


def test_who_refused_photo_learning_is_told_of_that() -> None:
    for message, step in (
        ("the person has not consented to it", "consent USER --photo-learning"),
        ("the person has not consented to personalisation", "consent USER --personalisation --photo-learning"),
    ):
        refused = ranker_pb2.DroppedSignal(signal="remember_photo", reason="NO_CONSENT", message=message)
        answer = ranker_pb2.RecommendResponse(dropped=[refused])
        assert f"`visrec user {step}`" in tables.basis(answer)


def test_rules_and_diversity_reach_the_ranker(stocked: Run, services: Fleet) -> None:
    stocked("recommend", "--min-price", "2", "--currency", "EUR", "--available", "--boost", "attributes.a=x=y=-0.5")
    request = services.ranker.requests[-1]
    assert [condition.field for condition in request.filter.must] == ["price", "currency"]
    assert request.rules.only_available
    (boost,) = request.rules.boosts
    assert (boost.name, boost.field, list(boost.values), boost.amount) == ("boost-1", "attributes.a", ["x=y"], -0.5)
    stocked("recommend", "--max-per-category", "2", "--max-per-group", "1", "--near-duplicates", "0.98")
    rules = services.ranker.requests[-1].rules
    assert (rules.max_per_category, rules.max_per_group, rules.near_duplicate_cosine) == (2, 1, 0.98)
    stocked("recommend", "--diversity", "0.3", "--reciprocal-rank", "--language", "zh", "--record-impressions")
    request = services.ranker.requests[-1]
    assert (request.diversity, request.fusion, request.language) == (0.3, ranker_pb2.FUSION_RECIPROCAL_RANK, "zh")
    assert request.record_impressions


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


def test_who_was_never_asked_is_told_apart_from_who_refused(stocked: Run) -> None:
    stocked("user", "put", "bob")
    advice = "`visrec user consent bob --personalisation` records that they agree"
    assert stocked("user", "taste", "bob")[1].startswith("They were never asked about personalisation")
    stocked("user", "consent", "bob", "--no-personalisation")
    out = stocked("user", "taste", "bob")[1]
    assert out.startswith("They refused personalisation")
    assert advice in out


def test_filters_and_weights_reach_the_ranker(stocked: Run, services: Fleet) -> None:
    stocked("recommend", "--category", "chairs", "--max-price", "5", "--signal", "taste=2", "--block", "colour=1")
    request = services.ranker.requests[-1]
    assert [condition.field for condition in request.filter.must] == ["category", "price"]
    assert dict(request.signal_weights) == {"taste": 2.0}
    assert dict(request.block_weights) == {"colour": 1.0}


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
        (["scenes", "--json"], ["scenes", 0, "name"], "balanced"),
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
        (["scenes"], ["balanced", "photo 1"]),
        (["model"], ["toy@1: content 2"]),
    ],
)
def test_every_answer_can_be_read_by_people(stocked: Run, arguments: list[str], words: list[str]) -> None:
    code, out, _ = stocked(*arguments)
    assert code == 0
    for word in words:
        assert word in out


def test_events_are_recorded_and_show_in_taste_and_popularity(stocked: Run, services: Fleet) -> None:
    code, out, _ = stocked("events", "record", "anna", "like", "chairs/red.jpg", "chairs/[b]lue.jpg")
    assert code == 0
    assert "chairs/red.jpg: learned" in out
    assert {event.type for event in services.profile.events.values()} == {profile_pb2.EVENT_TYPE_LIKE}
    assert "chairs/[b]lue.jpg (like)" in stocked("user", "taste", "anna")[1]
    assert "Red" in stocked("popular")[1]


def test_an_event_of_somebody_unknown_says_what_to_do(stocked: Run) -> None:
    code, out, _ = stocked("events", "record", "nobody", "like", "chairs/red.jpg")
    assert code == 1
    assert "user 'nobody' does not exist; `visrec user put USER` makes one" in out


def test_consent_is_changed_purpose_by_purpose(stocked: Run, services: Fleet) -> None:
    code, out, _ = stocked("user", "consent", "anna", "--no-photo-learning")
    assert code == 0
    assert "refused" in out
    assert stocked("user", "consent", "anna")[0] == 2


def test_erasing_needs_a_yes_and_gives_a_receipt(stocked: Run, services: Fleet) -> None:
    assert stocked("user", "delete", "anna")[0] == 1
    assert "anna" in services.profile.users
    code, out, _ = stocked("user", "delete", "anna", "--yes")
    assert code == 0
    for words in ("1 removed", "2026-01-01 00:00", "refused until 2026-01-31", "asked to write them anew", "backups"):
        assert words in out
    assert "anna" not in services.profile.users


def test_all_that_is_held_about_a_person_is_told(stocked: Run) -> None:
    stocked("events", "record", "anna", "like", "chairs/red.jpg")
    code, out, _ = stocked("user", "export", "anna")
    assert code == 0
    for words in ("plants", "1 in shop", "32 events in shop", "7 remembered", "1 recommended to them", "2026-01-31"):
        assert words in out
    whole = json.loads(stocked("user", "export", "anna", "--json")[1])
    assert [event["item_id"] for event in whole["events"]] == ["chairs/red.jpg"]
    assert base64.b64decode(whole["held"][0]["content"]) == b"as it is kept"
    assert stocked("user", "export", "nobody")[0] == 1


def test_segments_are_listed_with_what_their_people_have_in_common(run: Run, services: Fleet) -> None:
    services.profile.segments = [
        profile_pb2.Segment(
            segment_id=name,
            description=f"likes {name.split('-')[0]} (80%, 2.1 x)",
            people=people,
            typical_item_ids=["a", "b", "c", "d"],
        )
        for name, people in (("lamps-3f2a", 1200), ("rugs-91bc", 80), ("vases-0a1b", 25))
    ]
    code, out, _ = run("segments", "list", "shop")
    assert code == 0
    for words in ("lamps-3f2a", "1,200", "likes rugs (80%, 2.1 x)", "vases-0a1b", "a, b, c"):
        assert words in out
    assert ", d" not in out
    assert len(json.loads(run("segments", "list", "--json")[1])["segments"]) == 3
    assert "python -m jobs segments" in run("segments", "list", "other")[1]


def test_a_catalogue_comes_and_goes(run: Run, services: Fleet) -> None:
    assert run("catalogue", "create", "attic")[0] == 0
    code, _, err = run("catalogue", "create", "attic")
    assert (code, err.count("\n")) == (1, 1)
    told = run("catalogue", "delete", "attic", "--yes")[1]
    assert "attic is gone" in told
    assert "python -m jobs forget-catalogue -c attic" in told
    assert "attic" not in services.indexer.catalogues


def test_people_are_listed(stocked: Run, run: Run) -> None:
    code, out, _ = stocked("user", "list")
    assert code == 0
    assert "anna" in out
    assert "plants" in out
    assert [each["user_id"] for each in json.loads(run("user", "list", "--json")[1])["users"]] == ["anna"]


@pytest.mark.parametrize("when", ["2026-11-28T10:00:00Z", "2026-11-28T12:00:00+02:00", "2026-11-28 10:00:00.0+0000"])
def test_an_event_has_a_time_with_its_zone_and_what_it_followed_from(stocked: Run, services: Fleet, when: str) -> None:
    code, _, err = stocked("events", "record", "anna", "like", "a", "--when", when, "--recommendation", "r1")
    assert (code, err) == (0, "")
    (event,) = services.profile.events.values()
    assert event.time.ToJsonString() == "2026-11-28T10:00:00Z"
    assert event.recommendation_id == "r1"


def test_items_are_deleted_by_id(stocked: Run, services: Fleet) -> None:
    code, out, err = stocked("item", "delete", "chairs/red.jpg", "nothing", "--yes")
    assert (code, out) == (1, "1 of 2 items are gone.\n")
    assert err == "left out nothing: there is no such item\n"
    assert list(services.indexer.catalogues["shop"]) == ["chairs/[b]lue.jpg"]


@pytest.mark.parametrize(
    "what", [["item", "delete", "chairs/red.jpg"], ["catalogue", "delete", "shop"], ["user", "delete", "anna"]]
)
def test_nothing_is_removed_unasked(stocked: Run, services: Fleet, what: list[str]) -> None:
    """There is nobody at the terminal to say yes."""
    assert stocked(*what)[0] == 1
    assert len(services.indexer.catalogues["shop"]) == 2
    assert "anna" in services.profile.users


@pytest.mark.parametrize("what", [["item", "delete", "x"], ["catalogue", "delete", "x"], ["user", "delete", "x"]])
def test_what_does_not_exist_is_not_asked_about(stocked: Run, what: list[str]) -> None:
    code, out, err = stocked(*what)
    assert code == 1
    assert "?" not in out
    assert "no such item" in err or "does not exist" in err


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
    code, _, err = run("scenes", environment={"VISREC_RANKER_TARGET": "127.0.0.1:1"})
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
    assert run("scenes", environment=variables) == (1, "", f"error: {told}\n")


def test_an_answer_that_takes_too_long_says_how_to_wait_longer(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        target = f"127.0.0.1:{silent.getsockname()[1]}"
        code, _, err = run("--timeout", "0.1", "scenes", environment={"VISREC_RANKER_TARGET": target})
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


def test_an_empty_answer_says_so_with_what_was_used(stocked: Run, services: Fleet) -> None:
    services.indexer.catalogues["shop"].clear()
    code, out, _ = stocked("recommend")
    assert code == 0
    assert out.startswith("nothing found: shop has no items; `visrec ingest FOLDER -c shop` brings some")
    assert "used " in out


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


@pytest.mark.parametrize("command", [[], ["ingest"], ["recommend"], ["similar"], ["user", "put"], ["events", "record"]])
def test_help_has_an_example(run: Run, command: list[str]) -> None:
    code, out, _ = run(*command, "--help")
    assert code == 0
    assert f"visrec {' '.join(command)}".strip() in out.split("Options")[0].split("Usage", 1)[1]
