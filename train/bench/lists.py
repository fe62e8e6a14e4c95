"""Clothing as the command takes it: its labels, and what simulated shoppers choose of it.

`tests/profile/shoppers` says what is assumed of them. They act on the gallery alone, so no `query` photo is in their
list.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.profile.shoppers import shoppers
from train.photos import Columns, Photos

Kind = Literal["labels", "people"]
"""What is learned from."""

SEED, PEOPLE = 1, 1200
LABELS = Columns("image", "category", "id", judge=("split", "query"))
SHOPPERS = Columns("photo", "person", "item", people=True)
MOST = 100_000


@dataclass(frozen=True)
class Lists:
    """`folder`: of the photos. `labels`, `people`: files."""

    folder: Path
    labels: Path
    people: Path

    @classmethod
    def of(cls, clothing: Path, to: Path) -> Lists:
        """Writes what the shoppers did into the folder `to`. Raises OSError."""
        labels = clothing / "items.csv"
        with labels.open(newline="", encoding="utf-8") as file:
            gallery = [row for row in csv.DictReader(file) if row["split"] == "gallery"]
        to.mkdir(parents=True, exist_ok=True)
        people = to / "people.csv"
        with people.open("w", newline="", encoding="utf-8") as file:
            lines = csv.writer(file, lineterminator="\n")
            lines.writerow(("photo", "item", "person"))
            for number, shopper in enumerate(shoppers([row["category"] for row in gallery], PEOPLE, SEED)):
                lines.writerows((gallery[row]["image"], gallery[row]["id"], f"u{number}") for row in shopper.rows)
        return cls(clothing, labels, people)

    def labelled(self) -> Photos:
        """Raises WrongList."""
        return Photos.read(self.folder, self.labels, LABELS, MOST)

    def chosen(self) -> Photos:
        """The gallery alone, of it what somebody did something to. Raises WrongList."""
        return Photos.read(self.folder, self.people, SHOPPERS, MOST)

    def commands(self) -> Sequence[str]:
        """What does the same."""
        made = f"python -m train {self.folder}"
        return (
            f"{made} {self.labels} --photo image --group category --item id --judge split=query --out labels.json",
            f"{made} {self.people} --group person --people --item item --out people.json",
        )
