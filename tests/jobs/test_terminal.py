"""What all jobs have at a terminal: what is wrong, or missing, is a sentence."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner, Result

from jobs.__main__ import app
from jobs.terminal import EXIT_FAILED, EXIT_WRONG


def typed(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})


def without(package: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command where that package is not installed."""
    program = f"import runpy, sys; sys.modules[{package!r}] = None; runpy.run_module('jobs', run_name='__main__')"
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("arguments", [["segments"], ["segments", "-c", "shop", "--min-people", "1"], ["nonsense"]])
def test_a_wrong_command_is_told_as_such(arguments: list[str]) -> None:
    assert typed(*arguments).exit_code == EXIT_WRONG


@pytest.mark.parametrize("label", ["colour", "Category", "attributes.", "attributes", ""])
def test_labels_that_items_cannot_have_are_told_with_those_they_can(label: str) -> None:
    result = typed("head", "-c", "shop", "--label", label)
    assert result.exit_code == EXIT_WRONG
    assert "give category, domain, tags or attributes.NAME" in " ".join(result.output.replace("│", " ").split())


def test_without_numpy_the_jobs_say_what_to_install() -> None:
    """A caller has everything else that they need."""
    done = without("numpy")
    assert done.returncode == EXIT_FAILED
    assert done.stderr == "error: jobs need numpy, which callers do not: pip install '.[jobs]'\n"


def test_without_what_it_factorises_by_a_job_says_what_to_install() -> None:
    done = without("implicit", "collaborative", "-c", "shop")
    assert done.returncode == EXIT_WRONG
    assert done.stderr == "error: this job needs implicit: pip install '.[jobs]'\n"
