"""Hashed dependency locks: one for each image and one for development.

`python -m tooling.locks` resolves them anew; `--check` verifies, without any network, that they still belong to
pyproject.toml. What is checked is what can be decided from the files alone, so a registry that moves on never breaks
an old commit:

- each lock was made from the dependency tables as they are now (a digest of them is its first line);
- every line is a pin with hashes: no address of a registry, no other option;
- every image's pins are among those of the development lock: what is deployed is what was tested.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

OLDEST_PYTHON = "3.11"
"""Locks are universal: they hold for this Python and every later one that `requires-python` allows."""

REMEDY = "run `make lock`"

_PIN = re.compile(r"(?P<pin>[A-Za-z0-9][A-Za-z0-9._-]*==[^\s;]+( ; .+?)?)(?P<hashes>( --hash=sha256:[0-9a-f]{64})*)")


@dataclass(frozen=True)
class Lock:
    """A lock file and the extra of pyproject.toml it resolves; without one, what every caller of visrec needs."""

    name: str
    extra: str | None

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
)


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
    project = _project(root)
    _compile(root, DEVELOPMENT, upgrade, constraints=[])
    for lock in IMAGES:
        _compile(root, lock, upgrade, constraints=["--constraint", str(DEVELOPMENT.path(root))])
    for lock in (DEVELOPMENT, *IMAGES):
        path = lock.path(root)
        path.write_text(_first_line(project, lock) + "\n" + path.read_text())


def complaints(root: Path) -> Iterator[str]:
    """Yield one sentence for each way in which the locks under `root` disagree with pyproject.toml or each other."""
    project = _project(root)
    tested = _pins(DEVELOPMENT.path(root))
    for lock in (DEVELOPMENT, *IMAGES):
        path = lock.path(root)
        if not path.exists():
            yield f"{path.name}: missing; {REMEDY}"
            continue
        yield from _complaints_about(path, _first_line(project, lock), tested)


def digest_of_dependencies(project: dict[str, object], extra: str | None) -> str:
    """Hex SHA-256 over what decides a resolution: Python range, dependencies and the closure of `extra`."""
    extras = project.get("optional-dependencies", {})
    assert isinstance(extras, dict)
    wanted = {
        "requires-python": project["requires-python"],
        "dependencies": project.get("dependencies", []),
        "extras": {name: extras[name] for name in sorted(_closure(extras, extra))},
    }
    return hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()


def dependencies(root: Path) -> list[str]:
    """What every caller needs, as pyproject.toml under `root` says it: bounds, not pins."""
    stated = _project(root).get("dependencies", [])
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


def _complaints_about(path: Path, first_line: str, tested: set[str]) -> Iterator[str]:
    text = path.read_text()
    if text.partition("\n")[0] != first_line:
        yield f"{path.name}: made from other dependencies than pyproject.toml has now; {REMEDY}"
    for line in _logical_lines(text):
        match = _PIN.fullmatch(line)
        if not match or not match["hashes"]:
            yield f"{path.name}: not a pin with hashes: {line[:80]}; {REMEDY}"
        elif match["pin"] not in tested:
            yield f"{path.name}: {match['pin']} is not what the development lock tests with; {REMEDY}"


def _pins(path: Path) -> set[str]:
    """The `name==version ; marker` part of each line of the lock at `path`; none when there is no such file."""
    lines = _logical_lines(path.read_text()) if path.exists() else []
    return {match["pin"] for line in lines if (match := _PIN.fullmatch(line))}


def _logical_lines(text: str) -> list[str]:
    """The lines that pip reads: continuations joined by one space, comments and empty lines left out."""
    joined = re.sub(r"\s*\\\n\s*", " ", text)
    return [line.strip() for line in joined.splitlines() if line.strip() and not line.startswith("#")]


def _first_line(project: dict[str, object], lock: Lock) -> str:
    digest = digest_of_dependencies(project, lock.extra)
    return f"# Made by `make lock` from pyproject.toml, dependencies sha256:{digest}"


def _project(root: Path) -> dict[str, object]:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert isinstance(project, dict)
    return project


def _compile(root: Path, lock: Lock, upgrade: bool, constraints: list[str]) -> None:
    """Run uv's resolver; existing pins are kept unless `upgrade`, so that a lock changes only where it must."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--quiet"]
    command += ["--universal", "--python-version", OLDEST_PYTHON]
    command += ["--generate-hashes", "--no-header", "--no-annotate"]
    command += ["--extra", lock.extra] if lock.extra else []
    command += ["--upgrade"] if upgrade else []
    subprocess.run([*command, *constraints, "--output-file", str(lock.path(root))], cwd=root, check=True)


if __name__ == "__main__":
    sys.exit(main())
