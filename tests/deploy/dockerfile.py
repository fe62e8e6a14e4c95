"""deploy/Dockerfile, read: its stages and their instructions."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Stage:
    """One FROM of the Dockerfile: what it stands on and its instructions in order."""

    base: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def all(self, instruction: str) -> list[str]:
        return [text for name, text in self.instructions if name == instruction]


def stages() -> dict[str, Stage]:
    text = re.sub(r"\\\n\s*", "", (ROOT / "deploy" / "Dockerfile").read_text())
    found: dict[str, Stage] = {}
    stage = Stage("")
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        instruction, rest = line.split(maxsplit=1)
        if instruction == "FROM":
            base, _, name = rest.partition(" AS ")
            stage = found.setdefault(name, Stage(base))
        else:
            stage.instructions.append((instruction, rest))
    return found


STAGES = stages()


def chain(name: str) -> Iterator[Stage]:
    """The stage and those it is built from, the nearest first."""
    while name in STAGES:
        yield STAGES[name]
        name = STAGES[name].base


def copies(name: str) -> Iterator[list[str]]:
    """The words of each COPY from the project that the stage and its bases make."""
    for stage in chain(name):
        for text in stage.all("COPY"):
            if "--from" not in text:
                yield shlex.split(text)
