"""The catalogue of a demonstration: somebody's own photos, or what can be had, combined."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image
from rich.markup import escape

from demo.sources import LeftOut, Source
from visrec.catalogue_files import CatalogueFileError, read_items
from visrec.items import NewItem

DEFAULT_NAME = "demo"

QUERY_WISHES = ("room/6373478", "monuments/details/TajMahal")
"""Photos that make good questions, where the catalogue has them."""

LEAST_ITEMS = 4


@dataclass(frozen=True)
class Catalogue:
    """Items to ingest and, kept out of them, photos to ask with."""

    name: str
    items: list[NewItem]
    queries: list[NewItem]
    sources: list[str] = field(default_factory=list)
    """One line about each source, for people."""


def own(path: Path, say: Callable[[str], None] = lambda _: None) -> Catalogue:
    """A folder of photos or an items.csv; `say` is told of every row that is left out. Raises CatalogueFileError."""
    reading = read_items(path)
    for refusal in reading.refused:
        say(f"[red]left out[/] {escape(refusal)}")
    word = re.sub(r"[^a-z0-9]+", "-", (path.resolve().name if path.is_dir() else path.resolve().parent.name).lower())
    return split(f"{DEFAULT_NAME}-{word.strip('-')}"[:48].rstrip("-"), reading.items, [f"your own photos in {path}"])


def gather(sources: Sequence[Source], cache: Path, say: Callable[[str], None]) -> Catalogue:
    """All items that the sources have; `say` is told what happens, and which source is left out and why.

    Raises CatalogueFileError when none of them can be had.
    """
    items: list[NewItem] = []
    had: list[str] = []
    for source in sources:
        try:
            found = _fetched(source, cache, say)
        except LeftOut as reason:
            say(f"[yellow]left out[/] {source.about} because {escape(str(reason))}")
            continue
        say(f"[green]have[/] {len(found)} photos: {source.about}")
        items += found
        had.append(source.about)
    if not items:
        raise CatalogueFileError("no photos could be had: try again, or give your own with CATALOG=folder")
    return split(DEFAULT_NAME, items, had)


def _fetched(source: Source, cache: Path, say: Callable[[str], None]) -> list[NewItem]:
    folder = cache / source.name
    if not folder.is_dir():
        say(f"fetching {source.about} …")
        partial = cache / f".{source.name}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        source.fetch(partial)
        partial.rename(folder)
    try:
        return source.items(folder)
    except (OSError, KeyError, ValueError) as error:
        raise LeftOut(f"what was fetched into {folder} is damaged ({error}): remove it and try again") from error


def split(name: str, items: Sequence[NewItem], sources: Sequence[str]) -> Catalogue:
    """Keeps one or two photos out of the items, to ask with. Raises CatalogueFileError when there are too few."""
    if len(items) < LEAST_ITEMS:
        raise CatalogueFileError(
            f"{len(items)} photos are too few for a demonstration: it needs at least {LEAST_ITEMS}"
        )
    queries = _queries(items)
    asked = {query.id for query in queries}
    return Catalogue(name, [item for item in items if item.id not in asked], queries, list(sources))


def _queries(items: Sequence[NewItem]) -> list[NewItem]:
    """The wished ones, else a photo from the middle of each of the two largest categories that opens as a picture."""
    wished = [item for wish in QUERY_WISHES for item in items if item.id == wish]
    if wished:
        return wished
    shelves: dict[str, list[NewItem]] = {}
    for item in items:
        shelves.setdefault(item.category, []).append(item)
    largest = sorted(shelves.values(), key=len, reverse=True)[:2]
    middles = (next((item for item in shelf[len(shelf) // 2 :] if _opens(item)), None) for shelf in largest)
    queries = [item for item in middles if item and len(items) >= 2 * LEAST_ITEMS]
    queries = queries or [item for item in items if _opens(item)][:1]
    if not queries:
        raise CatalogueFileError("none of the photos can be opened as a picture")
    return queries


def photo_of(item: NewItem) -> Path:
    """The file of its first photo: in a demonstration every photo is one."""
    photo = item.photos[0]
    assert not isinstance(photo, bytes)
    return Path(photo)


def _opens(item: NewItem) -> bool:
    try:
        with Image.open(photo_of(item)) as picture:
            picture.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False
    return True


def without(catalogue: Catalogue, item_ids: set[str]) -> Catalogue:
    """The same catalogue as it stands when these items could not be written."""
    return replace(catalogue, items=[item for item in catalogue.items if item.id not in item_ids])
