from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

import visrec.v1.embedder_pb2
import visrec.v1.indexer_pb2
import visrec.v1.profile_pb2
import visrec.v1.ranker_pb2
from deploy.check import complaints
from deploy.manifests import K8S, BrokenManifests, load, plain, rendered, renderer
from jobs.__main__ import app
from jobs.collaborative.generation import YOUNG_S
from jobs.terminal import EXIT_NOTHING
from services.runtime import health
from services.runtime.settings import METRICS_PORTS, PORTS, RuntimeSettings

CALLS = {
    "ranker": {"profile", "indexer", "embedder", "redis"},
    "profile": {"indexer", "redis"},
    "indexer": {"embedder", "redis"},
    "embedder": {"redis"},
    "redis": set(),
    "jobs": {"embedder", "indexer", "profile", "ranker"},
}
"""Who calls whom, as ARCHITECTURE.md has it."""

CONTRACT = {
    name: getattr(visrec.v1, f"{name}_pb2").DESCRIPTOR.services_by_name[f"{name.title()}Service"].full_name
    for name in PORTS
}
NAME = "app.kubernetes.io/name"


def of_kind(*kinds: str) -> dict[str, Any]:
    return {m["metadata"]["name"]: m for m in plain(K8S) if m["kind"] in kinds}


WORKLOADS = of_kind("Deployment", "StatefulSet", "CronJob")
JOBS = of_kind("CronJob")
SETTINGS = dict(
    line.split("=", 1) for line in (K8S / "settings.env").read_text().splitlines() if line and not line.startswith("#")
)


def template(name: str) -> Any:
    spec = WORKLOADS[name]["spec"]
    return (spec["jobTemplate"]["spec"] if name in JOBS else spec)["template"]


def pod(name: str) -> Any:
    return template(name)["spec"]


def container(name: str) -> Any:
    (only,) = pod(name)["containers"]
    return only


def test_kubernetes_accepts_every_manifest() -> None:
    assert list(complaints(load())) == []


