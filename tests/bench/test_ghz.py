from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format, symbol_database

from bench import sample
from bench.failure import BenchFailed
from bench.fleet import ROOT, running
from bench.ghz import Report, find, report
from bench.load import CALLERS, CONFIGURATIONS, table, write_requests
from visrec.connection import Targets
from visrec.v1 import embedder_pb2, indexer_pb2, profile_pb2, ranker_pb2

FILES = {path.stem: json.loads(path.read_text()) for path in (ROOT / "deploy" / "ghz").glob("*.json")}
SERVICES = {
    service.full_name: service
    for module in (embedder_pb2, indexer_pb2, profile_pb2, ranker_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
}


def without_templates(data: Any) -> Any:
    """The data as ghz sends it the first time; its templates draw numbers from 0."""
    text = re.sub(r"\{\{randomInt 0 \d+\}\}", "0", json.dumps(data).replace("{{.UUID}}", "some-id"))
    return json.loads(text)


def test_every_configuration_is_run() -> None:
    assert set(CONFIGURATIONS) == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_a_configuration_calls_an_rpc_with_a_request_it_understands(name: str, tmp_path: Path) -> None:
    configuration = FILES[name]
    service, _, method = configuration["call"].rpartition(".")
    request = SERVICES[service].methods_by_name[method].input_type
    write_requests([b"a photo"], tmp_path)
    data = configuration.get("data") or json.loads((tmp_path / Path(configuration["data-file"]).name).read_text())
    for each in data if isinstance(data, list) else [data]:
        message = symbol_database.Default().GetSymbol(request.full_name)()
        json_format.ParseDict(without_templates(each), message)
        assert message.ByteSize()


@pytest.mark.parametrize("name", FILES)
def test_a_configuration_calls_the_default_target_from_32_callers(name: str) -> None:
    configuration = FILES[name]
    assert configuration["host"] == getattr(Targets(), CONFIGURATIONS[name])
    assert configuration["concurrency"] == CALLERS
    assert configuration["protoset"] == "var/load/requests/visrec.protoset"
    assert configuration["timeout"], "every wait has a deadline"


def test_templates_draw_from_the_items_and_people_there_are() -> None:
    drawn = re.findall(r"(\w+)-\{\{randomInt 0 (\d+)\}\}", json.dumps(FILES))
    assert {("item", str(sample.ITEMS)), ("load", str(sample.PEOPLE)), ("writer", str(sample.PEOPLE))} == set(drawn)


def test_a_report_has_milliseconds_and_every_status_that_is_not_ok() -> None:
    report = Report.parse(
        "search",
        {
            "name": "Search",
            "count": 12,
            "rps": 3.5,
            "latencyDistribution": [{"percentage": 50, "latency": 2_000_000}, {"percentage": 99, "latency": 9_000_000}],
            "statusCodeDistribution": {"OK": 10, "ResourceExhausted": 2},
        },
    )
    assert (report.name, report.count, report.p50_ms, report.p99_ms) == ("Search", 12, 2.0, 9.0)
    assert report.errors == {"ResourceExhausted": 2}
    assert not report.good
    assert table([report], "1s").row_count == 1


def test_a_run_without_answers_is_not_good() -> None:
    empty = {"count": 0, "rps": 0, "latencyDistribution": None, "statusCodeDistribution": None}
    assert not Report.parse("search", empty).good


def test_without_ghz_and_go_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BenchFailed, match="without go"):
        find(tmp_path)


def test_a_ghz_that_was_built_before_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    (tmp_path / "ghz").touch()
    assert find(tmp_path) == tmp_path / "ghz"


def test_what_ghz_says_instead_of_a_report_is_passed_on() -> None:
    complaint = [sys.executable, "-c", "import sys; sys.exit('connection refused')"]
    with pytest.raises(BenchFailed, match="connection refused"):
        report(complaint, "search")


def test_services_that_do_not_run_are_named() -> None:
    nowhere = "127.0.0.1:1"
    with pytest.raises(BenchFailed, match=f"embedder at {nowhere}"):
        running(Targets(nowhere, nowhere, nowhere, nowhere))
