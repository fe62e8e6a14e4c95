"""Bringing a catalogue of the services to hold exactly the items of a demonstration, and doing nothing twice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from visrec.client import Client
from visrec.ingest import ItemOutcome
from visrec.items import Attribute, NewItem, attribute
from visrec.v1 import indexer_pb2

DIGEST = "demo_digest"
"""Attribute by which an item is noticed whose photo or words have changed since."""

DELETES_PER_CALL = 1000


@dataclass(frozen=True)
class Stocked:
    """What was done. `version` is the one that contains it, empty when nothing was written."""

    written: int
    present: int
    removed: int
    failed: list[ItemOutcome]
    version: str


def stock(client: Client, name: str, items: Sequence[NewItem], progress: Callable[[int, int], None]) -> Stocked:
    """Ingests what is missing or changed and deletes what does not belong. `progress` is told done and total.

    A catalogue of another space than the embedder's present one is made anew: its vectors mean nothing any more.
    """
    _prepare(client, name)
    marked = [_marked(item) for item in items]
    held = {item.id: _digest_of(item) for item in client.list_items(name)}
    strays = sorted(held.keys() - {item.id for item in marked})
    missing = [item for item in marked if held.get(item.id, "") != item.attributes.get(DIGEST)]
    for start in range(0, len(strays), DELETES_PER_CALL):
        client.delete_items(name, strays[start : start + DELETES_PER_CALL])
    done = len(marked) - len(missing)
    progress(done, len(marked))

    def advance(_: ItemOutcome) -> None:
        nonlocal done
        done += 1
        progress(done, len(marked))

    report = client.ingest(name, missing, on_outcome=advance)
    return Stocked(report.written, len(marked) - len(missing), len(strays), report.failed, report.version)


def _digest_of(item: indexer_pb2.Item) -> Attribute:
    return attribute(item.attributes[DIGEST]) if DIGEST in item.attributes else ""


def _prepare(client: Client, name: str) -> None:
    space = client.model().spaces[0].name
    held = next((each for each in client.list_catalogues() if each.name == name), None)
    if held and held.space.name != space:
        client.delete_catalogue(name)
    client.create_catalogue(name, exist_ok=True)


def _marked(item: NewItem) -> NewItem:
    """The item with its digest; one whose photos cannot be read has none, and fails at the ingest with the reason."""
    try:
        whole = item.message().SerializeToString(deterministic=True)
    except OSError:
        return item
    return replace(item, attributes={**item.attributes, DIGEST: hashlib.sha256(whole).hexdigest()[:16]})
