"""`make eval`: how good the answers are, on labelled pictures and through running services.

Clothing: each `query` photo against the `gallery`. Luma: each product against the others. Over photos: products of luma
cut out and pasted, against those that were not. Medium: photos, drawings and paintings of gcompris. Look: its photos
under ten treatments. How many of the ten nearest share the category, the colour, the medium, the look; by each block
alone. Nothing was fitted to what is judged. Other views: the other colours of a product of luma, and photos mirrored,
turned, cropped and lit otherwise; how many are among the first ten (recall@10), and mAP of the whole ranking.
Tastes: simulated shoppers (tests/profile/shoppers.py says what is assumed) act on the photos of both shops through the
profile service; what their tastes find is held against what one mean vector of the same acts finds.
Diversity: photos of both shops asked of the ranker, with more and more of it.
Learned heads: clothing's labels, and what simulated shoppers choose, for photos that nothing was fitted to.
Domains: what goes with a photo in another domain: luma's links, rooms and home, photos by phone and products.

Prints tables, writes var/eval/quality.json and .svg, and ends with exit code 1 when a figure misses its target or
nothing can be measured. CLOTHING and LUMA name the folders (each with items.csv and images); without them,
data/clothing and data/luma are looked for here and in the folders beside the project. gcompris is fetched with apt into
var/eval; what cannot be had is left out and named.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from bench.failure import BenchFailed
from bench.fleet import ROOT, Fleet, started
from bench.quality import domains, heads, index, measure, report, tastes, trips, variety
from bench.quality.data import Data, collect, distinct
from bench.quality.figure import Section
from bench.quality.folders import add_folders
from bench.quality.vectors import Vectors, embed
from demo.sources import LeftOut
from visrec.client import Client
from visrec.connection import Connection
from visrec.errors import VisrecCallError

FOLDER = ROOT / "var" / "eval"

console = Console()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures what there are pictures for. Returns the exit code."""
    options = _options(arguments)
    try:
        folders = {"clothing": options.clothing, "luma": options.luma}
        data = collect(folders, FOLDER / "gcompris", console.print)
        for line in data.left_out:
            console.print(f"[yellow]left out[/] {escape(line)}", soft_wrap=True)
        alone = {"heads": measure_heads, "domains": measure_domains}
        sections = alone.get(options.only, measure_all)(data, folders) if data.questions else []
    except (BenchFailed, VisrecCallError) as error:
        console.print(f"[red]{escape(str(error))}[/]")
        return 1
    for section in sections:
        console.print(report.table(section))
    if sections:
        report.save(sections, data.left_out, FOLDER / "quality.json")
        (FOLDER / "quality.svg").write_text(report.drawn(sections), encoding="utf-8")
    figures = [figure for section in sections for figure in section.figures]
    return 0 if figures and all(figure.good for figure in figures) else 1


def measure_all(data: Data, folders: Mapping[str, Path]) -> list[Section]:
    """Every section, from two fresh sets of services: one of each precision. Raises BenchFailed, VisrecCallError."""
    console.print("Starting the services; each start builds the network.")
    photos = distinct(data.shops)
    made = [picture for picture in data.pictures if picture not in photos]
    with started() as fleet, Client.connect(fleet.targets) as client:
        int8 = embed(fleet, photos, "int8", console)
        others = embed(fleet, made, "int8, gcompris and made", console)
        three = embed(fleet, photos, "int8, three views", console, three_views=True)
        found = measure.index(
            data.shops, int8, lambda question, block: index.ask(client, question, int8, block, console)
        )
        of_people = tastes.measure(client, photos, int8, console)
        learned = [*_heads(fleet, data, int8), *_domains(fleet, data, folders, int8)]
        with Connection(fleet.targets) as connection:
            varied = variety.measure(connection, measure.indexed(data.shops), int8, console)
    with started({"VISREC_EMBEDDER_PRECISION": "fp32"}) as fleet:
        fp32 = embed(fleet, photos, "fp32", console)
    sections = (
        measure.blocks(data.questions, int8.with_those_of(others)),
        measure.retrieval(data.shops, data.alike, int8.with_those_of(others)),
        measure.precisions(data.shops, int8, fp32),
        measure.views(data.shops, int8, three),
        found,
        varied,
        *of_people,
        *learned,
    )
    return [section for section in sections if section.figures]


def measure_heads(data: Data, _: Mapping[str, Path]) -> list[Section]:
    """What is learned, and nothing else. Raises BenchFailed, VisrecCallError."""
    with started() as fleet:
        return _heads(fleet, data, embed(fleet, distinct(data.shops), "int8", console))


def measure_domains(data: Data, folders: Mapping[str, Path]) -> list[Section]:
    """What is found across domains, and nothing else. Raises BenchFailed, VisrecCallError."""
    with started() as fleet:
        return _domains(fleet, data, folders, embed(fleet, distinct(data.shops), "int8", console))


def _domains(fleet: Fleet, data: Data, folders: Mapping[str, Path], vectors: Vectors) -> list[Section]:
    by_name = {question.name: question for question in data.shops}
    luma, clothing = by_name.get("luma: category"), by_name.get("clothing: category")
    linked, found = None, []
    if luma and (folders["luma"] / trips.LINKS).is_file():
        linked = trips.links(folders["luma"], luma.gallery)
    if luma and clothing:
        same = trips.garments(clothing.queries, luma.gallery)
        found.append(trips.Trip("phone→shop", clothing.queries, luma.gallery, same))
        back = trips.garments(clothing.gallery, luma.gallery).T
        found.append(trips.Trip("shop→phone", luma.gallery, clothing.gallery, back))
    try:
        home = trips.rooms(FOLDER)
        vectors = vectors.with_those_of(embed(fleet, [*home.source, *home.target], "int8, rooms and home", console))
        found.append(home)
    except LeftOut as reason:
        console.print(f"[yellow]left out[/] rooms → home: {escape(str(reason))}", soft_wrap=True)
    return [domains.measure(linked, found, vectors)]


def _heads(fleet: Fleet, data: Data, vectors: Vectors) -> list[Section]:
    with Connection(fleet.targets, timeout_s=120) as connection:
        asked = [question for question in data.shops if question.name == "clothing: category"]
        return [heads.measure(connection, question, vectors, console) for question in asked]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.quality", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_folders(parser)
    parser.add_argument("--only", choices=["heads", "domains"], help="measure these alone")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
