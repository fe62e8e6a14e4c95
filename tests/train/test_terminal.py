"""What is said where torch is missing, and where something else is."""

from __future__ import annotations

import errno
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path

import pytest
import typer
from rich.console import Console

from train.photos import WrongList
from train.terminal import EXIT_STOPPED, EXIT_WRONG, told, with_torch


class Lacks(MetaPathFinder):
    """An installation that lacks one module, which torch or the caller asks for."""

    def __init__(self, name: str) -> None:
        self.name = name

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        if fullname == "torch":
            raise ModuleNotFoundError(f"No module named {self.name!r}", name=self.name)


def without(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Lacks(name), *sys.meta_path])


def test_without_torch_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    without("torch", monkeypatch)
    with pytest.raises(typer.Exit) as ended:
        with_torch(1, Console(stderr=True))
    assert ended.value.exit_code == EXIT_WRONG
    assert "torch is missing: pip install '.[train]'" in capsys.readouterr().err


def test_what_torch_itself_lacks_is_told_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    without("sympy", monkeypatch)
    with pytest.raises(ModuleNotFoundError, match="sympy"):
        with_torch(1, Console(stderr=True))


def test_what_is_wrong_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, told(Console(stderr=True)):
        raise WrongList("list.csv has no column 'label'")
    assert ended.value.exit_code == EXIT_WRONG
    assert "no column 'label'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("problem", "sentence"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "error: No space left on device; no model was written"),
        (PermissionError(errno.EACCES, "Permission denied", "kept/[1]"), "error: kept/[1]: Permission denied;"),
        (OSError("told by a library"), "error: told by a library;"),
    ],
)
def test_a_full_disk_is_a_sentence(problem: OSError, sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, told(Console(stderr=True, soft_wrap=True)):
        raise problem
    assert ended.value.exit_code == EXIT_WRONG
    assert sentence in capsys.readouterr().err


def test_ctrl_c_is_no_failure_of_the_program() -> None:
    with pytest.raises(typer.Exit) as ended, told(Console(quiet=True)):
        raise KeyboardInterrupt
    assert ended.value.exit_code == EXIT_STOPPED


def test_a_file_is_told_no_bars(tmp_path: Path) -> None:
    with (tmp_path / "notes").open("w") as file, told(Console(file=file)) as on_phase:
        on_phase("rounds", 2)(1)
    assert (tmp_path / "notes").read_text().strip() == ""
