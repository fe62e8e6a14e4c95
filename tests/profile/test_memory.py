"""The long-term memory: what is settled decays, stays bounded, and says the same however it got there."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import Internal
from services.profile.events.event import Event, EventType
from services.profile.events.memory import (
    EMPTY,
    LEAST_MASS,
    MOST_CENTRES,
    MOST_DISLIKED,
    MOST_SPACES,
    Centre,
    Memory,
    moved,
    pack,
    recalled,
    settle,
    unpack,
)
from services.profile.taste.groups import Weighed
from services.profile.taste.interests import fold
from services.profile.taste.kept import KeptTaste
from services.profile.taste.liking import Source, Taste, TasteRules
from services.profile.wire.kept import FORMS
from services.spaces import Block, Space, canonical
from tests.profile.builders import DAY_MS, MIDNIGHT_MS, OTHER_SPACE, SPACE, event, near, score
from tests.profile.strategies import STREAMS

RULES = TasteRules()
SPACES = {SPACE.name: SPACE}
WINDOW, BLOCK = 6, 3


def placed(event: Event) -> tuple[int, str]:
    return event.time_ms, event.event_id


def settled(memory: Memory, events: Sequence[Event], block: int = BLOCK) -> Memory:
    """Block by block, packed and unpacked in between as a store does it."""
    for first in range(0, len(events), block):
        memory = unpack(pack(settle(memory, events[first : first + block], SPACES, RULES)))
    return memory


def arrived(batches: Sequence[Sequence[Event]]) -> tuple[Memory, list[Event], list[Event]]:
    """What a person's memory and window are after these batches, and all that was taken: what a store does. An event
    counts once, and not at all when it is of before what has been settled."""
    memory, window, taken, boundary = EMPTY, list[Event](), list[Event](), (-1, "")
    for batch in batches:
        known = {each.event_id for each in taken}
        new = {each.event_id: each for each in batch if each.event_id not in known and placed(each) > boundary}
        taken += new.values()
        window = sorted([*window, *new.values()], key=placed)
        while len(window) >= WINDOW + BLOCK:
            memory, boundary = settle(memory, window[:BLOCK], SPACES, RULES), placed(window[BLOCK - 1])
            window = window[BLOCK:]
    return memory, window, taken


def bits(taste: Taste) -> bytes:
    return FORMS.write(KeptTaste("", "", taste))


@given(STREAMS, st.randoms(use_true_random=False), st.integers(1, 8))
def test_only_what_was_taken_matters_not_how_it_came(stream: list[Event], chance: random.Random, size: int) -> None:
    """In any order, split into any batches, with every event twice: memory and taste are those of the same events in
    the order of their time, one by one."""
    shuffled = chance.sample(stream * 2, 2 * len(stream))
    memory, window, taken = arrived([shuffled[at : at + size] for at in range(0, len(shuffled), size)])
    expected, rest, all_of_them = arrived([[each] for each in sorted(taken, key=placed)])
    assert len(all_of_them) == len(taken)
    assert pack(memory) == pack(expected)
    assert bits(fold(memory, window, SPACE, RULES)) == bits(fold(expected, rest, SPACE, RULES))


@given(STREAMS)
def test_packing_round_trips(stream: list[Event]) -> None:
    memory = settled(EMPTY, sorted(stream, key=placed), block=7)
    assert pack(unpack(pack(memory))) == pack(memory)
    assert memory.events == len(stream)


@given(STREAMS)
def test_a_memory_is_the_same_whether_it_was_stored_in_between_or_not(stream: list[Event]) -> None:
    stream = sorted(stream, key=placed)
    memory = EMPTY
    for first in range(0, len(stream), BLOCK):
        memory = settle(memory, stream[first : first + BLOCK], SPACES, RULES)
    assert pack(memory) == pack(settled(EMPTY, stream))


@given(STREAMS.filter(len), st.integers(0, 1000), st.integers(0, 1000))
def test_decay_composes(stream: list[Event], first_days: int, then_days: int) -> None:
    memory = settled(EMPTY, sorted(stream, key=placed))
    later = memory.until_ms + (first_days + then_days) * DAY_MS
    at_once = recalled(memory, SPACE.name, later, RULES)
    left = RULES.long_term(first_days * DAY_MS) * RULES.long_term(then_days * DAY_MS)
    assert [each.mass for each in at_once] == pytest.approx(
        [centre.mass * left for centre in memory.centres.get(SPACE.name, ())]
    )


@given(STREAMS)
def test_a_taste_of_the_memory_alone_has_unit_blocks_and_shares_that_sum_to_one(stream: list[Event]) -> None:
    taste = fold(settled(EMPTY, sorted(stream, key=placed)), [], SPACE, RULES)
    assert taste.events == len(stream)
    assert not taste.interests or sum(each.weight for each in taste.interests) == pytest.approx(1)
    for interest in taste.interests:
        for _, at in SPACE.slices():
            assert np.linalg.norm(interest.vector[at].astype(np.float32)) == pytest.approx(1, abs=1e-3)


def test_interests_outlive_the_window() -> None:
    """Two tastes of last month, then many events of a third: the two are still there, the newest leads."""
    old = [
        event(item=f"{way}-{n}", vector=near(way, 0.1, seed=n), time_ms=MIDNIGHT_MS - 30 * DAY_MS)
        for way in (0, 1)
        for n in range(6)
    ]
    memory = settle(EMPTY, old, SPACES, RULES)
    new = [event(item=f"2-{n}", vector=near(2, 0.1, seed=n)) for n in range(6)]
    taste = fold(memory, new, SPACE, RULES)
    assert [max(range(3), key=lambda way: score(each.vector, near(way))) for each in taste.interests] == [2, 0, 1]
    # Half as much after a half-life, and what is of this session counts three times.
    assert taste.interests[0].weight / taste.interests[1].weight == pytest.approx(6, rel=1e-3)
    assert taste.interests[1].sources[0] == Source("0-0", EventType.LIKE)


def test_what_comes_later_joins_what_it_is_like() -> None:
    memory = settle(EMPTY, [event(item=f"old-{n}", vector=near(0, 0.1, seed=n)) for n in range(6)], SPACES, RULES)
    taste = fold(memory, [event(item="new", vector=near(0, 0.1, seed=9))], SPACE, RULES)
    (interest,) = taste.interests
    assert interest.sources[0].item_id == "new"
    assert (taste.events, len(interest.sources)) == (7, 5)


def test_it_is_bounded() -> None:
    """However much is done, no more than eight centres stay in a space, at most two of them of what is disliked, and
    none that has faded."""
    wide = Space("toy@1111111111111111", (Block("content", 32),))
    axes = canonical(np.eye(32, dtype=np.float32))
    memory = EMPTY
    for day in range(64):
        kinds = (EventType.LIKE, EventType.DISLIKE)
        acts = [
            event(kinds[n % 2], item=f"{n}", space=wide.name, vector=axes[n], time_ms=MIDNIGHT_MS + day * DAY_MS)
            for n in range(32)
        ]
        memory = settle(memory, acts, {wide.name: wide}, RULES)
        (centres,) = memory.centres.values()
        assert len(centres) == MOST_CENTRES
        assert sum(1 for each in centres if each.mass < 0) == MOST_DISLIKED
    much_later = [event(EventType.LIKE, vector=near(0), time_ms=memory.until_ms + 1000 * DAY_MS)]
    memory = settle(memory, much_later, SPACES, RULES)
    assert [len(each) for each in memory.centres.values()] == [1]
    assert all(abs(each.mass) >= LEAST_MASS for each in memory.centres[SPACE.name])


def test_it_takes_seven_kilobytes() -> None:
    """With the 384 dimensions of the space that ships and ids of 20 letters."""
    space = Space("visual@1111111111111111", (Block("content", 256), Block("colour", 64, 0.3), Block("style", 64, 0.0)))
    chance = np.random.default_rng(0)
    vectors = canonical(space.normalise(chance.normal(size=(200, 384)).astype(np.float32)))
    acts = [event(item=f"{n:020}", space=space.name, vector=vectors[n]) for n in range(200)]
    assert len(pack(settle(EMPTY, acts, {space.name: space}, RULES))) <= 7 * 1024 + 200


def test_in_a_new_space_it_is_what_its_sources_are_there() -> None:
    memory = settle(EMPTY, [event(item=f"{n}", vector=near(n % 2, 0.1, seed=n)) for n in range(6)], SPACES, RULES)
    x = canonical(np.eye(6, dtype=np.float32))
    after = moved(memory, OTHER_SPACE, {"0": x[0], "2": x[0], "gone": x[3]})
    (centre,) = after.centres[OTHER_SPACE.name]
    assert (centre.mass, centre.vector.tolist()) == (memory.centres[SPACE.name][0].mass, x[0].tolist())
    assert {each.source.item_id for each in centre.sources} == {"0", "2"}
    assert after.centres[SPACE.name] == memory.centres[SPACE.name]
    assert unpack(pack(after)).centres[OTHER_SPACE.name][0].count == centre.count
    assert moved(memory, OTHER_SPACE, {}) == memory
    assert moved(EMPTY, OTHER_SPACE, {}) == EMPTY


def test_nothing_packed_is_an_empty_memory_and_an_unknown_form_is_told() -> None:
    assert unpack(b"") == EMPTY
    assert unpack(pack(EMPTY)) == EMPTY
    with pytest.raises(Internal):
        unpack(b"\x7f" + pack(EMPTY)[1:])


def test_nothing_settled_changes_nothing() -> None:
    memory = settle(EMPTY, [event()], SPACES, RULES)
    assert settle(memory, [], SPACES, RULES) is memory


def test_a_space_that_nobody_speaks_of_fades_and_is_not_lost() -> None:
    memory = settle(EMPTY, [event(vector=near(0))], SPACES, RULES)
    x = canonical(np.eye(6, dtype=np.float32))[0]
    elsewhere = replace(event(time_ms=MIDNIGHT_MS + 30 * DAY_MS), vectors={OTHER_SPACE.name: x})
    after = settle(memory, [elsewhere], {OTHER_SPACE.name: OTHER_SPACE}, RULES)
    assert list(after.centres) == [OTHER_SPACE.name, SPACE.name]
    assert after.centres[SPACE.name][0].mass == pytest.approx(memory.centres[SPACE.name][0].mass / 2)


def test_a_source_that_has_faded_to_nothing_tells_nothing_in_another_space() -> None:
    faded = (Weighed(Source("coat", EventType.LIKE), 0.0),)
    before = Memory(1, 0, {SPACE.name: (Centre(1.0, 1.0, near(0), faded),)})
    assert moved(before, OTHER_SPACE, {"coat": np.ones(6, dtype=np.float16)}) == before


def test_what_is_recalled_is_of_as_many_items() -> None:
    memory = settle(EMPTY, [event(vector=near(0, 0.05, seed=n)) for n in range(4)], SPACES, RULES)
    (group,) = recalled(memory, SPACE.name, memory.until_ms, RULES)
    assert group.count == 4


def test_it_is_told_in_two_spaces_at_most() -> None:
    third = Space("toy@3333333333333333", (Block("content", 4),))
    x = canonical(np.eye(6, dtype=np.float32))
    in_two = replace(event(item="coat"), vectors={SPACE.name: near(0), OTHER_SPACE.name: x[0]})
    memory = settle(EMPTY, [in_two], SPACES | {OTHER_SPACE.name: OTHER_SPACE}, RULES)
    assert set(memory.centres) == {SPACE.name, OTHER_SPACE.name}
    vector = canonical(np.eye(4, dtype=np.float32)[0])
    assert list(moved(memory, third, {"coat": vector}).centres) == [third.name, OTHER_SPACE.name]
    later = replace(event(time_ms=MIDNIGHT_MS + 1), vectors={third.name: vector})
    assert len(settle(memory, [later], {third.name: third}, RULES).centres) == MOST_SPACES
