"""A person as the caller knows them: attributes and consent, what is allowed in them, and changing some of it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from enum import IntEnum
from typing import Any, TypeAlias

from services.errors import Internal, InvalidInput
from services.profile.identifiers import identifier, text

MAX_AGE = 120
MAX_INTERESTS = 64
MAX_OTHER = 32
MAX_WORDS = 64
MAX_PLACE_LETTERS = 64
MAX_INTEREST_LETTERS = 64
MAX_VALUE_LETTERS = 256
MAX_BYTES = 64 * 1024
"""Of a person as they are kept: once, and once more in each answer that is remembered."""

FORMAT = b"\x01"
"""First byte of a packed person; it changes when the rest does."""

Value: TypeAlias = str | float | bool | tuple[str, ...]

_NAME = re.compile(r"[a-z0-9_]{1,32}")
_COUNTRY = re.compile(r"[A-Z]{2}")


class Gender(IntEnum):
    """As stated by the person. The numbers are those of the contract."""

    UNKNOWN = 0
    FEMALE = 1
    MALE = 2
    OTHER = 3


class ConsentState(IntEnum):
    """An answer to one question of consent. UNASKED is treated as not given."""

    UNASKED = 0
    GIVEN = 1
    REFUSED = 2


@dataclass(frozen=True)
class Consent:
    """What a person consents to, purpose by purpose."""

    personalisation: ConsentState = ConsentState.UNASKED
    photo_learning: ConsentState = ConsentState.UNASKED
    segments: ConsentState = ConsentState.UNASKED


NO_CONSENT = Consent()


@dataclass(frozen=True)
class Location:
    """`country`: ISO 3166-1 alpha-2. Empty words are unknown."""

    country: str = ""
    region: str = ""
    city: str = ""


@dataclass(frozen=True)
class Attributes:
    """`age` in years, None when unknown. `other`: free attributes by name."""

    age: int | None = None
    gender: Gender = Gender.UNKNOWN
    location: Location = Location()
    interests: tuple[str, ...] = ()
    other: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Person:
    """Times in milliseconds since 1970, set by the service."""

    user_id: str
    attributes: Attributes = field(default_factory=Attributes)
    consent: Consent = Consent()
    created_ms: int = 0
    updated_ms: int = 0


def checked(person: Person, at: str = "user") -> Person:
    """The same person. Raises InvalidInput, naming the field below `at`, for what the contract does not allow."""
    identifier(person.user_id, f"{at}.user_id")
    given = person.attributes
    if given.age is not None and not 0 <= given.age <= MAX_AGE:
        raise InvalidInput(f"{at}.attributes.age", f"{given.age} is not 0 to {MAX_AGE} years")
    _check_location(given.location, f"{at}.attributes.location")
    if len(given.interests) > MAX_INTERESTS:
        raise InvalidInput(f"{at}.attributes.interests", f"{len(given.interests)} given, at most {MAX_INTERESTS}")
    for number, interest in enumerate(given.interests):
        text(interest, f"{at}.attributes.interests[{number}]", MAX_INTEREST_LETTERS)
        if not interest.strip():
            raise InvalidInput(f"{at}.attributes.interests[{number}]", "is blank")
    _check_other(given.other, f"{at}.attributes.other")
    if (size := len(pack(person))) > MAX_BYTES:
        raise InvalidInput(f"{at}.attributes", f"{size} bytes in all, at most {MAX_BYTES}")
    return person


def _check_location(location: Location, at: str) -> None:
    if location.country and not _COUNTRY.fullmatch(location.country):
        raise InvalidInput(f"{at}.country", "must be two upper-case letters of ISO 3166-1")
    text(location.region, f"{at}.region", MAX_PLACE_LETTERS)
    text(location.city, f"{at}.city", MAX_PLACE_LETTERS)


def _check_other(other: dict[str, Value], at: str) -> None:
    if len(other) > MAX_OTHER:
        raise InvalidInput(at, f"{len(other)} given, at most {MAX_OTHER}")
    for name, value in other.items():
        if not _NAME.fullmatch(name):
            raise InvalidInput(at, "names must be of a-z, 0-9 and _, 1 to 32 letters")
        _check_value(value, f"{at}[{name!r}]")


def _check_value(value: Value, at: str) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidInput(at, "must be finite", reason="NOT_FINITE")
    words = value if isinstance(value, tuple) else (value,) if isinstance(value, str) else ()
    if len(words) > MAX_WORDS:
        raise InvalidInput(at, f"{len(words)} words, at most {MAX_WORDS}")
    for word in words:
        text(word, at, MAX_VALUE_LETTERS)


def _paths(record: Any, prefix: str = "") -> list[str]:
    found = []
    for each in fields(record):
        value = getattr(record, each.name)
        found.append(prefix + each.name)
        if is_dataclass(value):
            found += _paths(value, f"{prefix}{each.name}.")
    return found


CHANGEABLE = frozenset(p for p in _paths(Person("")) if p.startswith(("attributes", "consent")))
"""The paths a field mask may have: `attributes`, `attributes.age`, … , `consent.segments`."""


def changed(current: Person, given: Person, mask: Sequence[str]) -> Person:
    """`current` with the fields of `mask` taken from `given`; an empty mask means all that can be changed.

    Raises InvalidInput, naming `update_mask.paths[i]`, for a field that is unknown or not the caller's to change.
    """
    result = current
    for number, path in enumerate(mask or ("attributes", "consent")):
        if path not in CHANGEABLE:
            raise InvalidInput(
                f"update_mask.paths[{number}]",
                f"{path[:80]!r} is not a field that can be changed; those are {', '.join(sorted(CHANGEABLE))}",
                reason="UNKNOWN_FIELD",
            )
        result = _taken(result, given, path.split("."))
    return result


def _taken(current: Any, given: Any, path: Sequence[str]) -> Any:
    head, *rest = path
    value = getattr(given, head)
    return replace(current, **{head: _taken(getattr(current, head), value, rest) if rest else value})


def pack(person: Person) -> bytes:
    """Stable bytes of a person: the format byte, then JSON."""
    return FORMAT + json.dumps(asdict(person), ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def unpack(data: bytes) -> Person:
    """The inverse of `pack`. Raises Internal for a format this version does not know."""
    if data[:1] != FORMAT:
        raise Internal("a stored person has a format this version does not know", reason="UNKNOWN_FORMAT")
    raw = json.loads(data[1:])
    given = raw["attributes"]
    other = {name: tuple(value) if isinstance(value, list) else value for name, value in given["other"].items()}
    attributes = Attributes(
        age=given["age"],
        gender=Gender(given["gender"]),
        location=Location(**given["location"]),
        interests=tuple(given["interests"]),
        other=other,
    )
    consent = Consent(**{purpose: ConsentState(state) for purpose, state in raw["consent"].items()})
    return Person(raw["user_id"], attributes, consent, raw["created_ms"], raw["updated_ms"])
