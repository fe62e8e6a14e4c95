"""What the tests of this service are made of: a small space, vectors with a known likeness, events, a clock to turn."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from services.profile.catalogue.existence import Existence
from services.profile.catalogue.items import CatalogueItem, Items, MemoryItems, Resolved
from services.profile.catalogue.known_spaces import KnownSpaces
from services.profile.catalogue.patience import PatientItems
from services.profile.events.event import Event, EventType
from services.profile.events.given_event import GivenEvent
from services.profile.events.record import Recorder
from services.profile.events.resolving import Resolver
from services.profile.events.settling import Settler
from services.profile.filing.store import ProfileStore
from services.profile.filing.store_rules import StoreRules
from services.profile.people.person import Consent, ConsentState, Person
from services.profile.taste.folder import Folder
from services.profile.taste.liking import TasteRules
from services.profile.taste.reader import TasteReader
from services.profile.taste.rebuild import Rebuilder
from services.profile.wire.kept import FORMS
from services.spaces import Block, Float16, Float32, Space, canonical

SPACE = Space("toy@0123456789abcdef", (Block("content", 8), Block("colour", 4, 0.5)))
OTHER_SPACE = Space("toy@fedcba9876543210", (Block("content", 6),))

MIDNIGHT_MS = 1_767_225_600_000
"""2026-01-01: when the tests take place."""
MINUTE_MS = 60_000
DAY_MS = 86_400_000

GIVEN, REFUSED, UNASKED = ConsentState.GIVEN, ConsentState.REFUSED, ConsentState.UNASKED
ALL_GIVEN = Consent(GIVEN, GIVEN, GIVEN)


@dataclass
class Clock:
    """Stands still until it is turned."""

    now_ms: int = MIDNIGHT_MS

    def __call__(self) -> int:
        return self.now_ms


def near(direction: int, spread: float = 0.0, seed: int = 0) -> Float16:
    """A vector of SPACE around axis `direction` (0 to 3) of both blocks; other directions are at right angles."""
    vector = np.zeros(SPACE.dimension, dtype=np.float32)
    vector[[direction, 8 + direction]] = 1
    noise = np.random.default_rng(seed).normal(size=SPACE.dimension).astype(np.float32)
    return canonical(SPACE.normalise(vector + np.float32(spread) * noise))


def score(a: Float16 | Float32, b: Float16 | Float32) -> float:
    """Of two vectors of SPACE, by its default weights."""
    weighed = SPACE.weigh(a.astype(np.float32), SPACE.weights({}))
    return float(weighed @ b.astype(np.float32))


def person(user_id: str = "ada", consent: Consent = ALL_GIVEN, at_ms: int = MIDNIGHT_MS) -> Person:
    """Somebody who consents to everything, unless told otherwise."""
    return Person(user_id, consent=consent, created_ms=at_ms, updated_ms=at_ms)


_numbers = itertools.count()


def event(type_: EventType = EventType.LIKE, item: str = "", time_ms: int = MIDNIGHT_MS, **changes: Any) -> Event:
    """A ready event with an id of its own; `space` and `vector` are those it was recorded with."""
    number = next(_numbers)
    given: dict[str, Any] = {
        "event_id": f"event-{number}",
        "type": type_,
        "time_ms": time_ms,
        "item_id": item or f"item-{number}",
        "domain": "fashion",
    }
    if type_ is EventType.UPLOAD:
        given |= {"item_id": "", "domain": ""}
    space, vector = changes.pop("space", SPACE.name), changes.pop("vector", near(number % 4))
    if type_ is not EventType.IMPRESSION:
        given["vectors"] = {space: vector}
    return Event(**(given | changes))


def given(type_: EventType = EventType.LIKE, item: str = "red-0", user: str = "ada", **changes: Any) -> GivenEvent:
    """An event as a caller sends it, with an id of its own."""
    fields: dict[str, Any] = {"event_id": f"event-{next(_numbers)}", "item_id": item}
    fields |= {"user_id": user, "type": type_, "catalogue": "shop"}
    return GivenEvent(**(fields | changes))


@dataclass(frozen=True)
class Parts:
    """What the app is made of, over one store and one catalogue."""

    resolver: Resolver
    settler: Settler
    recorder: Recorder
    folder: Folder
    tastes: TasteReader
    rebuilder: Rebuilder


def parts(
    store: ProfileStore,
    items: Items | None = None,
    clock: Clock | None = None,
    bounds: StoreRules | None = None,
    rules: TasteRules | None = None,
) -> Parts:
    """Wired as the app does it."""
    now_ms, bounds, rules = clock or Clock(), bounds or StoreRules(), rules or TasteRules()
    patient = PatientItems(items or shop(), now_ms)
    resolver = Resolver(store, patient, KnownSpaces(store))
    settler = Settler(store, resolver, bounds, rules)
    folder = Folder(resolver, settler, rules)
    return Parts(
        resolver,
        settler,
        Recorder(store, resolver, settler, now_ms),
        folder,
        TasteReader(store, folder, FORMS, Existence(patient, now_ms)),
        Rebuilder(store, resolver, folder, FORMS),
    )


def shop(items_each: int = 60) -> MemoryItems:
    """Catalogue `shop`: items red-0, green-0, blue-0, red-1, …, of one domain and direction for each colour."""
    colours = {"red": "fashion", "green": "furniture", "blue": "art"}
    items = {
        f"{colour}-{number}": CatalogueItem(domain, near(direction, 0.05, seed=number))
        for direction, (colour, domain) in enumerate(colours.items())
        for number in range(items_each)
    }
    return MemoryItems({"shop": Resolved(SPACE, items), "other": Resolved(OTHER_SPACE, {})})
