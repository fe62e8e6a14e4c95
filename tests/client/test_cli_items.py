"""visrec ingest, item and catalogue as they are typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.client.conftest import Run
from tests.client.fakes.fleet import Fleet


def test_a_folder_is_ingested_and_what_fails_is_named(run: Run, folder: Path, services: Fleet) -> None:
    code, out, err = run("ingest", str(folder), "-c", "new", "--domain", "furniture")
    assert code == 1
    assert "2 of 3 items are in new." in out
    assert "left out lamps/tall.jpg: photos[0]: not a picture" in err
    assert services.indexer.catalogues["new"]["chairs/red.jpg"].domain == "furniture"


def test_a_bad_row_is_named_and_the_others_go_in(run: Run, folder: Path, services: Fleet) -> None:
    rows = ["id,image,price", "a,chairs/red.jpg,5", "b,gone.jpg,5", "c,chairs/red.jpg,cheap", "d,lamps/tall.jpg,5"]
    (folder / "items.csv").write_text("\n".join(rows))
    code, out, err = run("ingest", str(folder))
    assert code == 1
    assert "1 of 4 items are in shop." in out
    assert err.count("left out") == 3
    assert "line 3: image" in err
    assert "line 4: price 'cheap'" in err
    assert set(services.indexer.catalogues["shop"]) == {"a"}


def test_ingest_can_insist_on_an_existing_catalogue(run: Run, folder: Path) -> None:
    code, _, err = run("ingest", str(folder), "-c", "new", "--no-create")
    assert code == 1
    assert "visrec catalogue create NAME" in err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["item", "list", "-c", "empty"], "empty has no items; `visrec ingest FOLDER -c empty`"),
        (["popular", "-c", "empty"], "empty has no items; `visrec ingest FOLDER -c empty`"),
        (["popular"], "nobody has done anything lately; `visrec events record USER like ITEM -c shop`"),
    ],
)
def test_an_empty_list_says_why(stocked: Run, services: Fleet, arguments: list[str], why: str) -> None:
    services.indexer.catalogues["empty"] = {}
    code, out, _ = stocked(*arguments)
    assert code == 0
    assert out.startswith(f"nothing found: {why}")


def test_a_catalogue_comes_and_goes(run: Run, services: Fleet) -> None:
    assert run("catalogue", "create", "attic")[0] == 0
    code, _, err = run("catalogue", "create", "attic")
    assert (code, err.count("\n")) == (1, 1)
    told = run("catalogue", "delete", "attic", "--yes")[1]
    assert "attic is gone" in told
    assert "python -m jobs forget-catalogue -c attic" in told
    assert "attic" not in services.indexer.catalogues


def test_items_are_deleted_by_id(stocked: Run, services: Fleet) -> None:
    code, out, err = stocked("item", "delete", "chairs/red.jpg", "nothing", "--yes")
    assert (code, out) == (1, "1 of 2 items are gone.\n")
    assert err == "left out nothing: there is no such item\n"
    assert list(services.indexer.catalogues["shop"]) == ["chairs/[b]lue.jpg"]


@pytest.mark.parametrize(
    "what", [["item", "delete", "chairs/red.jpg"], ["catalogue", "delete", "shop"], ["user", "delete", "anna"]]
)
def test_nothing_is_removed_unasked(stocked: Run, services: Fleet, what: list[str]) -> None:
    """There is nobody at the terminal to say yes."""
    assert stocked(*what)[0] == 1
    assert len(services.indexer.catalogues["shop"]) == 2
    assert "anna" in services.profile.users


@pytest.mark.parametrize("what", [["item", "delete", "x"], ["catalogue", "delete", "x"], ["user", "delete", "x"]])
def test_what_does_not_exist_is_not_asked_about(stocked: Run, what: list[str]) -> None:
    code, out, err = stocked(*what)
    assert code == 1
    assert "?" not in out
    assert "no such item" in err or "does not exist" in err
