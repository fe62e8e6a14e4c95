"""MovieLens-100k (Harper and Konstan, TiiS 2015), out of a wheel of PyPI that has it as an example.

Its terms allow research and forbid handing it on: it is fetched into var/ when it is needed, and never committed.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.failure import BenchFailed
from bench.recommendation.log import Floats, Ints, Log

WHEEL = "recbole==1.2.1"
FETCH_S = 300
INSIDE = "recbole/dataset_example/ml-100k/"
LEAST_RATING = 4
"""What is rated so is liked; all else was seen."""

DAY_S = 86_400
YEARS = ((1930, 8), (1940, 8), (1950, 8), (1960, 8), (1970, 8), (1980, 5), (1985, 4), (1990, 3))
"""Centres and widths of soft bands; from 1993 on each year has its own."""
LATE = tuple((year, 1) for year in range(1993, 1999))
AGES = (25, 35, 50)
NUMBERED_BY = 1
"""Seed of the films' numbers."""


@dataclass(frozen=True)
class Movies:
    """Events, and what is known besides.

    log       people and films numbered
    features  (items, d) float64 of unit norm: kind and year
    kinds     (items, kinds) float64, each row sums to 1, or is zero
    segments  (people,) numbers of groups of age and gender
    """

    log: Log
    features: Floats
    kinds: Floats
    segments: Ints


def fetched(folder: Path) -> Path:
    """The folder of the tables, below `folder`; downloads them unless they are there. Raises BenchFailed."""
    tables = folder / INSIDE
    if not (tables / "ml-100k.inter").exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), WHEEL]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=FETCH_S)
        except (subprocess.SubprocessError, OSError) as problem:
            why = str(getattr(problem, "stderr", "") or problem).strip().splitlines()[-1:]
            raise BenchFailed(f"{WHEEL} cannot be had: {' '.join(why)}") from problem
        with zipfile.ZipFile(next(folder.glob("recbole-*.whl"))) as wheel:
            for name in wheel.namelist():
                if name.startswith(INSIDE):
                    wheel.extract(name, folder)
    return tables


def read(tables: Path) -> Movies:
    """The tables as arrays. Films are numbered by chance, always the same: their own numbers go by popularity, so where
    a method says the same of several, breaking ties by number would do what it did not."""
    ratings = np.loadtxt(tables / "ml-100k.inter", skiprows=1)
    ratings = ratings[np.argsort(ratings[:, 3], kind="stable")]
    people, who = np.unique(ratings[:, 0].astype(int), return_inverse=True)
    films, what = _shuffled(*np.unique(ratings[:, 1].astype(int), return_inverse=True))
    log = Log(who, what, ratings[:, 2] >= LEAST_RATING, ratings[:, 3] / DAY_S, len(people), len(films))
    told = {int(row[0]): row[1:] for row in _rows(tables / "ml-100k.item")}
    known = {int(row[0]): row[1:] for row in _rows(tables / "ml-100k.user")}
    kinds, features = _films(films, told)
    bands = np.digitize([int(known[person][0]) for person in people], AGES)
    genders = np.array([known[person][1] == "F" for person in people], dtype=np.intp)
    return Movies(log, features, kinds, 2 * bands + genders)


def _shuffled(films: Ints, what: Ints) -> tuple[Ints, Ints]:
    place = np.random.default_rng(NUMBERED_BY).permutation(len(films))
    return films[np.argsort(place)], place[what]


def _films(films: Ints, told: Mapping[int, list[str]]) -> tuple[Floats, Floats]:
    rows = [told.get(int(film), ["", "", ""]) for film in films]
    words = sorted({word for row in rows for word in row[2].split()})
    has = np.array([[word in row[2].split() for word in words] for row in rows], dtype=np.float64)
    rare = np.log(len(films) / (1 + has.sum(axis=0)))
    years = np.array([float(row[1]) if row[1].isdigit() else 1990.0 for row in rows])
    centres, widths = np.array((*YEARS, *LATE), dtype=np.float64).T
    of_years = np.exp(-(((years[:, None] - centres) / widths) ** 2) / 2)
    features = unit(np.hstack([unit(has * rare), unit(of_years)]))
    return has / np.maximum(has.sum(axis=1, keepdims=True), 1), features


def unit(rows: Floats) -> Floats:
    """Rows of unit norm; those without length stay zero."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Floats = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return scaled


def _rows(path: Path) -> Iterator[list[str]]:
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        yield line.split("\t")
