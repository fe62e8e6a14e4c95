"""The photos that are learned from: which files, and which of them belong together."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from jobs.head.groups import Flags, Groups, Rows
from services.embedder.framing import Pixels
from services.embedder.images import read_picture
from services.errors import InvalidPicture

LEAST_OF_PEOPLE = 2
"""People who must have chosen both of two photos for them to belong together."""


class WrongList(Exception):
    """A list of photos cannot be used; its text says why."""


@dataclass(frozen=True)
class Columns:
    """What the columns of a list are called. `item`: photos of one item show the same thing; empty: each photo its own.
    `people`: groups are what one person engaged with, and not labels. `judge`: a column and its value in lines of
    photos that are judged by; empty: nothing is said of that."""

    photo: str = "photo"
    group: str = "label"
    item: str = ""
    people: bool = False
    judge: tuple[str, str] = ("", "")

    @property
    def names(self) -> tuple[str, str, str, str]:
        """Of the photo, the group, the item and what to judge by; empty where there is none."""
        return self.photo, self.group, self.item, self.judge[0]


@dataclass(frozen=True, eq=False)
class Photos:
    """`names`: of n files in `folder`, each once. `items`: (n,) what each shows. `members`: of each group, its rows.
    `marked`: (n,) which the list says to judge by."""

    folder: Path
    names: Sequence[str]
    items: Sequence[str]
    members: Sequence[Sequence[int]]
    marked: Flags
    least: int = 1

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def groups(self) -> Groups:
        """Those of two photos or more."""
        return Groups.of(self.members, len(self), self.least)

    @cached_property
    def variants(self) -> Rows:
        """(n,) photos of one item have the same number."""
        return np.unique(list(self.items), return_inverse=True)[1].astype(np.intp)

    @classmethod
    def read(cls, folder: Path, listed: Path, columns: Columns, most: int) -> Photos:
        """A CSV file with a header; a photo has a line for each of its groups. Raises WrongList."""
        numbers: dict[str, int] = {}
        items: dict[str, str] = {}
        members: dict[str, set[int]] = {}
        marked: set[str] = set()
        for line in _lines(listed, columns):
            photo, group, item, judge = (line.get(name) or "" for name in columns.names)
            numbers.setdefault(photo, len(numbers))
            if (first := items.setdefault(photo, item)) != item:
                raise WrongList(f"{photo} is of item {first!r} in one line of {listed.name} and of {item!r} in another")
            if judge and judge == columns.judge[1]:
                marked.add(photo)
            if group:
                members.setdefault(group, set()).add(numbers[photo])
        if len(numbers) > most:
            raise WrongList(f"{listed.name} has {len(numbers):,} photos, at most {most:,} are taken (--most-photos)")
        rows = [sorted(members[group]) for group in sorted(members)]
        judged_by = np.array([name in marked for name in numbers], dtype=np.bool_)
        shown = [item or photo for photo, item in items.items()]
        return cls(folder, list(numbers), shown, rows, judged_by, LEAST_OF_PEOPLE if columns.people else 1)

    def learnable(self, asked: Flags) -> Flags:
        """(n,) what may be learned from where those `asked`, (n,), are judged by: no photo of an item that is asked."""
        of_asked: Flags = np.isin(self.variants, self.variants[asked])
        return ~of_asked

    def only(self, rows: Rows) -> Photos:
        """Some of the photos, without their groups."""
        names, items = ([each[row] for row in rows] for each in (self.names, self.items))
        return Photos(self.folder, names, items, [], self.marked[rows])

    def pixels(self, side: int, at_once: int = 16) -> Iterator[Pixels]:
        """Of all photos in their order, (at most `at_once`, side, side, 3). Raises WrongList for one that cannot be
        read."""
        for start in range(0, len(self), at_once):
            yield np.stack([self._read(name, side) for name in self.names[start : start + at_once]])

    def _read(self, name: str, side: int) -> Pixels:
        path = self.folder / name
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise WrongList(f"{name} is not below {self.folder}")
        try:
            return read_picture(path.read_bytes(), side)
        except OSError as problem:
            raise WrongList(f"{name} cannot be read: {problem.strerror}") from problem
        except InvalidPicture as problem:
            raise WrongList(f"{name}: {problem.description}") from problem


def _lines(listed: Path, columns: Columns) -> Iterator[dict[str, str]]:
    try:
        with listed.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            there = list(reader.fieldnames or ())
            if missing := sorted(set(columns.names) - {"", *there}):
                raise WrongList(f"{listed.name} has no column {missing[0]!r}, but {', '.join(there)}")
            yield from (line for line in reader if line[columns.photo])
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise WrongList(f"{listed.name} cannot be read: {problem}") from problem
