"""Generated code: what is checked in is compared with what the contract generates, file by file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import visrec.v1.ranker_pb2_grpc
from tooling import locks, protos


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("generated")
    protos.generate(into)
    return into


@pytest.fixture
def checked_in(generated: Path, tmp_path: Path) -> Path:
    """A copy of the generated code, with the one hand-written file beside it."""
    shutil.copytree(generated, tmp_path, dirs_exist_ok=True)
    (tmp_path / protos.PACKAGE / "__init__.py").touch()
    return tmp_path


def test_generating_twice_gives_the_same(generated: Path, checked_in: Path) -> None:
    assert protos.differences(generated, checked_in) == []


def test_a_missing_a_left_over_and_an_edited_file_are_each_named(generated: Path, checked_in: Path) -> None:
    package = checked_in / protos.PACKAGE
    (package / "common_pb2.py").unlink()
    (package / "gone_pb2.py").touch()
    (package / "ranker_pb2.pyi").write_text("edited by hand")

    named = [difference.partition(":")[0] for difference in protos.differences(generated, checked_in)]

    assert named == [f"visrec/v1/{name}" for name in ("common_pb2.py", "gone_pb2.py", "ranker_pb2.pyi")]


def test_replacing_mends_every_difference_and_keeps_what_is_not_generated(generated: Path, checked_in: Path) -> None:
    package = checked_in / protos.PACKAGE
    (package / "common_pb2.py").unlink()
    (package / "gone_pb2.py").touch()

    protos.replace(generated, checked_in)

    assert protos.differences(generated, checked_in) == []
    assert (package / "__init__.py").exists()


def test_a_file_without_a_service_has_no_stubs(generated: Path) -> None:
    assert not list((generated / protos.PACKAGE).glob("common_pb2_grpc.*"))


def test_the_oldest_grpcio_a_caller_may_have_accepts_the_generated_code() -> None:
    """Generated stubs refuse, when imported, every grpcio older than the tools that made them."""
    bounds = {Requirement(line).name: Requirement(line).specifier for line in locks.dependencies(locks.ROOT)}
    (oldest,) = [Version(bound.version) for bound in bounds["grpcio"] if bound.operator == ">="]

    assert oldest >= Version(visrec.v1.ranker_pb2_grpc.GRPC_GENERATED_VERSION)