def test_a_misspelt_field_and_an_unknown_kind_are_faults() -> None:
    manifest = deepcopy(dict(WORKLOADS["ranker"]))
    manifest["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    faults = list(complaints([manifest, {"apiVersion": "v1", "kind": "Nonsense"}], versions=("1.37",)))
    assert len(faults) == 2
    assert "readynessProbe" in faults[0]
    assert "Nonsense" in faults[1]


def test_a_manifest_that_is_not_listed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: [a.yaml]")
    (tmp_path / "a.yaml").write_text("kind: A")
    (tmp_path / "b.yaml").write_text("kind: B")
    with pytest.raises(BrokenManifests, match=r"b\.yaml"):
        plain(tmp_path)


def test_yaml_that_does_not_parse_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: [")
    with pytest.raises(BrokenManifests, match=r"kustomization\.yaml"):
        plain(tmp_path)


@pytest.mark.skipif(renderer() is None, reason="neither kubectl nor kustomize is installed")
def test_what_is_rendered_is_what_is_written() -> None:
    """The plain reading, which a machine without kubectl checks, misses only the two generated ConfigMaps."""
    command = renderer()
    assert command
    made = sorted((m["kind"], m["metadata"]["name"]) for m in rendered(command, K8S) if m["kind"] != "ConfigMap")
    assert made == sorted((m["kind"], m["metadata"]["name"]) for m in plain(K8S))


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_pod_has_no_privilege_and_no_token(name: str) -> None:
    assert pod(name)["automountServiceAccountToken"] is False
    assert pod(name)["enableServiceLinks"] is False, "a Service's variables would read as settings"
    assert pod(name)["securityContext"]["runAsNonRoot"] is True
    assert pod(name)["securityContext"]["runAsUser"] > 0
    assert pod(name)["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container(name)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_pod_says_what_it_needs_and_has_a_memory_limit(name: str) -> None:
    resources = container(name)["resources"]
    assert {"cpu", "memory"} <= set(resources["requests"])
    assert "memory" in resources["limits"]


@pytest.mark.parametrize("name", WORKLOADS)
def test_every_volume_that_is_mounted_exists(name: str) -> None:
    claims = {claim["metadata"]["name"] for claim in WORKLOADS[name]["spec"].get("volumeClaimTemplates", [])}
    volumes = {volume["name"] for volume in pod(name).get("volumes", [])} | claims
    assert {mount["name"] for mount in container(name).get("volumeMounts", [])} == volumes


@pytest.mark.parametrize("name", PORTS)
def test_ports_are_those_the_service_listens_on(name: str) -> None:
    ports = {port["name"]: port["containerPort"] for port in container(name)["ports"]}
    assert ports == {"grpc": PORTS[name], "metrics": METRICS_PORTS[name]}
    assert WORKLOADS[name]["spec"]["template"]["metadata"]["annotations"]["prometheus.io/port"] == str(
        METRICS_PORTS[name]
    )
    assert of_kind("Service")[name]["spec"]["ports"][0]["port"] == PORTS[name]


@pytest.mark.parametrize("name", PORTS)
def test_probes_ask_the_service_by_its_name_in_the_contract(name: str) -> None:
    for probe in ("startupProbe", "readinessProbe"):
        assert container(name)[probe]["grpc"] == {"port": PORTS[name], "service": CONTRACT[name]}


@pytest.mark.parametrize("name", PORTS)
def test_liveness_does_not_follow_the_canary(name: str) -> None:
    """Otherwise an outage of Redis would restart every service, again and again, and cure nothing."""
    assert container(name)["livenessProbe"]["grpc"] == {"port": PORTS[name], "service": health.SERVICE}
    board = health.Board([CONTRACT[name]])
    assert board.status(CONTRACT[name]).status == health.NOT_SERVING
    assert board.status(health.SERVICE).status == health.SERVING


@pytest.mark.parametrize("name", PORTS)
def test_callers_see_every_pod(name: str) -> None:
    assert of_kind("Service")[name]["spec"]["clusterIP"] == "None"
    assert SETTINGS[f"VISREC_{name.upper()}_TARGET"] == f"dns:///{name}:{PORTS[name]}"


@pytest.mark.parametrize("name", PORTS)
def test_a_pod_has_time_to_drain(name: str) -> None:
    pause = container(name)["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod(name)["terminationGracePeriodSeconds"] > pause + float(SETTINGS["VISREC_DRAIN_S"])


@pytest.mark.parametrize("name", PORTS)
def test_at_most_one_replica_is_taken_away_at_a_time(name: str) -> None:
    budget = of_kind("PodDisruptionBudget")[name]
    assert budget["spec"]["maxUnavailable"] == 1
    assert budget["spec"]["selector"]["matchLabels"] == {NAME: name}
    assert WORKLOADS[name]["spec"]["replicas"] >= 2


def test_settings_are_valid_settings() -> None:
    values = {name.removeprefix("VISREC_").lower(): value for name, value in SETTINGS.items()}
    assert set(values) <= set(RuntimeSettings.model_fields)
    assert RuntimeSettings.model_validate(values).insecure is True


@pytest.mark.parametrize("name", JOBS)
def test_a_job_is_one_of_the_commands_and_waits_for_a_catalogue(name: str) -> None:
    command = app.registered_commands
    assert container(name)["args"] == [name]
    assert name in {each.name or (each.callback and each.callback.__name__) for each in command}
    assert JOBS[name]["spec"]["suspend"] is True
    assert {"name": "VISREC_CATALOGUE", "value": ""} in container(name)["env"]
    assert template(name)["metadata"]["labels"] == {NAME: "jobs"}


def test_every_command_has_a_job_but_those_that_make_a_report_or_a_file() -> None:
    commands = {each.name or (each.callback.__name__ if each.callback else "") for each in app.registered_commands}
    assert set(JOBS) == commands - {"experiment", "calibrate"}


@pytest.mark.parametrize("name", JOBS)
def test_a_job_ends_and_one_that_is_late_waits_for_its_next_turn(name: str) -> None:
    """Before its next turn, and a run that is tried again goes on with what it had learned."""
    spec = JOBS[name]["spec"]
    assert spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] < YOUNG_S
    assert spec["startingDeadlineSeconds"] <= 3600


@pytest.mark.parametrize("name", JOBS)
def test_a_job_that_has_nothing_to_do_or_was_told_wrongly_is_not_tried_again(name: str) -> None:
    spec = JOBS[name]["spec"]["jobTemplate"]["spec"]
    (rule,) = spec["podFailurePolicy"]["rules"]
    assert rule["action"] == "FailJob"
    assert rule["onExitCodes"] == {"containerName": name, "operator": "In", "values": [2, EXIT_NOTHING]}
    assert pod(name)["restartPolicy"] == "Never", "a policy of failures needs it"
    assert JOBS[name]["spec"]["concurrencyPolicy"] == "Forbid"


def test_only_the_calls_of_the_architecture_are_let_through() -> None:
    policies = of_kind("NetworkPolicy")
    assert policies["deny-everything-else"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    ports = {**PORTS, "redis": 6379}
    for name, called in CALLS.items():
        spec = policies[name]["spec"]
        assert spec["podSelector"]["matchLabels"] == {NAME: name}
        assert set(peers(spec.get("egress", []), "to")) == {(target, ports[target]) for target in called}
        callers = {caller for caller, targets in CALLS.items() if name in targets}
        assert set(peers(spec["ingress"], "from")) == {(caller, ports[name]) for caller in callers}


def peers(rules: list[Any], side: str) -> Iterator[tuple[str, int]]:
    """Name and port of each workload that the rules let through; callers from outside have labels of their own."""
    for rule in rules:
        for peer in rule[side]:
            if "namespaceSelector" not in peer:
                (port,) = rule["ports"]
                yield peer["podSelector"]["matchLabels"][NAME], port["port"]


def test_redis_acknowledges_what_is_on_disk_and_never_evicts() -> None:
    lines = (line.split(maxsplit=1) for line in (K8S / "redis.conf").read_text().splitlines() if line.strip())
    configuration = {words[0]: words[1] for words in lines if words[0] != "#"}
    assert configuration["appendonly"] == "yes"
    assert configuration["appendfsync"] == "always"
    assert configuration["no-appendfsync-on-rewrite"] == "no"
    assert configuration["maxmemory-policy"] == "noeviction"
    assert configuration["dir"] == container("redis")["volumeMounts"][0]["mountPath"]


def test_the_record_and_snapshots_of_the_index_are_kept_on_volumes() -> None:
    kept = {name for name in WORKLOADS if WORKLOADS[name]["spec"].get("volumeClaimTemplates")}
    assert kept == {"redis", "indexer"}


def test_an_index_waits_before_its_pod_is_out_of_memory() -> None:
    """A merge holds what it merges twice."""
    limit = container("indexer")["resources"]["limits"]["memory"]
    assert limit.endswith("Gi")
    told = {each["name"]: each.get("value") for each in container("indexer")["env"]}
    assert 2 * int(told["VISREC_INDEXER_MAX_INDEX_MIB"]) < int(limit.removesuffix("Gi")) * 1024
