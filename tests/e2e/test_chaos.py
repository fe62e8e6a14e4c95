"""Under load each service behind the ranker, and Redis, is killed in turn: answers get weaker and say so, hardly any
fails, and soon after what was killed is back they are whole again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc
import pytest

from tests.e2e.conftest import CALL_S, Stubs, added_up, connected
from tests.e2e.pictures import COLOURS, PATTERNS, picture
from tests.fleet import Fleet, fleet
from visrec.v1 import common_pb2, indexer_pb2, profile_pb2, ranker_pb2, ranker_pb2_grpc

CATALOGUE = "chaos"
CALLERS = 20
PEOPLE = 8
PATIENCE_S = 4.0
"""Deadline of each call."""
WHOLE_AGAIN_S = 5.0
"""From when what was killed says that it serves until an answer is whole."""
SUCCESS = 0.999
SIGNALS = {"photo", "taste", "popularity"}
VICTIMS = ("embedder", "indexer", "profile", "redis")
SERVING_WITH = {"redis": "profile"}
"""Whose health tells that it is back."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, models: dict[str, str]) -> Iterator[Stubs]:
    """A system of its own with a few dozen items and some people, each of whom likes something."""
    with fleet(tmp_path_factory.mktemp("chaos"), models) as running, connected(running) as visrec:
        visrec.indexer.CreateCatalogue(indexer_pb2.CreateCatalogueRequest(catalogue=CATALOGUE), timeout=CALL_S)
        items = [
            indexer_pb2.IngestItem(
                item=indexer_pb2.Item(id=f"{pattern}-{colour}-{kind}"),
                photos=[common_pb2.Photo(data=picture(pattern, colour, kind))],
            )
            for pattern in PATTERNS
            for colour in COLOURS
            for kind in (1, 2, 3)
        ]
        request = indexer_pb2.IngestItemsRequest(catalogue=CATALOGUE, items=items)
        version = visrec.indexer.IngestItems(request, timeout=CALL_S).version
        consent = profile_pb2.Consent(personalisation=profile_pb2.CONSENT_STATE_GIVEN)
        for number in range(PEOPLE):
            user = profile_pb2.User(user_id=f"p{number}", consent=consent)
            visrec.profile.PutUser(profile_pb2.PutUserRequest(user=user), timeout=CALL_S)
        likes = [
            profile_pb2.Event(
                event_id="1",
                user_id=f"p{number}",
                type=profile_pb2.EVENT_TYPE_LIKE,
                catalogue=CATALOGUE,
                item_id=items[5 * number].item.id,
            )
            for number in range(PEOPLE)
        ]
        visrec.profile.RecordEvents(profile_pb2.RecordEventsRequest(events=likes), timeout=CALL_S)
        visrec.ranker.Recommend(asked(0, min_version=version), timeout=CALL_S)
        yield visrec


def asked(number: int, min_version: str = "") -> ranker_pb2.RecommendRequest:
    """Of two callers one has a photo."""
    photo = common_pb2.Photo(data=picture(PATTERNS[number % len(PATTERNS)], "blue", 4)) if number % 2 else None
    return ranker_pb2.RecommendRequest(
        catalogue=CATALOGUE, user_id=f"p{number % PEOPLE}", photo=photo, n=5, explain=True, min_version=min_version
    )


@dataclass
class Answers:
    """What came of all calls. `failures`: of those that failed, when and why. `whole`: when whole answers came."""

    count: int = 0
    failures: list[tuple[float, str]] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    weak: int = 0
    wrong: list[str] = field(default_factory=list)

    def take(self, request: ranker_pb2.RecommendRequest, answer: ranker_pb2.RecommendResponse) -> None:
        """Looks whether it says what it was made of."""
        wanted = SIGNALS if request.HasField("photo") else SIGNALS - {"photo"}
        used, dropped = {each.signal for each in answer.used}, {each.signal for each in answer.dropped}
        lost = wanted - used
        if not answer.recommendations:
            self.wrong.append(f"no item; dropped: {answer.dropped}")
        if not lost <= dropped or used & dropped:
            self.wrong.append(f"used {used}, dropped {dropped}")
        if any(added_up(item) != item.score for item in answer.recommendations):
            self.wrong.append("a sum is wrong")
        if dropped:
            self.weak += 1
        else:
            self.whole.append(time.monotonic())

    async def whole_after(self, moment: float) -> float:
        """Seconds from then until the first whole answer of a call that has ended since. Fails after a while."""
        end = time.monotonic() + CALL_S
        while not (self.whole and self.whole[-1] > moment):
            assert time.monotonic() < end, f"no whole answer any more; the last failures: {self.failures[-3:]}"
            await asyncio.sleep(0.02)
        return next(at for at in self.whole if at > moment) - moment


@asynccontextmanager
async def load(running: Fleet) -> AsyncIterator[Answers]:
    """CALLERS who ask all the time."""
    answers, over = Answers(), False
    async with grpc.aio.insecure_channel(running.target("ranker")) as channel:
        stub = ranker_pb2_grpc.RankerServiceStub(channel)

        async def caller(number: int) -> None:
            request = asked(number)
            while not over:
                answers.count += 1
                try:
                    answers.take(request, await stub.Recommend(request, timeout=PATIENCE_S))
                except grpc.aio.AioRpcError as failure:
                    answers.failures.append((time.monotonic(), f"{failure.code().name} {failure.details()}"))

        callers = [asyncio.create_task(caller(number)) for number in range(CALLERS)]
        try:
            yield answers
        finally:
            over = True
            await asyncio.gather(*callers)


async def struck(running: Fleet, answers: Answers, victim: str) -> float:
    """Kills it while whole answers come, and waits until it is back. Seconds from then until an answer is whole."""
    await answers.whole_after(time.monotonic())
    await asyncio.to_thread(running.kill, victim)
    await asyncio.to_thread(running.await_serving, SERVING_WITH.get(victim, victim))
    return await answers.whole_after(time.monotonic())


async def chaos(running: Fleet, victims: list[str]) -> None:
    async with load(running) as answers:
        took = {f"{number} {victim}": await struck(running, answers, victim) for number, victim in enumerate(victims)}
    assert answers.wrong == []
    assert answers.weak, "nothing was ever missed: was anything killed?"
    failed = len(answers.failures)
    assert failed <= (1 - SUCCESS) * answers.count, f"{failed} of {answers.count} failed: {answers.failures[:5]}"
    slowest = sorted(took.items(), key=lambda each: -each[1])[:8]
    assert slowest[0][1] <= WHOLE_AGAIN_S, slowest


async def test_whatever_is_killed_answers_go_on(shop: Stubs) -> None:
    await chaos(shop.fleet, list(VICTIMS))


@pytest.mark.soak
async def test_whatever_is_killed_again_and_again_answers_go_on(shop: Stubs) -> None:
    await chaos(shop.fleet, list(VICTIMS) * 25)
