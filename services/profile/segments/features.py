"""People as numbers, so that they can be compared: attributes, behaviour and taste → one vector. Pure.

    person    facts: age band, gender, place, other attributes that groups may share      weight 0.5   hashed
    stated    interests, as words                                                         weight 1     hashed
    habits    recency-weighted shares: of types of events, of categories, of tags         weight 1     hashed
    taste     where in the catalogue's space what they liked lies                         weight 2     as it is

Words become numbers by feature hashing (Weinberger, Dasgupta, Langford, Smola and Attenberg, "Feature Hashing for Large
Scale Multitask Learning", ICML 2009): a word adds its weight, with a sign that its hash decides, at a place that its
hash decides. So there is no dictionary to learn, to keep, or to find a rare word of somebody in, and inner products are
right on average: two words that share a place agree as often as they oppose.

Each part is brought to unit norm and weighted, and the whole to unit norm again: of somebody who has done nothing yet
the facts and words count for all. The inner product of two people is their likeness, -1 to 1.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from services.profile.people.person import Attributes, Gender, Value
from services.profile.segments.behaviour import Behaviour
from services.spaces import Block, Float32, Space

REVISION = 2
"""Of the arithmetic in this file. Raise it when results change: the features are in another space then."""

HASHED = 64
"""Places of each hashed part. Two of a dozen words of a person share one about as often as not; across people such
accidents cancel."""

WEIGHTS = {"person": 0.5, "stated": 1.0, "habits": 1.0, "taste": 2.0}

AGE_BANDS = (("0-17", 18), ("18-24", 25), ("25-34", 35), ("35-44", 45), ("45-54", 55), ("55-64", 65), ("65+", 999))
"""Name, and the first age that is above it."""

MAX_FACT_LETTERS = 32
"""A longer text is no word that groups of people share."""


@dataclass(frozen=True)
class Recipe:
    """How people of a catalogue whose items are in `visual` become numbers."""

    visual: Space
    half_life_days: float = 30.0

    @property
    def space(self) -> Space:
        """Of the features: `people@` and a digest of everything that makes the numbers what they are."""
        told = f"{REVISION} {HASHED} {WEIGHTS} {AGE_BANDS} {self.half_life_days} {self.visual!r}"
        digest = hashlib.sha256(told.encode()).hexdigest()[:16]
        return Space(f"people@{digest}", (Block("person", 3 * HASHED + self.visual.dimension),))


def features(attributes: Attributes, behaviour: Behaviour, recipe: Recipe) -> Float32:
    """(F,) float32 of unit norm, in `recipe.space`; zero for somebody of whom nothing is known."""
    visual = recipe.visual
    parts = {
        "person": hashed(_encoded(attributes), HASHED),
        "stated": hashed(dict.fromkeys(stated_facts(attributes), 1.0), HASHED),
        "habits": hashed(_habits(behaviour), HASHED),
        # Scaled so that an inner product is the score of two items by the space's default weights.
        "taste": _unit(visual.weigh(behaviour.taste, np.sqrt(visual.default_weights))),
    }
    return _unit(np.concatenate([math.sqrt(weight) * parts[name] for name, weight in WEIGHTS.items()]))


def hashed(words: Mapping[str, float], size: int) -> Float32:
    """(size,) float32 of unit norm, or zero: sum of xi(w) * weight at h(w), with h and xi from BLAKE2b, which is the
    same everywhere and for ever."""
    out = np.zeros(size, dtype=np.float64)
    for word in sorted(words):
        number = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little")
        out[(number >> 1) % size] += words[word] if number & 1 else -words[word]
    return _unit(out.astype(np.float32))


def facts(attributes: Attributes) -> list[str]:
    """Attributes as words, such as `age:25-34` or `country:PT`, sorted; interests among them."""
    return sorted([*_person_facts(attributes), *stated_facts(attributes)])


def stated_facts(attributes: Attributes) -> list[str]:
    """Stated interests as words; letters of either case are the same."""
    plain = (word.strip().casefold() for word in attributes.interests)
    return sorted({f"interest:{word}" for word in plain if word})


def _habits(known: Behaviour) -> dict[str, float]:
    """Roots of shares, so that each kind of share is of unit norm before it is hashed (Hellinger)."""
    kinds = {"type": known.types, "category": known.categories, "tag": known.tags}
    return {f"{kind}:{word}": math.sqrt(share) for kind, shares in kinds.items() for word, share in shares.items()}


def _encoded(attributes: Attributes) -> dict[str, float]:
    """Facts with weight 1, and half of the age bands beside one's own: who is 34 is like who is 35."""
    weights = dict.fromkeys(_person_facts(attributes), 1.0)
    if attributes.age is not None:
        band = _age_band(attributes.age)
        for beside in (band - 1, band + 1):
            if 0 <= beside < len(AGE_BANDS):
                weights[f"age:{AGE_BANDS[beside][0]}"] = 0.5
    return weights


def _person_facts(attributes: Attributes) -> list[str]:
    place = attributes.location
    words = [f"age:{AGE_BANDS[_age_band(attributes.age)][0]}"] if attributes.age is not None else []
    if attributes.gender is not Gender.UNKNOWN:
        words.append(f"gender:{attributes.gender.name.lower()}")
    words += [f"country:{place.country}"] if place.country else []
    # With what they lie in: there is a Santiago in a dozen countries.
    lies_in = f", {place.country}" if place.country else ""
    words += [f"{kind}:{name}{lies_in}" for kind, name in (("region", place.region), ("city", place.city)) if name]
    for name, value in attributes.other.items():
        words += [f"{name}:{word}" for word in _other_words(value)]
    return sorted(set(words))


def _age_band(age: int) -> int:
    return next(number for number, (_, above) in enumerate(AGE_BANDS) if age < above)


def _other_words(value: Value) -> list[str]:
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    if isinstance(value, float):
        # Numbers of the same power of two are alike.
        return [f"{'-' if value < 0 else ''}2^{math.frexp(value)[1] - 1}" if value else "0"]
    words = (value,) if isinstance(value, str) else value
    return [word for word in words if 0 < len(word) <= MAX_FACT_LETTERS]


def _unit(vector: Float32) -> Float32:
    norm = float(np.linalg.norm(vector))
    return np.asarray(vector / np.float32(norm), dtype=np.float32) if norm > 1e-9 else np.zeros_like(vector)
