"""`make eval`: how good the answers are, on labelled photos and through running services.

Clothing: each `query` photo against the `gallery`, by content alone; how many of the ten nearest have its category.
Luma: each product with a named colour against the others, by colour alone; how many of the ten have its colour.
Both start from an empty catalogue, so nothing is fitted to what is judged. Prints a table, writes
var/eval/quality.json, and ends with exit code 1 when a figure is below its target. CLOTHING and LUMA name the folders
(each with items.csv and images); without them, data/clothing and data/luma are looked for here and in the folders
beside the project.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress, track
from rich.table import Table

from bench import machine, sample
from bench.failure import BenchFailed
from bench.fleet import ROOT, started
from visrec.client import Client
from visrec.errors import VisrecCallError
from visrec.items import NewItem
from visrec.v1 import indexer_pb2

FOLDER = ROOT / "var" / "eval"
K = 10

console = Console()


@dataclass(frozen=True)
class Photo:
    """One row of an items.csv: its label is what its neighbours should share."""

    id: str
    path: Path
    label: str


@dataclass(frozen=True)
class Figure:
    """A measured value beside what it should reach, over so many queries."""

    name: str
    value: float
    target: float
    queries: int

    @property
    def good(self) -> bool:
        """Reached."""
        return self.value >= self.target


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures what there is data for; the exit code is 1 when a target is missed or nothing could be measured."""
    options = _options(arguments)
    folders = {"clothing": options.clothing, "luma": options.luma}
    present = {name for name, folder in folders.items() if (folder / "items.csv").is_file()}
    for name in folders.keys() - present:
        console.print(f"{name}: left out, no items.csv in {folders[name]} (name its folder by {name.upper()}=…)")
    if not present:
        return 1
    try:
        figures = list(measure_all({name: folders[name] for name in present}))
    except (BenchFailed, VisrecCallError) as error:
        console.print(f"[red]{error}[/red]")
        return 1
    report(figures)
    return 0 if all(figure.good for figure in figures) else 1


def measure_all(folders: Mapping[str, Path]) -> Iterator[Figure]:
    """The figures of the data sets in `folders`, each from its own catalogue of a fresh set of services."""
    console.print("Starting the services; the first start builds the network.")
    with started() as fleet, Client.connect(fleet.targets) as client:
        if folder := folders.get("clothing"):
            yield clothing(client, folder)
        if folder := folders.get("luma"):
            yield luma(client, folder)
        if folder := folders.get("clothing"):
            yield precisions(client, folder)


def clothing(client: Client, folder: Path) -> Figure:
    """Query photos against the gallery, content alone. Within the gallery one contributor's backdrop repeats and would
    flatter any method, so that is not asked."""
    rows = list(read(folder))
    gallery = [_photo(folder, row, "category") for row in rows if row["split"] == "gallery"]
    queries = [_photo(folder, row, "category") for row in rows if row["split"] == "query"]
    _ingest(client, "clothing", gallery)

    def nearest(query: Photo) -> indexer_pb2.SearchResponse:
        return client.similar("clothing", photo=query.path, n=K, block_weights={"content": 1})

    return Figure("clothing: category, content alone", precision("clothing", queries, nearest), 0.64, len(queries))


def luma(client: Client, folder: Path) -> Figure:
    """Each product with a named colour against the others that have one, colour alone."""
    products = [_photo(folder, row, "colour") for row in read(folder) if row["colour"]]
    _ingest(client, "luma", products)

    def nearest(query: Photo) -> indexer_pb2.SearchResponse:
        return client.similar("luma", item_id=query.id, n=K, block_weights={"colour": 1})

    return Figure("luma: named colour, colour alone", precision("luma", products, nearest), 0.71, len(products))


def precisions(client: Client, folder: Path) -> Figure:
    """How far quantising moves the content block: the mean cosine of int8 and fp32 over the query photos."""
    paths = [folder / row["image"] for row in read(folder) if row["split"] == "query"][:100]
    ours = [_content(client, path) for path in track(paths, "int8 vectors", console=console)]
    with started({"VISREC_EMBEDDER_PRECISION": "fp32"}) as fleet, Client.connect(fleet.targets) as exact:
        theirs = [_content(exact, path) for path in track(paths, "fp32 vectors", console=console)]
    cosines = np.sum(np.array(ours) * np.array(theirs), axis=1)
    return Figure("content block: mean cosine of int8 and fp32", float(cosines.mean()), 0.985, len(paths))


def precision(name: str, queries: Sequence[Photo], nearest: Callable[[Photo], indexer_pb2.SearchResponse]) -> float:
    """precision@10: the share of the ten nearest that have the query's label, averaged over the queries. Fewer than ten
    answers count as wrong ones."""
    shared = 0
    for query in track(queries, f"Querying {name}", console=console):
        shared += sum(hit.item.category == query.label for hit in nearest(query).hits)
    return shared / (K * len(queries))


def read(folder: Path) -> Iterator[dict[str, str]]:
    """The rows of the folder's items.csv, by column."""
    with (folder / "items.csv").open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def report(figures: Sequence[Figure]) -> None:
    """The table on the terminal, and everything in var/eval/quality.json."""
    table = Table(title=f"Quality (precision@{K} unless it says otherwise)", box=SIMPLE_HEAD)
    table.add_column("what")
    for column in ("measured", "target", "queries"):
        table.add_column(column, justify="right")
    for each in figures:
        colour = "green" if each.good else "red"
        table.add_row(each.name, f"[{colour}]{each.value:.3f}[/]", f"{each.target:.3f}", str(each.queries))
    console.print(table)
    FOLDER.mkdir(parents=True, exist_ok=True)
    found = {"machine": machine.describe(), "figures": [asdict(each) for each in figures]}
    (FOLDER / "quality.json").write_text(json.dumps(found, indent=2) + "\n")


def _photo(folder: Path, row: Mapping[str, str], label: str) -> Photo:
    return Photo(row["id"], folder / row["image"], row[label])


def _ingest(client: Client, catalogue: str, photos: Sequence[Photo]) -> None:
    """Into a catalogue of its own, with the label as the category. Raises BenchFailed."""
    client.create_catalogue(catalogue)
    items = (NewItem(photo.id, photos=[photo.path], category=photo.label) for photo in photos)
    with Progress(console=console) as progress:
        task = progress.add_task(f"Indexing {catalogue}", total=len(photos))
        sample.ingest(client, catalogue, items, lambda: progress.advance(task))


def _content(client: Client, path: Path) -> Sequence[float]:
    """The content block, which comes first in its space and has unit length."""
    (block, *_) = client.model().spaces[0].blocks
    return client.embed(path).numbers[: block.dimension]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.quality", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("clothing", "luma"):
        folder = Path(os.environ.get(name.upper()) or _beside(name))
        parser.add_argument(f"--{name}", type=Path, default=folder, help=f"a folder of photos (default {folder})")
    return parser.parse_args(arguments)


def _beside(name: str) -> Path:
    """A folder data/NAME in this project or in one beside it; if there is none, where the first would be."""
    expected = ROOT / "data" / name
    found = [path.parent for path in sorted(ROOT.parent.glob(f"*/data/{name}/items.csv"))]
    return expected if expected.is_dir() or not found else found[0]


if __name__ == "__main__":
    sys.exit(main())
