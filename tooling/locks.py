"""Hashed dependency locks: one for each image, one for development, and one for each environment beside it.

`python -m tooling.locks` resolves them anew; `--check` verifies, without any network, that they still belong to
pyproject.toml. What is checked is what can be decided from the files alone, so a registry that moves on never breaks
an old commit:

- each lock was made from the dependency tables as they are now (a digest of them is its first line);
- every line is a pin with hashes: no address of a registry, no other option;
- every image's pins are among those of the development lock: what is deployed is what was tested;
- an environment beside development's has the same versions of what the two are compared in.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

OLDEST_PYTHON = "3.11"
"""Locks are universal: they hold for this Python and every later one that `requires-python` allows."""

REMEDY = "run `make lock`"

_PIN = re.compile(
    r"(?P<pin>(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==[^\s;]+( ; .+?)?)(?P<hashes>( --hash=sha256:[0-9a-f]{64})*)"
)


@dataclass(frozen=True)
class Lock:
    """A lock file and what of pyproject.toml it resolves: an extra, a dependency group, or both together; without
    either, what every caller of visrec needs.

    `shared` names the packages whose pins must be among development's; None says all of them, and none at all that the
    lock is resolved on its own.
    """

    name: str
    extra: str | None = None
    group: str | None = None
    shared: frozenset[str] | None = None

    def path(self, root: Path) -> Path:
        """Where this lock lives under the project's `root`."""
        return root / "requirements" / f"{self.name}.txt"


DEVELOPMENT = Lock("dev", "dev")
IMAGES = (
    Lock("client", None),
    Lock("embedder", "embedder"),
    Lock("indexer", "indexer"),
    Lock("profile", "profile"),
    Lock("ranker", "ranker"),
    Lock("jobs", "jobs"),
)
BESIDE = (
    # What is compared with the embedder decodes and computes with the same libraries, or the figures say nothing.
    Lock("peers", group="peers", shared=frozenset({"numpy", "onnxruntime", "pillow"})),
    # The decoders that are attacked are those that serve.
    Lock("fuzz", group="fuzz", shared=frozenset({"numpy", "pillow"})),
    # What is compared with the indexer is filled and asked by a client of its own.
    Lock("vectors", group="vectors", shared=frozenset({"numpy"})),
    # What is trained is judged by the embedder's own code, and by the head that the job learns.
    Lock("train", "train", "train", frozenset({"implicit", "numpy", "onnx", "onnxruntime", "pillow", "scipy"})),
    # A stranger's client with a protobuf of its own, which development's would not let in.
    Lock("interop", group="interop", shared=frozenset()),
)
"""Environments of their own, below var/envs: what nobody installs beside the services."""

DEPENDENT = (*IMAGES, *BESIDE)


def main(arguments: list[str] | None = None) -> int:
    """Resolve the locks, or check them; the exit code is 0 when there is nothing to complain about."""
    parser = argparse.ArgumentParser(prog="python -m tooling.locks", description=__doc__)
    parser.add_argument("--check", action="store_true", help="verify the locks instead of making them")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions instead of keeping the pins")
    options = parser.parse_args(arguments)
    if not options.check:
        resolve(ROOT, upgrade=options.upgrade)
    faults = list(complaints(ROOT))
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def resolve(root: Path, *, upgrade: bool) -> None:
    """Write every lock under `root`, the development lock first because it constrains the others."""
    tables = _tables(root)
    for lock in (DEVELOPMENT, *DEPENDENT):
        alone = lock is DEVELOPMENT or lock.shared == frozenset()
        constraints = [] if alone else ["--constraint", str(DEVELOPMENT.path(root))]
        path, resolved = lock.path(root), _compile(root, lock, upgrade, constraints)
        text = _first_line(tables, lock) + "\n" + resolved
        # A lock that stays as it was keeps its time, too, or make would install its packages again.
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def complaints(root: Path) -> Iterator[str]:
    """Yield one sentence for each way in which the locks under `root` disagree with pyproject.toml or each other."""
    tables = _tables(root)
    tested = _pins(DEVELOPMENT.path(root))
    for lock in (DEVELOPMENT, *DEPENDENT):
        path = lock.path(root)
        if not path.exists():
            yield f"{path.name}: missing; {REMEDY}"
            continue
        yield from _complaints_about(path, _first_line(tables, lock), lock.shared, tested)


