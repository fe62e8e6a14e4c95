"""Redis fails over in the middle of writes: lost is at most what had not been replicated, and nobody has to help."""

from __future__ import annotations

import functools
import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from services.profile.app import assemble
from services.profile.filing.store_redis import RedisProfileStore
from services.profile.settings import ProfileSettings
from services.runtime.redis import open_redis
from services.runtime.settings import RuntimeSettings
from tests.profile.builders import shop
from tests.redis_servers import HANGS_S, Pair, until
from tests.servers import await_serving, serving
from visrec.v1 import profile_pb2 as pb
from visrec.v1.profile_pb2_grpc import ProfileServiceStub

WRITERS = 4
ENOUGH = 8
"""Acknowledged events of each writer before and after the failover; together they fit the window."""
CALL_S = 20.0
CONSENT = pb.Consent(personalisation=pb.CONSENT_STATE_GIVEN)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with Pair(tmp_path) as running:
        yield running


@pytest.fixture
def channel(pair: Pair, runtime: RuntimeSettings) -> Iterator[grpc.Channel]:
    settings = ProfileSettings(window=1000, max_events_per_minute=10_000)
    own = runtime.model_copy(update={"redis_url": pair.url})
    store = RedisProfileStore(open_redis(own), "", settings.store_rules())
    with serving(assemble(settings, store, shop()), own) as served:
        yield served.channel


class Writers:
    """Each records one event after the other of a person of its own, each until it is acknowledged, and goes on until
    it has `ENOUGH` after it was told to `finish`."""

    def __init__(self, stub: ProfileServiceStub) -> None:
        self._stub = stub
        self._changed = threading.Condition()
        self._finishing: int | None = None
        self.acknowledged: dict[str, list[str]] = {f"person-{number}": [] for number in range(WRITERS)}

    def run(self, person: str) -> None:
        for number in itertools.count():
            event = f"{person}-{number}"
            until(functools.partial(self._try, person, event, number))
            with self._changed:
                self.acknowledged[person].append(event)
                self._changed.notify_all()
                if self._finishing is not None and self._count(person) >= self._finishing:
                    return

    def _try(self, person: str, event: str, number: int) -> bool:
        message = pb.Event(
            event_id=event,
            user_id=person,
            type=pb.EVENT_TYPE_LIKE,
            catalogue="shop",
            item_id=f"red-{number % 60}",
        )
        try:
            answer = self._stub.RecordEvents(pb.RecordEventsRequest(events=[message]), timeout=CALL_S)
        except grpc.RpcError:
            return False
        return answer.results[0].outcome in {pb.EVENT_OUTCOME_LEARNED, pb.EVENT_OUTCOME_DUPLICATE}

    def _count(self, person: str) -> int:
        return len(self.acknowledged[person])

    def await_each(self, count: int) -> dict[str, list[str]]:
        """Until each has so many. What is acknowledged then."""
        with self._changed:
            reached = lambda: all(self._count(person) >= count for person in self.acknowledged)  # noqa: E731
            assert self._changed.wait_for(reached, timeout=HANGS_S)
            return {person: list(events) for person, events in self.acknowledged.items()}

    def finish(self) -> None:
        """After as many more."""
        with self._changed:
            self._finishing = max(map(self._count, self.acknowledged)) + ENOUGH


def kept(stub: ProfileServiceStub, person: str) -> list[str]:
    answer = stub.ExportUser(pb.ExportUserRequest(user_id=person), timeout=CALL_S)
    return [event.event_id for event in answer.events]


def dies(pair: Pair) -> None:
    """What was acknowledged by now has reached the replica, which is all that Redis promises; then the master dies."""
    pair.fail_over()


def steps_down(pair: Pair) -> None:
    """Planned: the master stays up, as a replica."""
    pair.exchange()


@pytest.mark.parametrize("fail_over", [dies, steps_down])
def test_what_was_replicated_is_kept_and_the_service_goes_on_by_itself(
    pair: Pair, channel: grpc.Channel, fail_over: Callable[[Pair], None]
) -> None:
    stub = ProfileServiceStub(channel)
    writers = Writers(stub)
    for person in writers.acknowledged:
        stub.PutUser(pb.PutUserRequest(user=pb.User(user_id=person, consent=CONSENT)), timeout=CALL_S)
    with ThreadPoolExecutor(WRITERS) as threads:
        running = [threads.submit(writers.run, person) for person in writers.acknowledged]
        replicated = writers.await_each(ENOUGH)
        pair.await_in_step()
        fail_over(pair)
        after = writers.await_each(0)
        writers.finish()
        for each in running:
            each.result(HANGS_S)
    await_serving(channel)
    for person, acknowledged in writers.acknowledged.items():
        events = kept(stub, person)
        assert len(events) == len(set(events))
        assert set(replicated[person]) <= set(events)
        # One may have been on its way from the old master when it was over.
        assert set(acknowledged[len(after[person]) + 1 :]) <= set(events), "what came after it is all there"
        assert set(events) <= set(acknowledged)
        taste = stub.GetTaste(pb.GetTasteRequest(user_id=person, catalogue="shop"), timeout=CALL_S).taste
        assert taste.events == len(events)
        assert taste.interests
