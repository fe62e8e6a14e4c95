"""The locks are checked from the files alone, so each way of going stale is made here by hand."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tooling import locks


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what the check reads."""
    shutil.copy(locks.ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(locks.ROOT / "requirements", tmp_path / "requirements")
    return tmp_path


def edited(path: Path, edit: Callable[[str], str]) -> None:
    before = path.read_text()
    path.write_text(edit(before))
    assert path.read_text() != before


def complaint_about(project: Path, lock: str) -> str:
    (complaint,) = [fault for fault in locks.complaints(project) if fault.startswith(f"{lock}.txt")]
    return complaint


def test_locks_as_they_are_have_no_complaint(project: Path) -> None:
    assert list(locks.complaints(project)) == []


def test_a_changed_dependency_makes_the_locks_stale_that_depend_on_it(project: Path) -> None:
    """And no others: a new bound of pillow says nothing about the ranker."""
    edited(project / "pyproject.toml", lambda text: text.replace('"pillow>=', '"pillow>=1'))

    stale = {fault.partition(":")[0] for fault in locks.complaints(project)}

    assert stale == {"dev.txt", "embedder.txt", "train.txt"}


def test_a_changed_group_makes_its_own_lock_stale_and_no_other(project: Path) -> None:
    edited(project / "pyproject.toml", lambda text: text.replace('"mosec>=', '"mosec>=0.'))

    stale = {fault.partition(":")[0] for fault in locks.complaints(project)}

    assert stale == {"peers.txt"}


@pytest.mark.parametrize(
    ("before", "after"), [('"torch>=', '"torch>=1'), ('train = ["hypothesis>=', 'train = ["hypothesis>=1')]
)
def test_a_lock_of_an_extra_and_a_group_follows_both(project: Path, before: str, after: str) -> None:
    edited(project / "pyproject.toml", lambda text: text.replace(before, after))

    stale = {fault.partition(":")[0] for fault in locks.complaints(project)}

    assert stale == {"train.txt"}


def test_a_setting_of_a_tool_leaves_the_locks_alone(project: Path) -> None:
    edited(project / "pyproject.toml", lambda text: text.replace("line-length = 120", "line-length = 100"))

    assert list(locks.complaints(project)) == []


def test_a_missing_lock_is_named(project: Path) -> None:
    (project / "requirements" / "profile.txt").unlink()

    assert "missing" in complaint_about(project, "profile")


@pytest.mark.parametrize("line", ["--index-url https://packages.example", "left-pad", "left-pad==1.0.0"])
@pytest.mark.parametrize("lock", ["client", "interop"])
def test_a_line_that_is_no_pin_with_hashes_is_refused(project: Path, lock: str, line: str) -> None:
    edited(project / "requirements" / f"{lock}.txt", lambda text: f"{text}{line}\n")

    assert "not a pin with hashes" in complaint_about(project, lock)


def test_an_image_may_not_have_another_version_than_development(project: Path) -> None:
    edited(project / "requirements" / "ranker.txt", lambda text: text.replace("grpcio==", "grpcio==0.", 1))

    assert "not what the development lock tests with" in complaint_about(project, "ranker")


@pytest.mark.parametrize("package", ["numpy", "onnxruntime", "pillow"])
def test_what_the_embedder_is_compared_with_computes_with_its_versions(project: Path, package: str) -> None:
    edited(project / "requirements" / "peers.txt", lambda text: text.replace(f"{package}==", f"{package}==0.", 1))

    assert "not what the development lock tests with" in complaint_about(project, "peers")


def test_beside_what_is_compared_another_environment_has_versions_of_its_own(project: Path) -> None:
    edited(project / "requirements" / "peers.txt", lambda text: text.replace("click==", "click==0.", 1))
    edited(project / "requirements" / "interop.txt", lambda text: text.replace("numpy==", "numpy==0.", 1))

    assert list(locks.complaints(project)) == []