def digest_of_dependencies(tables: _Tables, lock: Lock) -> str:
    """Hex SHA-256 over what decides a resolution: the Python range, the group, and the dependencies with the closure of
    the extra, which a group alone has not."""
    project = tables.project
    wanted: dict[str, object] = {"requires-python": project["requires-python"]}
    if lock.group:
        wanted["group"] = tables.groups[lock.group]
    if lock.extra or not lock.group:
        extras = project.get("optional-dependencies", {})
        wanted["dependencies"] = project.get("dependencies", [])
        wanted["extras"] = {name: extras[name] for name in sorted(_closure(extras, lock.extra))}
    return hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()


def dependencies(root: Path) -> list[str]:
    """What every caller needs, as pyproject.toml under `root` says it: bounds, not pins."""
    stated = _tables(root).project.get("dependencies", [])
    assert isinstance(stated, list)
    return stated


def _closure(extras: dict[str, list[str]], extra: str | None) -> set[str]:
    """`extra` and every extra of this project that it names, such as `visrec[runtime]`."""
    reached: set[str] = set()
    waiting = [extra] if extra else []
    while waiting:
        name = waiting.pop()
        if name in reached:
            continue
        reached.add(name)
        for requirement in extras[name]:
            if match := re.match(r"visrec\[([^]]+)]", requirement):
                waiting.extend(part.strip() for part in match[1].split(","))
    return reached


def _complaints_about(path: Path, first_line: str, shared: frozenset[str] | None, tested: set[str]) -> Iterator[str]:
    text = path.read_text()
    if text.partition("\n")[0] != first_line:
        yield f"{path.name}: made from other dependencies than pyproject.toml has now; {REMEDY}"
    for line in _logical_lines(text):
        match = _PIN.fullmatch(line)
        if not match or not match["hashes"]:
            yield f"{path.name}: not a pin with hashes: {line[:80]}; {REMEDY}"
        elif (shared is None or match["name"] in shared) and match["pin"] not in tested:
            yield f"{path.name}: {match['pin']} is not what the development lock tests with; {REMEDY}"


def _pins(path: Path) -> set[str]:
    """The `name==version ; marker` part of each line of the lock at `path`; none when there is no such file."""
    lines = _logical_lines(path.read_text()) if path.exists() else []
    return {match["pin"] for line in lines if (match := _PIN.fullmatch(line))}


def _logical_lines(text: str) -> list[str]:
    """The lines that pip reads: continuations joined by one space, comments and empty lines left out."""
    joined = re.sub(r"\s*\\\n\s*", " ", text)
    return [line.strip() for line in joined.splitlines() if line.strip() and not line.startswith("#")]


def _first_line(tables: _Tables, lock: Lock) -> str:
    digest = digest_of_dependencies(tables, lock)
    return f"# Made by `make lock` from pyproject.toml, dependencies sha256:{digest}"


@dataclass(frozen=True)
class _Tables:
    """Those of pyproject.toml that name dependencies: `[project]` and `[dependency-groups]`."""

    project: dict[str, Any]
    groups: dict[str, list[str]]


def _tables(root: Path) -> _Tables:
    stated = tomllib.loads((root / "pyproject.toml").read_text())
    return _Tables(stated["project"], stated["dependency-groups"])


def _compile(root: Path, lock: Lock, upgrade: bool, constraints: list[str]) -> str:
    """What uv resolves; existing pins are kept unless `upgrade`, so that a lock changes only where it must."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet"]
    command += ["pyproject.toml"] if lock.extra or not lock.group else []
    command += ["--group", lock.group] if lock.group else []
    command += ["--universal", "--python-version", OLDEST_PYTHON]
    command += ["--generate-hashes", "--no-header", "--no-annotate"]
    command += ["--extra", lock.extra] if lock.extra else []
    command += ["--upgrade"] if upgrade else []
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / lock.path(root).name
        if lock.path(root).exists():
            shutil.copy(lock.path(root), output)
        subprocess.run([*command, *constraints, "--output-file", str(output)], cwd=root, check=True)
        return output.read_text()


if __name__ == "__main__":
    sys.exit(main())
