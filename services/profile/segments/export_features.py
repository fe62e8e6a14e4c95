"""People as numbers and words, for the job that groups them: the answer to ExportFeatures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.errors import InvalidInput, VisrecError
from services.profile.events import memory
from services.profile.events.event_store import Window
from services.profile.filing.store import ProfileStore
from services.profile.filing.token_store import closed, opened
from services.profile.identifiers import catalogue_name
from services.profile.people.person import ConsentState, Person
from services.profile.segments.features import Recipe, facts, features
from services.profile.segments.segmentations import Segmentations
from services.profile.taste.background import Remembered, behaved
from services.profile.taste.liking import Interest
from services.profile.taste.prior import Origin
from services.profile.taste.reader import MAX_TASTES, TasteReader
from services.profile.taste.taste_store import TasteQuery
from services.spaces import Float32, Space

DEFAULT_PAGE = 200
MAX_PAGE = 1000
MAX_ITEMS = 10
MAX_WORDS = 32


@dataclass(frozen=True)
class Featured:
    """One person. `features`: (F,) of unit norm; `words`: categories and tags of what they like, with shares; `items`:
    those they like most; `interests`: that follow from what they did."""

    pseudonym: str
    features: Float32
    facts: Sequence[str]
    words: Mapping[str, float]
    items: Sequence[str]
    interests: Sequence[Interest]


@dataclass(frozen=True)
class FeaturesPage:
    """Some people, whose features are in `space` and whose interests are in `visual`; `token`: for the next page, empty
    when there is none."""

    space: str
    visual: str
    people: Sequence[Featured]
    token: str


class FeatureExport:
    """Reads people page by page. `visual`: the present space of a catalogue."""

    def __init__(
        self,
        store: ProfileStore,
        tastes: TasteReader,
        segmentations: Segmentations,
        visual: Callable[[str], Space],
    ) -> None:
        self._store = store
        self._tastes = tastes
        self._segmentations = segmentations
        self._visual = visual

    def page(self, catalogue: str, size: int, token: str) -> FeaturesPage:
        """Those who did something in the catalogue and consent to personalisation and to segments. 0: 200 of them; at
        most 1000; a page may have fewer and still a next one.

        Raises InvalidInput for a negative size and for a token that is none, and as `Items.resolve`.
        """
        if size < 0:
            raise InvalidInput("page_size", "must not be negative")
        recipe = self._segmentations.recipe(self._visual(catalogue_name(catalogue, "catalogue")))
        request = f"ExportFeatures {catalogue}"
        place = opened(self._store, request, token)
        found = self._store.histories(catalogue, min(size or DEFAULT_PAGE, MAX_PAGE), place)
        consenting = [
            (alias, window, window.person)
            for alias, window in zip(found.aliases, found.windows, strict=True)
            if window.person is not None and window.person.consent.segments is ConsentState.GIVEN
        ]
        interests = self._interests([person for _, _, person in consenting], catalogue, recipe.visual.name)
        people = [
            _featured(alias, window, person, liked, recipe)
            for (alias, window, person), liked in zip(consenting, interests, strict=True)
        ]
        return FeaturesPage(
            recipe.space.name, recipe.visual.name, people, closed(self._store, request, found.token, token)
        )

    def _interests(self, people: Sequence[Person], catalogue: str, space: str) -> Iterator[Sequence[Interest]]:
        """Without those that are only supposed: of them, segments would find what segments were thought to like."""
        queries = [TasteQuery(person.user_id, catalogue, space) for person in people]
        for first in range(0, len(queries), MAX_TASTES):
            for view in self._tastes.several(queries[first : first + MAX_TASTES]):
                known = () if isinstance(view, VisrecError) else view.taste.interests
                yield [interest for interest in known if interest.origin is Origin.EVENTS]


def _featured(alias: str, window: Window, person: Person, interests: Sequence[Interest], recipe: Recipe) -> Featured:
    remembered = memory.unpack(window.memory)
    before = [(each.mass, each.vector) for each in remembered.centres.get(recipe.visual.name, ())]
    behaviour = behaved(Remembered(window.events, before, remembered.until_ms), recipe)
    shares = {**behaviour.tags, **behaviour.categories}
    ranked = sorted(shares.items(), key=lambda pair: (-pair[1], pair[0]))[:MAX_WORDS]
    return Featured(
        pseudonym=alias,
        features=features(person.attributes, behaviour, recipe),
        facts=facts(person.attributes),
        words=dict(ranked),
        items=list(behaviour.items)[:MAX_ITEMS],
        interests=interests,
    )
