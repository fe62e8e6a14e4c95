"""A run of the job that is stopped, killed or overtaken, from end to end: what it has learned is gone on with, and
nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from jobs.collaborative.factors import Recipe
from jobs.head.reading import NothingLearned
from jobs.learn_collaborative import CollaborativeJob
from jobs.pages import Patience
from tests.e2e.conftest import CALL_S, Stubs
from tests.e2e.together import NEW, PEOPLE, Shop, open_shop
from visrec.connection import Connection

CATALOGUE = "together-stopped"


@pytest.fixture(scope="module")
def learned(visrec: Stubs) -> Iterator[Shop]:
    """After the job has run."""
    with open_shop(visrec, CATALOGUE) as shop:
        for number in range(PEOPLE):
            shop.join(f"together-{number}", number % 3, seed=number)
        code, told = shop.run()
        assert code == 0, told
        yield shop


@pytest.fixture
def connection(learned: Shop) -> Iterator[Connection]:
    with learned.connection() as connected:
        yield connected


def job(connection: Connection, seed: int = 1, later: timedelta = timedelta()) -> CollaborativeJob:
    return CollaborativeJob(
        connection,
        CATALOGUE,
        Patience(0, lambda _: None, lambda: 0.0),
        Recipe(factors=4, seed=seed),
        most_people=1000,
        now=lambda: datetime.now(UTC) + later,
    )


def at_phase(
    wanted: str, begun: Callable[[], None] | None = None, told: Callable[[], None] | None = None
) -> Callable[[str, float | None], Callable[[float], None]]:
    """Does something when a phase begins, or when something of it is done."""

    def begin(what: str, total: float | None) -> Callable[[float], None]:
        if what == wanted and begun:
            begun()
        return lambda _: told() if what == wanted and told else None

    return begin


def stop() -> None:
    raise KeyboardInterrupt


def ended(run_: CollaborativeJob) -> None:
    run_.run(at_phase(""))


@pytest.mark.parametrize("is_told", [False, True])
def test_a_run_that_is_stopped_moves_nothing_and_the_next_one_goes_on(
    learned: Shop, connection: Connection, *, is_told: bool
) -> None:
    """With the rows that were learned, though there are new people, new acts, and some that were erased."""
    before = learned.searched()
    learned.join(f"together-early-{is_told}", 2, seed=7)
    how = at_phase("people placed", told=stop) if is_told else at_phase("people placed", begun=stop)
    with pytest.raises(KeyboardInterrupt):
        job(connection).run(how)
    assert learned.searched() == before
    assert len(learned.liked_together("together-0")) == 10, "whoever was put already is searched for there"
    (left,) = [name for name, aliases in learned.spaces().items() if aliases == ["collaborative-next"]]
    learned.join(f"together-late-{is_told}", 1, seed=8)
    learned.erase(f"together-early-{is_told}")

    outcome = job(connection).run(at_phase(""))

    assert (outcome.space, outcome.previous, outcome.went_on) == (left, before, True)
    assert outcome.people.gone == outcome.items.put == 0
    assert learned.spaces() == {before: [], left: ["collaborative"]}
    assert learned.place(f"together-late-{is_told}").space == left
    assert len(learned.liked_together(f"together-late-{is_told}")) == 10


def test_a_run_that_is_killed_is_gone_on_with(learned: Shop, connection: Connection) -> None:
    killed = """
import os, signal, sys
from jobs.__main__ import app
from jobs.collaborative.writing import Writer
Writer.people = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
app(sys.argv[1:])
"""
    command = [sys.executable, "-c", killed, "collaborative", "-c", CATALOGUE, "--factors", "4"]
    died = subprocess.run(command, env=os.environ | learned.targets, timeout=CALL_S, check=False, capture_output=True)
    assert died.returncode == -signal.SIGKILL
    (left,) = [name for name, aliases in learned.spaces().items() if aliases == ["collaborative-next"]]
    learned.join("together-after", 1, seed=9)

    code, told = learned.run()

    assert code == 0, told
    assert "an earlier run had learned" in told
    assert learned.searched() == left
    code, told = learned.run()
    assert code == 0, told
    assert "an earlier run had learned" not in told, "one that has ended is not gone on with"


def test_before_its_rows_are_whole_a_run_leaves_nothing_to_go_on_with(learned: Shop, connection: Connection) -> None:
    before = learned.searched()
    for how in (at_phase("items placed", begun=stop), at_phase("items placed", told=stop)):
        with pytest.raises(KeyboardInterrupt):
            job(connection).run(how)

    outcome = job(connection, later=timedelta(seconds=2)).run(at_phase(""))

    assert not outcome.went_on
    assert learned.spaces() == {before: [], outcome.space: ["collaborative"]}, "what was left is gone"


def test_new_items_are_placed_by_the_run_that_goes_on(learned: Shop, connection: Connection) -> None:
    with pytest.raises(KeyboardInterrupt):
        job(connection, later=timedelta(seconds=4)).run(at_phase("new items placed", begun=stop))

    outcome = job(connection, later=timedelta(seconds=6)).run(at_phase(""))

    assert outcome.went_on
    assert outcome.cold.put >= NEW


def test_what_was_left_long_ago_or_by_another_recipe_is_not_gone_on_with(learned: Shop, connection: Connection) -> None:
    for again in (job(connection, later=timedelta(hours=7)), job(connection, seed=2, later=timedelta(hours=8))):
        with pytest.raises(KeyboardInterrupt):
            job(connection, later=timedelta(minutes=1)).run(at_phase("people placed", begun=stop))
        (left,) = [name for name, aliases in learned.spaces().items() if aliases == ["collaborative-next"]]

        outcome = again.run(at_phase(""))

        assert not outcome.went_on
        assert left not in learned.spaces()


def test_of_two_runs_at_the_same_time_the_later_one_holds(learned: Shop, connection: Connection) -> None:
    first, same, early, other = (
        job(connection, later=timedelta(hours=9)),
        job(connection, later=timedelta(hours=9, minutes=1)),
        job(connection, seed=3, later=timedelta(hours=9, minutes=2)),
        job(connection, seed=4, later=timedelta(hours=9, minutes=3)),
    )
    both = first.run(at_phase("people placed", lambda: ended(same)))
    assert learned.searched() == both.space, "the same rows, and both may end"

    with pytest.raises(NothingLearned, match="began later"):
        early.run(at_phase("people placed", lambda: ended(other)))
    assert learned.searched() != both.space
    assert len(learned.spaces()) == 2


def test_who_is_erased_while_it_runs_is_put_nowhere(learned: Shop, connection: Connection) -> None:
    learned.join("together-gone", 0, seed=5)

    outcome = job(connection).run(at_phase("people placed", lambda: learned.erase("together-gone")))

    assert outcome.people.gone == 1
    assert outcome.people.put >= PEOPLE
    assert len(learned.spaces()) == 2
