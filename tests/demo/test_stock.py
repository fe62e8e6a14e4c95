from __future__ import annotations

from dataclasses import replace

from demo.stock import Stocked, stock
from tests.client.fakes.embedder import SPACE
from tests.client.fakes.fleet import Fleet
from visrec.client import Client
from visrec.items import NewItem
from visrec.v1 import common_pb2


def run(client: Client, items: list[NewItem]) -> Stocked:
    steps: list[tuple[int, int]] = []
    result = stock(client, "demo", items, lambda done, total: steps.append((done, total)))
    assert steps[-1] == (len(items), len(items))
    return result


def test_a_second_run_writes_nothing(client: Client, items: list[NewItem], services: Fleet) -> None:
    assert run(client, items).written == len(items)
    again = run(client, items)
    assert (again.written, again.present, again.removed) == (0, len(items), 0)


def test_changed_photos_and_words_are_written_again_and_strays_removed(
    client: Client, items: list[NewItem], services: Fleet
) -> None:
    run(client, items)
    repainted = replace(items[0], photos=[items[-1].photos[0]])
    renamed = replace(items[1], title="Another")
    result = run(client, [repainted, renamed, *items[2:-1]])
    assert (result.written, result.present, result.removed) == (2, len(items) - 3, 1)
    assert services.indexer.catalogues["demo"][items[1].id].title == "Another"
    assert items[-1].id not in services.indexer.catalogues["demo"]


def test_a_photo_that_went_away_fails_alone(client: Client, items: list[NewItem]) -> None:
    gone = replace(items[0], photos=["nowhere.png"])
    result = run(client, [gone, *items[1:]])
    assert [outcome.item_id for outcome in result.failed] == [gone.id]
    assert result.written == len(items) - 1


def test_a_catalogue_of_another_model_is_made_anew(client: Client, items: list[NewItem], services: Fleet) -> None:
    run(client, items)
    services.embedder.space = common_pb2.Space(name="toy@2", blocks=SPACE.blocks)
    assert run(client, items).written == len(items)
