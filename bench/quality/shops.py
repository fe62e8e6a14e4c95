"""Two folders of labelled photos, each with images and an items.csv: `clothing`, photographed with phones, and `luma`,
the products of a shop before white."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.failure import BenchFailed
from bench.quality.picture import Picture

TABLE = "items.csv"


@dataclass(frozen=True)
class Clothing:
    """Photos with a `category`. Within the gallery one contributor's backdrop repeats and would flatter any method, so
    only the queries are asked."""

    queries: list[Picture]
    gallery: list[Picture]

    @classmethod
    def read(cls, folder: Path) -> Clothing:
        """Raises BenchFailed when a photo is missing."""
        rows = list(_rows(folder))
        queries, gallery = (
            [_picture(folder, row, "category") for row in rows if row["split"] == split]
            for split in ("query", "gallery")
        )
        return cls(queries, gallery)


def read_luma(folder: Path) -> list[Picture]:
    """Products with a `category` and a `title`, which those share that differ in colour alone; most also with a
    `colour`. Raises BenchFailed when a photo is missing."""
    return [_picture(folder, row, "category", "colour", "title") for row in _rows(folder)]


def _rows(folder: Path) -> Iterator[dict[str, str]]:
    with (folder / TABLE).open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def _picture(folder: Path, row: dict[str, str], *labels: str) -> Picture:
    path = folder / row["image"]
    if not path.is_file():
        raise BenchFailed(f"{folder / TABLE} names a photo that is not there: {path}")
    name = f"{folder.name}/{row['id']}"
    return Picture(name, path.read_bytes, {label: row[label] for label in labels if row[label]}, name)
