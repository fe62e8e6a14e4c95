"""Under which names a person is kept. No name holds anything they could be known by: only keyed hashes.

All keys of a person share one hash tag, so they live in one slot of a cluster and change in one step. Whoever reads key
names (SCAN, a metrics exporter) learns nothing without the secret.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

PREFIX = "visrec:person:"
ANY_PERSON = PREFIX + "{*}"
"""Glob of the main key of every person: the others go on after the closing brace."""

SPACES = "visrec:profile:spaces"
SEGMENTS = "visrec:profile:segments"
"""A hash of the segments of each catalogue and, beside them, their version."""
SECRET = "visrec:profile:secret"  # noqa: S105 - where it is kept

WALK = "visrec:profile:walk:"

MIN_SECRET_BYTES = 16

DIGEST_BYTES = 16
"""128 bits: two of a billion people share a digest with probability 1e-21."""


@dataclass(frozen=True)
class History:
    """The keys of one person in one catalogue. Each `…order` is a sorted set of event digests by time, beside the hash
    of their events; an act has a fraction of a millisecond for each that came before it at the same time. `seen` is a
    sorted set of item ids by time."""

    acts: str
    acts_order: str
    shown: str
    shown_order: str
    seen: str

    def all(self) -> list[str]:
        """Every key, in the order the scripts take them."""
        return [self.acts, self.acts_order, self.shown, self.shown_order, self.seen]


@dataclass(frozen=True)
class PersonKeys:
    """The keys of one person. `main` is a hash: `person` (packed), `consent` (a digit for each purpose, as numbered in
    the contract), `life` (new after forgetting, which was at `since`), `alias` (their pseudonym, by chance), `erased`
    (until when events from before which time are refused, of somebody who was erased before), and for each catalogue
    `writes:` (a counter), `told:` (what popularity has counted today) and `taste:` (as kept)."""

    main: str

    @property
    def event_ids(self) -> str:
        """A sorted set of digests of event ids by the time they arrived."""
        return f"{self.main}:event-ids"

    @property
    def requests(self) -> str:
        """A hash of remembered answers by digest of the request id."""
        return f"{self.main}:requests"

    @property
    def receipt(self) -> str:
        """A hash of what an erasure answered by its attempt: all that is there of a person after it, for a minute."""
        return f"{self.main}:receipt"

    @property
    def tombstone(self) -> str:
        """When the person was erased, milliseconds since 1970: what is left of them for a while."""
        return f"{self.main}:erased"

    def history(self, catalogue: str) -> History:
        """The keys of this person in one catalogue."""
        names = ("acts", "acts-order", "shown", "shown-order", "seen")
        return History(*(f"{self.main}:{name}:{catalogue}" for name in names))


class Keys:
    """Names from a secret of at least MIN_SECRET_BYTES. Under the names of another secret nobody is found, but under
    those of `formerly` some may still be. `ids`: the secret, one of these, for seals and for digests of ids of events
    and requests: those stay as they are when a person is moved to other names."""

    def __init__(self, secret: bytes, formerly: Sequence[bytes] = (), ids: bytes = b"") -> None:
        assert all(len(each) >= MIN_SECRET_BYTES for each in (secret, *formerly))
        self._secret = secret
        self._formerly = tuple(formerly)
        self._ids = ids or secret

    @property
    def is_ring(self) -> bool:
        """Whether there are several secrets."""
        return bool(self._formerly)

    def person(self, user_id: str) -> PersonKeys:
        """The keys of a person."""
        return _person(self._secret, user_id)

    def formerly(self, user_id: str) -> list[PersonKeys]:
        """Those that they may still be filed under."""
        return [_person(secret, user_id) for secret in self._formerly]

    def event(self, user_id: str, event_id: str) -> bytes:
        """Digest of an event id; equal ids of two people have different ones."""
        return _digest(self._ids, "event", user_id, event_id)

    def request(self, user_id: str, request_id: str) -> bytes:
        """Digest of a request id."""
        return _digest(self._ids, "request", user_id, request_id)

    def seal(self, data: bytes) -> bytes:
        """DIGEST_BYTES that nobody else can make: what a caller brings back with them is what they were given, by this
        replica or by one that has its secrets in another order."""
        return hmac.digest(self._ids, b"seal\0" + data, "sha256")[:DIGEST_BYTES]

    @property
    def fingerprint(self) -> bytes:
        """See the function."""
        return fingerprint(self._secret)


def fingerprint(secret: bytes) -> bytes:
    """Tells two secrets apart without giving either away."""
    return _digest(secret, "fingerprint")


def _person(secret: bytes, user_id: str) -> PersonKeys:
    return PersonKeys(f"{PREFIX}{{{_digest(secret, 'person', user_id).hex()}}}")


def _digest(secret: bytes, *words: str) -> bytes:
    keyed = _keyed(secret).copy()
    keyed.update("\0".join(words).encode())
    return keyed.digest()[:DIGEST_BYTES]


@lru_cache(maxsize=16)
def _keyed(secret: bytes) -> hmac.HMAC:
    """What every digest under a secret begins with."""
    return hmac.new(secret, digestmod="sha256")


def walk(name: str) -> str:
    """A hash of the latest places of a walk over people, by the number of the page."""
    return f"{WALK}{name}"


def segment_lists(catalogue: str) -> str:
    """A set of the names of all popularity lists of segments of a catalogue."""
    return f"visrec:popular:{{{catalogue}}}:segment-lists"


def segment_of_list(name: str) -> str:
    """The segment whose people a popularity list is about."""
    return name.partition(":of:")[2].partition(":")[0]


def popular_lists(catalogue: str) -> str:
    """Glob of all popularity lists of a catalogue, of any half-life."""
    return f"visrec:popular:{{{catalogue}}}:*"


def popular(catalogue: str, half_life_hours: float, domain: str | None, segment: str = "") -> str:
    """The popularity list of one domain of a catalogue, or of all; among everybody, or the people of a segment. Levels
    of two half-lives never meet in one list."""
    who = f"of:{segment}:" if segment else ""
    which = "all" if domain is None else f"in:{domain}"
    return f"visrec:popular:{{{catalogue}}}:{half_life_hours:g}h:{who}{which}"
