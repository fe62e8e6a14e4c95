"""The indexer and its Redis, killed again and again at whatever they are at; now and then Redis comes back older.

After each restart every acknowledged write is there, every acknowledged delete is gone, and nothing is torn: neither in
the record nor in the index, which is asked for all of its contents.
"""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.indexer.crash_house import House, eventually

AIMS = ("", "append", "merge", "link", "snapshot", "follow", "ingest")
"""What a blow that falls on the indexer may wait for; "": for nothing."""


@pytest.fixture
def seed() -> int:
    return 20261125


@pytest.fixture
def house(tmp_path: Path, seed: int) -> Iterator[House]:
    opened = House(tmp_path, seed)
    yield opened
    opened.close()


REDIS = {"redis", "both", "older", "both older"}
"""Rounds that kill Redis; in those of `OLDER`, what comes back is a copy of its files from before."""
OLDER = {"older", "both older"}
INDEXER = {"indexer", "start", "both", "both older"}


def one_round(house: House, what: str) -> None:
    """Writes, a blow, and all that must hold afterwards."""
    older = house.folder / "older"
    if what in OLDER:
        shutil.rmtree(older, ignore_errors=True)
        shutil.copytree(house.folder / "redis", older, ignore=shutil.ignore_patterns("*.sock", "*lock*"))
    blow, begun = threading.Event(), threading.Event()
    writer = threading.Thread(target=house.write_until, args=(blow, begun))
    writer.start()
    assert begun.wait(60)
    # Not waited for: the moment of the blow is what is drawn.
    threading.Event().wait(float(house.dice.random()) * 0.4)
    if what == "indexer" and (aim := AIMS[int(house.dice.integers(len(AIMS)))]):
        house.await_phase(aim)
    strike(house, what)
    blow.set()
    writer.join(60)
    assert not writer.is_alive()
    mend(house, what, older)
    with house.channel() as channel:
        stub = house.stub(channel)
        if what in INDEXER:
            house.note_start()
        if what in OLDER:
            # What was written since is lost, and the index must come to agree with what there is.
            house.forget_what_is_lost(stub)
            assert eventually(stub, house.written.counts())
        house.settle_accounts(stub)
        house.assert_whole(stub)
        house.note_trims()


def strike(house: House, what: str) -> None:
    """kill -9."""
    blows = [house.kill] * (what in INDEXER) + [house.kill_redis] * (what in REDIS)
    for number in house.dice.permutation(len(blows)):
        blows[number]()


def mend(house: House, what: str, older: Path) -> None:
    """Starts what was killed; `start`: and kills it once more, while it reads."""
    if what in OLDER:
        for path in older.iterdir():
            target = house.folder / "redis" / path.name
            if path.is_dir():
                shutil.rmtree(target)
                shutil.copytree(path, target)
            else:
                shutil.copy2(path, target)
    if what in REDIS:
        house.redis.start()
    if what in INDEXER:
        house.begin()
    if what == "start":
        house.await_work()
        house.kill()
        house.begin()


def test_a_few_blows_lose_and_tear_nothing(house: House) -> None:
    house.create()
    for what in ("indexer", "start", "redis", "older", "both older", "indexer"):
        one_round(house, what)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(8))
def test_two_hundred_blows_lose_and_tear_nothing(house: House, seed: int) -> None:
    """25 for each seed; `-s` shows what was struck."""
    house.create()
    kinds = ["indexer"] * 10 + ["start"] * 4 + ["redis"] * 3 + ["both", "older", "both older"]
    for _ in range(25):
        one_round(house, kinds[int(house.dice.integers(len(kinds)))])
    sys.stdout.write(f"\nseed {seed}: 25 blows, at {dict(house.killed)}; {dict(house.noted)}\n")
