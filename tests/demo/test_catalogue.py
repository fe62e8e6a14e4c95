from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from demo.catalogue import Catalogue, gather, own, split, without
from demo.sources import LeftOut
from visrec.catalogue_files import CatalogueFileError
from visrec.items import NewItem


@dataclass
class FakeSource:
    """Copies nothing but a note, and counts how often it is asked to."""

    name: str
    found: list[NewItem]
    refusal: str = ""
    about: str = "things"
    fetches: list[Path] = field(default_factory=list)

    def fetch(self, folder: Path) -> None:
        self.fetches.append(folder)
        if self.refusal:
            raise LeftOut(self.refusal)
        (folder / "note").write_text("here")

    def items(self, folder: Path) -> list[NewItem]:
        assert (folder / "note").read_text() == "here"
        return self.found


def silent(_: str) -> None: ...


def test_the_photos_asked_with_are_not_in_the_catalogue(photos: Path) -> None:
    catalogue = own(photos)
    asked = {query.id for query in catalogue.queries}
    assert len(asked) == 2
    assert asked.isdisjoint(item.id for item in catalogue.items)
    assert len(catalogue.items) == 16
    assert {query.category for query in catalogue.queries} == {"blue", "green"}


def test_a_folder_has_a_catalogue_of_its_own(photos: Path) -> None:
    assert own(photos).name == "demo-photos"
    odd = photos.rename(photos.with_name("Été 2024 (Ghent)"))
    assert own(odd).name == "demo-t-2024-ghent"


def test_a_row_that_is_left_out_is_named(photos: Path) -> None:
    rows = [f"{at},{path.relative_to(photos)}" for at, path in enumerate(sorted(photos.rglob("*.png")))]
    (photos / "items.csv").write_text("\n".join(["id,image", *rows, "last,gone.png"]))
    said: list[str] = []
    own(photos, said.append)
    assert len(said) == 1
    assert "gone.png does not exist" in said[0]


def test_a_photo_that_cannot_be_opened_is_never_asked_with(photos: Path) -> None:
    for path in (photos / "red").iterdir():
        path.write_bytes(b"not a picture")
    assert all(query.category != "red" for query in own(photos).queries)


def test_too_few_photos_are_refused(items: list[NewItem]) -> None:
    with pytest.raises(CatalogueFileError, match="at least 4"):
        split("demo", items[:3], [])
    assert len(split("demo", items[:4], []).items) == 3


def test_sources_are_combined_and_one_that_cannot_be_had_is_named(items: list[NewItem], tmp_path: Path) -> None:
    said: list[str] = []
    sources = [FakeSource("a", items[:9]), FakeSource("b", [], "there is no npm [here]"), FakeSource("c", items[9:])]
    catalogue = gather(sources, tmp_path, said.append)
    assert len(catalogue.items) + len(catalogue.queries) == len(items)
    assert catalogue.name == "demo"
    assert "[yellow]left out[/] things because there is no npm \\[here]" in said


def test_what_was_fetched_once_is_not_fetched_again(items: list[NewItem], tmp_path: Path) -> None:
    source = FakeSource("a", items)
    first, second = (gather([source], tmp_path, silent) for _ in range(2))
    assert first == second
    assert len(source.fetches) == 1


def test_a_fetch_that_broke_off_leaves_nothing_to_mistake_for_a_whole_one(items: list[NewItem], tmp_path: Path) -> None:
    with pytest.raises(CatalogueFileError, match="no photos could be had"):
        gather([FakeSource("a", [], "the network went away")], tmp_path, silent)
    assert gather([FakeSource("a", items)], tmp_path, silent).items


def test_items_that_could_not_be_written_are_left_out_of_the_rest(items: list[NewItem]) -> None:
    catalogue = Catalogue("demo", items, [])
    assert len(without(catalogue, {items[0].id}).items) == len(items) - 1
