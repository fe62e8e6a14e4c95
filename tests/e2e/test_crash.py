"""Kill -9 of any process in the middle of an ingest: what was acknowledged is there, nothing is there by half."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import grpc
import numpy as np
import pytest

from tests.e2e.conftest import CALL_S, Stubs, connected
from tests.e2e.pictures import COLOURS, PATTERNS, picture
from tests.fleet import fleet
from visrec.v1 import common_pb2, indexer_pb2, profile_pb2

ITEMS = 1000
IN_A_CALL = 10
PHOTOS = 2
"""Of each item: an item with one of its two rows would be half an item."""

SPACE = common_pb2.Space(
    name="test@00c0ffee", blocks=[common_pb2.Block(name="content", dimension=16, default_weight=1)]
)


PICTURES = tuple(picture(pattern, colour, 0, size=48) for pattern in PATTERNS for colour in COLOURS)


@dataclass
class Ingest:
    """1,000 items on their way in. `acknowledged` holds the ids of those that the service said it had written."""

    visrec: Stubs
    catalogue: str
    item: Callable[[int], indexer_pb2.IngestItem]
    acknowledged: set[str] = field(default_factory=set)
    version: str = ""
    failures: int = 0

    def run(self, blow: Callable[[], None]) -> None:
        """Sends every batch once; a batch that failed is not sent again, so its items may be there or not. A third of
        the way, `blow` falls while the next batches are on their way."""
        striker = threading.Thread(target=blow)
        for start in range(0, ITEMS, IN_A_CALL):
            if striker.ident is None and start >= ITEMS // 3:
                striker.start()
            items = [self.item(number) for number in range(start, start + IN_A_CALL)]
            request = indexer_pb2.IngestItemsRequest(catalogue=self.catalogue, items=items)
            try:
                answer = self.visrec.indexer.IngestItems(request, timeout=CALL_S, wait_for_ready=True)
            except grpc.RpcError:
                self.failures += 1
                continue
            self.acknowledged |= {result.item_id for result in answer.results if not result.status.code}
            self.failures += any(result.status.code for result in answer.results)
            self.version = answer.version or self.version
        striker.join()

    def await_index(self) -> None:
        """Until the index contains everything that the record does: it follows, also after a restart of Redis."""
        item_ids = [f"not-there-{self.catalogue}"]
        request = indexer_pb2.DeleteItemsRequest(catalogue=self.catalogue, item_ids=item_ids)
        version = self.visrec.indexer.DeleteItems(request, timeout=CALL_S, wait_for_ready=True).version
        query = indexer_pb2.Query(name="any", item_id=next(iter(self.acknowledged)))
        search = indexer_pb2.SearchRequest(catalogue=self.catalogue, queries=[query], min_version=version)
        self.visrec.indexer.Search(search, timeout=CALL_S)


def data(number: int, row: int) -> bytes:
    """The vector of one row of an item: a direction of its own."""
    return np.random.default_rng([number, row]).standard_normal(16).astype("<f4").tobytes()


def by_vector(number: int) -> indexer_pb2.IngestItem:
    """An item with two vectors of its own."""
    vectors = [common_pb2.Vector(space=SPACE.name, data=data(number, row)) for row in range(PHOTOS)]
    return indexer_pb2.IngestItem(item=indexer_pb2.Item(id=f"item-{number}"), vectors=vectors)


def by_photo(number: int) -> indexer_pb2.IngestItem:
    """An item with two photos; a few different pictures do, it is about the processes."""
    photos = [common_pb2.Photo(data=PICTURES[(number + row) % len(PICTURES)]) for row in range(PHOTOS)]
    return indexer_pb2.IngestItem(item=indexer_pb2.Item(id=f"item-{number}"), photos=photos)


@pytest.fixture(scope="module")
def own_visrec(tmp_path_factory: pytest.TempPathFactory, models: dict[str, str]) -> Iterator[Stubs]:
    """A running system for tests that kill."""
    with fleet(tmp_path_factory.mktemp("crash"), models) as running, connected(running) as stubs:
        yield stubs


@pytest.mark.parametrize("victim", ["redis", "indexer", "profile", "ranker"])
def test_killing_a_process_during_an_ingest_loses_nothing(own_visrec: Stubs, victim: str) -> None:
    request = indexer_pb2.CreateCatalogueRequest(catalogue=f"crash-{victim}", space=SPACE)
    own_visrec.indexer.CreateCatalogue(request, timeout=CALL_S, wait_for_ready=True)
    ingest = Ingest(own_visrec, f"crash-{victim}", by_vector)
    kill_in_the_middle(ingest, victim)
    stored = check_record(ingest)
    check_search(ingest, sorted(stored)[:: max(1, len(stored) // 100)])


def test_killing_the_embedder_during_an_ingest_of_photos_loses_nothing(own_visrec: Stubs) -> None:
    request = indexer_pb2.CreateCatalogueRequest(catalogue="crash-embedder")
    own_visrec.indexer.CreateCatalogue(request, timeout=CALL_S, wait_for_ready=True)
    ingest = Ingest(own_visrec, "crash-embedder", by_photo)
    kill_in_the_middle(ingest, "embedder")
    assert ingest.failures, "no photo was refused while the embedder was away"
    check_record(ingest)


def kill_in_the_middle(ingest: Ingest, victim: str) -> None:
    process = ingest.visrec.fleet.process(victim)
    ingest.run(process.kill)
    process.wait(CALL_S)
    for service in ("embedder", "indexer", "profile", "ranker"):
        ingest.visrec.fleet.await_serving(service)
    assert ingest.acknowledged, "nothing was written at all"


def check_record(ingest: Ingest) -> set[str]:
    """Every acknowledged item is there, and every item that is there is whole. Returns what is there."""
    stored: dict[str, int] = {}
    token = ""
    while True:
        page = ingest.visrec.indexer.ListItems(
            indexer_pb2.ListItemsRequest(
                catalogue=ingest.catalogue, page_size=1000, page_token=token, include_vectors=True
            ),
            timeout=CALL_S,
            wait_for_ready=True,
        )
        stored |= {each.item.id: len(each.vectors) for each in page.items}
        token = page.next_page_token
        if not token:
            break
    assert ingest.acknowledged <= stored.keys()
    assert set(stored.values()) == {PHOTOS}
    ingest.await_index()
    answer = ingest.visrec.indexer.GetStats(indexer_pb2.GetStatsRequest(catalogue=ingest.catalogue), timeout=CALL_S)
    (stats,) = answer.catalogues
    assert (stats.items, stats.rows) == (len(stored), PHOTOS * len(stored)), "the index agrees with the record"
    return set(stored)


def check_search(ingest: Ingest, ids: list[str]) -> None:
    """Each of these items is found by its last vector, first of all."""
    for item_id in ids:
        own = data(int(item_id.removeprefix("item-")), PHOTOS - 1)
        query = indexer_pb2.Query(name="own", vector=common_pb2.Vector(space=SPACE.name, data=own))
        answer = ingest.visrec.indexer.Search(
            indexer_pb2.SearchRequest(
                catalogue=ingest.catalogue,
                queries=[query],
                limit=1,
                min_version=ingest.version,
                accuracy=indexer_pb2.ACCURACY_EXACT,
            ),
            timeout=CALL_S,
        )
        assert [hit.item_id for hit in answer.hits] == [item_id]


def test_people_and_their_events_survive_a_kill(own_visrec: Stubs) -> None:
    """Not only the catalogue: what the profile acknowledged is there after Redis and the profile itself were killed."""
    catalogue = indexer_pb2.CreateCatalogueRequest(catalogue="crash-people", space=SPACE)
    own_visrec.indexer.CreateCatalogue(catalogue, timeout=CALL_S)
    request = indexer_pb2.IngestItemsRequest(catalogue="crash-people", items=map(by_vector, range(8)))
    own_visrec.indexer.IngestItems(request, timeout=CALL_S)
    consent = profile_pb2.Consent(personalisation=profile_pb2.CONSENT_STATE_GIVEN)
    user = profile_pb2.User(user_id="ann", consent=consent)
    own_visrec.profile.PutUser(profile_pb2.PutUserRequest(user=user), timeout=CALL_S)
    events = [
        profile_pb2.Event(
            event_id=f"e{number}",
            user_id="ann",
            type=profile_pb2.EVENT_TYPE_SAVE,
            catalogue="crash-people",
            item_id=f"item-{number}",
        )
        for number in range(8)
    ]
    answer = own_visrec.profile.RecordEvents(profile_pb2.RecordEventsRequest(events=events), timeout=CALL_S)
    assert {result.outcome for result in answer.results} == {profile_pb2.EVENT_OUTCOME_LEARNED}

    for name in ("redis", "profile"):
        own_visrec.fleet.kill(name)
    for service in ("indexer", "profile"):
        own_visrec.fleet.await_serving(service)

    ask = profile_pb2.GetTasteRequest(user_id="ann", catalogue="crash-people", include_seen=True)
    taste = own_visrec.profile.GetTaste(ask, timeout=CALL_S, wait_for_ready=True).taste
    assert set(taste.seen_item_ids) == {f"item-{number}" for number in range(8)}
    again = own_visrec.profile.RecordEvents(profile_pb2.RecordEventsRequest(events=events), timeout=CALL_S)
    assert {result.outcome for result in again.results} == {profile_pb2.EVENT_OUTCOME_DUPLICATE}
