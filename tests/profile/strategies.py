"""Hypothesis: people, events and streams of them, within the bounds of the contract."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from services.profile.events.event import Event, EventType, Showing
from services.profile.people.person import Attributes, Consent, ConsentState, Gender, Location, Person
from services.spaces import Float16, canonical
from tests.profile.builders import DAY_MS, MIDNIGHT_MS, SPACE

LETTERS = st.characters(exclude_categories=("Cs", "Cc"))
IDS = st.text(LETTERS, min_size=1, max_size=128)
WORDS = st.text(LETTERS, max_size=64)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
TIMES = st.integers(0, 2**45)

CONSENTS = st.builds(Consent, *[st.sampled_from(ConsentState)] * 3)
ATTRIBUTES = st.builds(
    Attributes,
    age=st.none() | st.integers(0, 120),
    gender=st.sampled_from(Gender),
    location=st.builds(Location, st.sampled_from(["", "DE", "CN"]), WORDS, WORDS),
    interests=st.lists(WORDS.filter(str.strip), max_size=5).map(tuple),
    other=st.dictionaries(
        st.from_regex(r"[a-z0-9_]{1,32}", fullmatch=True),
        WORDS | FINITE | st.booleans() | st.lists(WORDS, max_size=3).map(tuple),
        max_size=4,
    ),
)
PEOPLE = st.builds(Person, IDS, ATTRIBUTES, CONSENTS, TIMES, TIMES)


def _vector(seed: int) -> Float16:
    return canonical(SPACE.normalise(np.random.default_rng(seed).normal(size=SPACE.dimension).astype(np.float32)))


VECTORS = st.integers(0, 2**32).map(_vector)

ANY_EVENTS = st.builds(
    Event,
    event_id=IDS,
    type=st.sampled_from(EventType),
    time_ms=TIMES,
    item_id=st.text(LETTERS, max_size=128),
    domain=WORDS,
    category=WORDS,
    tags=st.lists(st.text(LETTERS, min_size=1, max_size=64), max_size=8).map(tuple),
    vectors=st.dictionaries(WORDS, VECTORS, max_size=2),
    recommendation_id=st.text(LETTERS, max_size=128),
    shown_signals=st.dictionaries(IDS, FINITE, max_size=4),
    raw_features=st.binary(max_size=64),
    pending=st.booleans(),
    showing=st.builds(Showing, rank=st.integers(0, 1000), scene=WORDS, experiment=WORDS, variant=WORDS),
)

STREAMS = st.lists(
    st.builds(
        Event,
        event_id=st.integers(0, 10_000).map(str),
        type=st.sampled_from([each for each in EventType if each not in (EventType.IMPRESSION, EventType.UPLOAD)]),
        time_ms=st.integers(MIDNIGHT_MS - 90 * DAY_MS, MIDNIGHT_MS),
        item_id=st.integers(0, 12).map("item-{}".format),
        vectors=VECTORS.map(lambda vector: {SPACE.name: vector}),
    ),
    max_size=25,
    unique_by=lambda event: event.event_id,
)
"""What one person did in a quarter, some of it to the same items."""
