"""One suite over both stores of operations, and the workshop that does them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import pytest
import redis

from services.errors import Conflict, NotFound, NotReady, Overloaded, Refused
from services.indexer.operations.operation import (
    GONE_S,
    LEASE_S,
    MAX_RUNNING,
    Operation,
    Operations,
    Outcome,
    Progress,
    State,
    Subject,
    TakenOver,
    Worker,
)
from services.indexer.operations.store_memory import InMemoryOperations
from services.indexer.operations.store_redis import RedisOperations
from services.indexer.operations.workshop import Surroundings, Task, Workshop
from services.indexer.record.catalogue import Receipt
from tests.indexer.builders import NOW_US
from tests.indexer.test_catalogue import Resending

SOON_S = 10.0
"""A bound for what hangs, not a measure."""

ANN, BEN = Worker("ann:1", "first"), Worker("ben:1", "first")


@dataclass
class Store:
    """Operations, and how time passes for them."""

    operations: Operations
    later: Callable[[float], None]
    numbers: Iterator[int] = field(default_factory=count)

    def begin(self, catalogue: str = "shop", replica: str = "", receipt: Receipt | None = None) -> Operation:
        number = next(self.numbers)
        subject = Subject("remake", catalogue, "ff", "learned@11111111", replica)
        return self.operations.begin(Operation(f"op-{number}", subject, NOW_US + number, replica=replica), receipt)


@pytest.fixture(params=["memory", "redis", "redis, each command twice"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    if request.param == "memory":
        now = [1_700_000_000.0]

        def pass_by(seconds: float) -> None:
            now[0] += seconds

        yield Store(InMemoryOperations(lambda: now[0]), pass_by)
        return
    kind = redis.Redis if request.param == "redis" else Resending
    with closing(kind.from_url(request.getfixturevalue("redis_url"))) as client:
        plain: Any = redis.Redis(connection_pool=client.connection_pool)

        def age(seconds: float) -> None:
            """What the clock of Redis would do to leases and replicas."""
            for key in plain.keys("visrec:{operations}:operation:*"):
                lease = plain.hget(key, "lease")
                if lease:
                    plain.hset(key, "lease", str(int(int(lease) - seconds * 1000)))
            for name, seen in plain.zrange("visrec:{operations}:replicas", 0, -1, withscores=True):
                plain.zadd("visrec:{operations}:replicas", {name: seen - seconds * 1000})

        yield Store(RedisOperations(client), age)


class TestOperations:
    def test_what_was_begun_is_known_and_waits_for_a_worker(self, store: Store) -> None:
        made = store.begin()
        known = store.operations.get(made.name)
        assert (known, known.state, known.ended_us) == (made, State.RUNNING, 0)
        claimed = store.operations.claim(ANN)
        assert claimed == replace(made, replica=ANN.replica)
        assert store.operations.claim(BEN) is None

    def test_the_oldest_comes_first_and_the_newest_is_listed_first(self, store: Store) -> None:
        made = [store.begin(f"shop-{number}") for number in range(5)]
        claimed = store.operations.claim(ANN)
        assert claimed is not None
        assert claimed.name == made[0].name
        names = [one.name for one in store.operations.newest(None, 3)]
        assert names == [one.name for one in made[:1:-1]]
        rest = store.operations.newest((made[2].started_us, made[2].name), 10)
        assert [one.name for one in rest] == [made[1].name, made[0].name]

    def test_a_receipt_makes_it_begin_once(self, store: Store) -> None:
        receipt = Receipt("one", b"x")
        first = store.begin(receipt=receipt)
        assert store.begin(receipt=receipt).name == first.name
        with pytest.raises(Conflict):
            store.begin(receipt=replace(receipt, digest=b"y"))

    def test_a_subject_has_one_at_a_time(self, store: Store) -> None:
        first = store.begin()
        with pytest.raises(Refused) as refused:
            store.begin()
        assert refused.value.metadata == {"operation": first.name}
        store.operations.stop(first.name)
        store.begin()

    def test_there_are_so_many_and_no_more(self, store: Store) -> None:
        for number in range(MAX_RUNNING):
            store.begin(f"shop-{number}")
        with pytest.raises(Overloaded) as refused:
            store.begin("one-more")
        assert refused.value.reason == "TOO_MANY_OPERATIONS"

    def test_progress_is_seen_by_all_and_asks_whether_to_stop(self, store: Store) -> None:
        made = store.begin()
        store.operations.claim(ANN)
        progress = Progress(5, 10, {"made": 4}, "0 17")
        assert not store.operations.report(made.name, ANN, progress)
        assert store.operations.get(made.name).progress == progress
        assert store.operations.stop(made.name).state is State.RUNNING
        assert store.operations.report(made.name, ANN, progress)
        store.operations.end(made.name, ANN, Outcome(State.CANCELLED, progress, NOW_US))
        ended = store.operations.get(made.name)
        assert (ended.state, ended.ended_us, ended.stopping) == (State.CANCELLED, NOW_US, True)
        assert store.operations.claim(BEN) is None

    def test_an_error_is_told_as_it_was(self, store: Store) -> None:
        made = store.begin()
        store.operations.claim(ANN)
        error = Refused("items were left", reason="ITEMS_WITHOUT_VECTORS", metadata={"without_raw_features": "3"})
        store.operations.end(made.name, ANN, Outcome(State.FAILED, Progress(), NOW_US, error))
        told = store.operations.get(made.name).error
        assert told is not None
        assert (type(told), told.message, told.reason, told.metadata) == (
            Refused,
            error.message,
            error.reason,
            error.metadata,
        )

    def test_one_that_nobody_does_stops_at_once(self, store: Store) -> None:
        made = store.begin()
        assert store.operations.stop(made.name).state is State.CANCELLED
        assert store.operations.claim(ANN) is None

    def test_a_worker_that_died_is_followed_by_another(self, store: Store) -> None:
        made = store.begin()
        store.operations.claim(ANN)
        store.operations.report(made.name, ANN, Progress(5, 10, {}, "0 17"))
        store.later(LEASE_S + 1)
        taken = store.operations.claim(BEN)
        assert taken is not None
        assert (taken.progress.checkpoint, taken.replica) == ("0 17", BEN.replica)
        for late in (
            lambda: store.operations.report(made.name, ANN, Progress()),
            lambda: store.operations.end(made.name, ANN, Outcome(State.DONE, Progress(), NOW_US)),
        ):
            with pytest.raises(TakenOver):
                late()

    def test_a_replica_that_is_started_anew_goes_on_at_once(self, store: Store) -> None:
        made = store.begin()
        store.operations.claim(ANN)
        again = store.operations.claim(Worker(ANN.replica, "second"))
        assert again is not None
        assert again.name == made.name

    def test_what_is_left_is_taken_up_at_once(self, store: Store) -> None:
        made = store.begin()
        store.operations.claim(ANN)
        store.operations.report(made.name, ANN, Progress(5, 10, {}, "0 17"))
        store.operations.release(made.name, ANN)
        taken = store.operations.claim(BEN)
        assert taken is not None
        assert taken.progress.checkpoint == "0 17"
        store.operations.release(made.name, ANN)
        assert store.operations.claim(ANN) is None

    def test_work_for_one_replica_waits_for_it_and_fails_when_it_is_gone(self, store: Store) -> None:
        store.operations.claim(BEN)
        made = store.begin(replica=BEN.replica)
        assert store.operations.claim(ANN) is None
        assert store.operations.replicas() == [ANN.replica, BEN.replica]
        store.later(GONE_S + 1)
        assert store.operations.claim(ANN) is None
        failed = store.operations.get(made.name)
        assert failed.state is State.FAILED
        assert failed.error is not None
        assert failed.error.reason == "REPLICA_GONE"
        assert store.operations.replicas() == [ANN.replica]

    def test_what_nobody_knows_is_not_found(self, store: Store) -> None:
        for ask in (store.operations.get, store.operations.stop):
            with pytest.raises(NotFound):
                ask("none")
        assert store.operations.newest(None, 10) == []


class TestWorkshop:
    """`self.ticks` is the clock of leases; nothing here waits for it."""

    @pytest.fixture
    def store(self) -> Store:
        now = [1_700_000_000.0]

        def pass_by(seconds: float) -> None:
            now[0] += seconds

        return Store(InMemoryOperations(lambda: now[0]), pass_by)

    def workshop(self, store: Store, work: Callable[[Task], None], worker: Worker = ANN) -> Workshop:
        ticks = count()
        return Workshop(
            store.operations,
            worker,
            {"remake": work},
            Surroundings(lambda: float(next(ticks)), lambda: NOW_US, lambda _, __: None),
        )

    def test_work_is_done_and_told(self, store: Store) -> None:
        def work(task: Task) -> None:
            task.advance(Progress(3, 3, {"made": 3}))

        made = store.begin()
        shop = self.workshop(store, work)
        assert shop.look()
        assert not shop.look()
        done = store.operations.get(made.name)
        assert (done.state, done.progress.counts, done.ended_us) == (State.DONE, {"made": 3}, NOW_US)

    @pytest.mark.parametrize(
        ("problem", "reason"), [(Refused("no", reason="WHY_NOT"), "WHY_NOT"), (RuntimeError("a bug"), "INTERNAL")]
    )
    def test_what_goes_wrong_is_told_and_the_next_one_is_done(
        self, store: Store, problem: Exception, reason: str
    ) -> None:
        problems = [problem]

        def work(_: Task) -> None:
            if problems:
                raise problems.pop()

        bad, good = store.begin("bad"), store.begin("good")
        shop = self.workshop(store, work)
        while shop.look():
            pass
        failed = store.operations.get(bad.name)
        assert failed.state is State.FAILED
        assert failed.error is not None
        assert failed.error.reason == reason
        assert store.operations.get(good.name).state is State.DONE

    def test_it_stops_when_it_is_asked_to(self, store: Store) -> None:
        made = store.begin()

        def work(task: Task) -> None:
            store.operations.stop(made.name)
            for _ in iter(task.proceed, 0):
                pass

        self.workshop(store, work).look()
        assert store.operations.get(made.name).state is State.CANCELLED

    def test_a_process_that_ends_leaves_it_to_another(self, store: Store) -> None:
        made = store.begin()
        begun = threading.Event()

        def endless(task: Task) -> None:
            task.advance(Progress(1, 2, {}, "here"))
            begun.set()
            for _ in iter(task.proceed, 0):
                pass

        first = self.workshop(store, endless)
        first.start()
        assert begun.wait(SOON_S)
        first.close(SOON_S)
        assert store.operations.get(made.name).state is State.RUNNING
        places: list[str] = []
        self.workshop(store, lambda task: places.append(task.progress.checkpoint), BEN).look()
        assert places == ["here"]
        assert store.operations.get(made.name).state is State.DONE

    def test_another_service_may_be_away_for_a_while(self, store: Store) -> None:
        made = store.begin()
        troubles = [NotReady("away")]

        def call() -> str:
            if troubles:
                raise troubles.pop()
            return "back"

        found: list[str] = []
        self.workshop(store, lambda task: found.append(task.patiently(call))).look()
        assert found == ["back"]
        assert store.operations.get(made.name).state is State.DONE
