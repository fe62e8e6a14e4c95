"""What is known of a person beside what they did: what they say they like, who is like them, where a job placed them.

It is asked for when a taste is folded, and for people who have done nothing, again and again. Nothing of it needs the
store, and the catalogue is asked only for words and factors that are not remembered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.errors import VisrecError
from services.profile.collaborative.factors import Factors
from services.profile.collaborative.placing import Collaborative, PutVector, standing
from services.profile.events.event import Event
from services.profile.people.person import Attributes, ConsentState, Person
from services.profile.segments.behaviour import Behaviour, behaviour
from services.profile.segments.features import Recipe, features
from services.profile.segments.segment import Segment
from services.profile.segments.segmentations import Segmentations
from services.profile.taste import prior
from services.profile.taste.prior import MAX_STATED, Prior
from services.profile.taste.words import Words
from services.spaces import Float16, Float32, Space


@dataclass(frozen=True)
class Remembered:
    """What there is of a person's acts. `events`: one by one; `before`: (mass, vector) of what is remembered of those
    before them, as of `until_ms`; `writes`: how many there were in all, and `put`: where a job placed them, knowing of
    some."""

    events: Sequence[Event] = ()
    before: Sequence[tuple[float, Float16]] = ()
    until_ms: int = 0
    writes: int = 0
    put: PutVector | None = None


@dataclass(frozen=True)
class Known:
    """`prior`: interests that are supposed. `segment`: the name it is filed under, empty: none. `is_whole`: the
    catalogue told all that it was asked for."""

    prior: tuple[Prior, ...] = ()
    segment: str = ""
    collaborative: Collaborative | None = None
    is_whole: bool = True


class Background:
    """Asks nobody but the catalogue. May be used by several threads."""

    def __init__(self, segmentations: Segmentations, words: Words, factors: Factors) -> None:
        self._segmentations = segmentations
        self._words = words
        self._factors = factors

    def recipe(self, catalogue: str) -> str:
        """Differs when what is known of people would, though they did nothing: a taste that was kept under another one
        does not hold."""
        return self._segmentations.of(catalogue).version

    def supposes(self, person: Person, catalogue: str) -> bool:
        """Whether anything may be supposed of somebody who did nothing: else there is no need to ask the catalogue."""
        segmented = person.consent.segments is ConsentState.GIVEN and self._segmentations.of(catalogue).segments
        return bool(person.attributes.interests or segmented)

    def of(self, person: Person, catalogue: str, space: Space, acts: Remembered) -> Known:
        """What is known of somebody who consents to personalisation, for a taste in `space`; their segment only if they
        consent to that, too."""
        segment = self._segment(person, catalogue, space, acts)
        words = [word for word in dict.fromkeys(person.attributes.interests) if word.strip()][:MAX_STATED]
        vectors = self._words.vectors(catalogue, space, words)
        supposed = (*prior.stated(words, vectors), *prior.of_segment(segment, space.name))
        is_whole = not self._words.lacks(catalogue, space, words)
        try:
            placed = self._factors.place(catalogue, acts.events, acts.put, acts.writes)
        except VisrecError:
            placed, is_whole = standing(acts.put), False
        return Known(supposed, self._segmentations.of(catalogue).filed(segment), placed, is_whole)

    def _segment(self, person: Person, catalogue: str, space: Space, acts: Remembered) -> Segment | None:
        known = self._segmentations.of(catalogue)
        if not known.segments or person.consent.segments is not ConsentState.GIVEN:
            return None
        recipe = self._segmentations.recipe(space)
        return known.nearest(encoded(person.attributes, acts, recipe), recipe.space.name)


def behaved(acts: Remembered, recipe: Recipe) -> Behaviour:
    """What somebody does, summed up as `recipe` has it."""
    return behaviour(acts.events, acts.before, recipe.visual, recipe.half_life_days, acts.until_ms)


def encoded(attributes: Attributes, acts: Remembered, recipe: Recipe) -> Float32:
    """(F,) features of somebody, in `recipe.space`."""
    return features(attributes, behaved(acts, recipe), recipe)
