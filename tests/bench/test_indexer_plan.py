"""What is measured by which command line, and what the system says of a process."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.indexer import memory
from bench.indexer.house import failed
from bench.indexer.plan import Plan, parser


def plan(*words: str) -> Plan:
    return Plan.of(parser("").parse_args(words))


def test_by_default_everything_is_measured_up_to_a_hundred_thousand_rows() -> None:
    found = plan()

    assert all(found.sizes.values())
    assert max(size for sizes in found.sizes.values() for size in sizes) == 100_000
    assert found.further_data == ("fashion-mnist", "photos")


def test_full_means_a_million_rows() -> None:
    assert plan("--full").sizes["growth"] == (10_000, 100_000, 1_000_000)


def test_sections_and_sizes_can_be_chosen() -> None:
    found = plan("--only", "recall,cost", "--items", "20000,10000")

    assert found.sizes == {"cost": (10_000, 20_000), "peers": (), "recall": (10_000, 20_000), "growth": ()}
    assert found.shared_sizes == [10_000, 20_000]
    assert found.at(10_000) == ["cost", "recall"]


def test_freshness_is_part_of_growth() -> None:
    assert [name for name, sizes in plan("--only", "freshness").sizes.items() if sizes] == ["growth"]


def test_one_catalogue_serves_all_sections_of_its_size() -> None:
    assert plan().shared_sizes == [10_000, 100_000]
    assert plan().at(100_000) == ["cost", "peers", "recall"]
    assert plan("--only", "growth").shared_sizes == []


def test_recall_of_other_data_fills_no_synthetic_catalogue() -> None:
    found = plan("--only", "recall", "--data", "photos")

    assert found.shared_sizes == []
    assert found.further_data == ("photos",)
    assert plan("--only", "cost", "--data", "photos").further_data == ()


@pytest.mark.parametrize(
    "words",
    [("--only", "speed"), ("--data", "noise"), ("--items", "0"), ("--items", "many"), ("--items", "-5,10")],
)
def test_what_there_is_not_is_refused(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        plan(*words)
    assert words[0] in capsys.readouterr().err


STATUS = """\
Name:	python
VmHWM:	  300000 kB
VmRSS:	  250000 kB
RssAnon:	  200000 kB
"""

MAPS = """\
7f0000000000-7f0000100000 r--s 00000000 fe:00 11 /var/house/snapshots/1/rows
7f0000100000-7f0000101000 r--s 00000000 fe:00 12 /var/house/snapshots/1/a name
7f0000200000-7f0000300000 r-xp 00000000 fe:00 13 /usr/lib/libc.so.6
7f0000300000-7f0000400000 r--s 00000000 fe:00 14 /var/household/file
7f0000400000-7f0000500000 rw-p 00000000 00:00 0
7ffd00000000-7ffd00100000 rw-p 00000000 00:00 0 [stack]
"""


def test_memory_is_the_process_s_own_and_what_it_mapped_of_its_folder() -> None:
    status = STATUS.splitlines()

    assert memory.told(status, "RssAnon") == 200_000 * 1024
    assert memory.told(status, "VmHWM") == 300_000 * 1024
    assert memory.told(status, "Nothing") == 0
    assert memory.mapped(MAPS.splitlines(), Path("/var/house")) == 0x101000
    assert memory.Memory(5, 7, 100).held == 12


def test_failed_searches_are_those_that_were_neither_answered_nor_broken_off() -> None:
    metrics = """\
# HELP grpc_server_handled_total Calls.
grpc_server_handled_total{grpc_code="OK",grpc_method="Search"} 900.0
grpc_server_handled_total{grpc_code="CANCELLED",grpc_method="Search"} 16.0
grpc_server_handled_total{grpc_code="RESOURCE_EXHAUSTED",grpc_method="Search"} 3.0
grpc_server_handled_total{grpc_code="RESOURCE_EXHAUSTED",grpc_method="IngestItems"} 5.0
grpc_server_started_total{grpc_method="Search"} 919.0
"""
    assert failed(metrics) == 3.0
    assert failed("") == 0.0
