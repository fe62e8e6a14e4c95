"""Reading tastes: the one that was kept while it holds, else one folded afresh.

Folding happens when a taste is read, not when an event is written: people do more than they ask, so a burst of events
costs one fold, and a write stays as small as the event. What was folded is kept with the stamp of the events it came
from, so that the next reader only looks, and a fold that was overtaken by a write or an erasure is not kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from services.errors import InvalidInput, NotFound, NotReady, Overloaded, SpaceMismatch, VisrecError
from services.profile.catalogue.existence import Existence
from services.profile.filing.store import ProfileStore
from services.profile.identifiers import catalogue_name, identifier
from services.profile.people.person import NO_CONSENT, Consent
from services.profile.taste import kept as kept_taste
from services.profile.taste.folder import Folded, Folder
from services.profile.taste.kept import NOTHING, Forms, KeptTaste, Sealed
from services.profile.taste.liking import Taste
from services.profile.taste.taste_store import Glance, Keeping, Kept, TasteQuery

MAX_TASTES = 64


class TasteView(NamedTuple):
    """A person in a catalogue. `seen`: item ids, latest first. Not personalised: there is nothing of that. `alias`:
    their pseudonym."""

    personalised: bool
    consent: Consent = NO_CONSENT
    alias: str = ""
    sealed: Sealed | None = None
    seen: tuple[str, ...] = ()
    forms: Forms | None = None

    @property
    def kept(self) -> KeptTaste:
        """What is known of them."""
        if self.sealed is None or self.forms is None:
            return NOTHING
        kept = self.forms.read(self.sealed.content)
        return replace(kept, stamp=self.sealed.stamp, recipe=self.sealed.recipe)

    @property
    def taste(self) -> Taste:
        """What they like."""
        return self.kept.taste


class TasteReader:
    """Reads tastes from the store."""

    def __init__(self, store: ProfileStore, folder: Folder, forms: Forms, existence: Existence) -> None:
        self._store = store
        self._folder = folder
        self._forms = forms
        self._existence = existence

    def one(self, query: TasteQuery) -> TasteView:
        """Raises InvalidInput naming the field, NotFound for an unknown person and for a catalogue that does not exist
        and in which they have done nothing, SpaceMismatch for a space that the catalogue does not have,
        NotReady when nothing is known of the space and the catalogue is away."""
        result = self._views([_checked(query, "")])[0]
        if isinstance(result, VisrecError):
            raise result
        return result

    def several(self, queries: Sequence[TasteQuery]) -> list[TasteView | VisrecError]:
        """The same for 1 to 64 people, with one look at the store for all whose kept taste holds; each fails alone.

        Raises InvalidInput for none or too many.
        """
        if not 1 <= len(queries) <= MAX_TASTES:
            raise InvalidInput("requests", f"{len(queries)} requests, 1 to {MAX_TASTES} are allowed")
        results: dict[int, TasteView | VisrecError] = {}
        good: dict[int, TasteQuery] = {}
        for number, query in enumerate(queries):
            try:
                good[number] = _checked(query, f"requests[{number}].")
            except InvalidInput as problem:
                results[number] = problem
        results |= dict(zip(good, self._views(list(good.values())), strict=True))
        return [results[number] for number in range(len(queries))]

    def _views(self, queries: Sequence[TasteQuery]) -> list[TasteView | VisrecError]:
        results: list[TasteView | VisrecError] = []
        folded: list[Keeping] = []
        for query, glance in zip(queries, self._store.glance(queries) if queries else (), strict=True):
            try:
                results.append(self._view(query, glance, folded))
            except (NotFound, NotReady, Overloaded, SpaceMismatch) as problem:
                results.append(problem)
        try:
            # Together: the store waits for its disk once.
            self._store.keep_tastes(folded)
        except (NotReady, Overloaded) as problem:
            lost = {each.user_id for each in folded}
            return [problem if query.user_id in lost else each for query, each in zip(queries, results, strict=True)]
        return results

    def _view(self, query: TasteQuery, glance: Glance | None, folded: list[Keeping]) -> TasteView:
        if glance is None:
            raise NotFound("user", query.user_id)
        kept = (self._kept(query, glance) or self._folded(query, folded)) if glance.personalised else None
        if kept is None:
            self._existence.require(query.catalogue)
            return TasteView(False, glance.consent, glance.alias)
        return TasteView(True, glance.consent, glance.alias, kept, glance.seen, self._forms)

    def _kept(self, query: TasteQuery, glance: Glance) -> Sealed | None:
        """What was kept, if it holds."""
        recipe = self._folder.recipe(query.catalogue)
        for packed in (glance.taste, glance.beside):
            kept = kept_taste.unpack_if(packed, glance.stamp, recipe)
            if kept and query.space in ("", kept.space):
                return None if self._folder.can_improve(kept.waiting, query.catalogue) else kept
        return None

    def _folded(self, query: TasteQuery, folded: list[Keeping]) -> Sealed | None:
        """None for somebody who has taken their consent back since they were looked at. `folded` gets what is to be
        kept."""
        window = self._store.window(query.user_id, query.catalogue)
        if window.person is None:
            return None
        if not (window.acts or window.memory):
            self._existence.require(query.catalogue)
        made = self._folder.fold(query.user_id, query.catalogue, window, query.space)
        sealed = self._forms.seal(made.kept)
        if sealed.stamp:
            folded.append(keeping(query.user_id, query.catalogue, made, sealed))
        return sealed


def keeping(user_id: str, catalogue: str, folded: Folded, sealed: Sealed) -> Keeping:
    """What is to be kept of what was folded, as it was sealed."""
    kept = Kept(kept_taste.pack(sealed), folded.beside, folded.kept.segment)
    return Keeping(user_id, catalogue, sealed.stamp, kept)


def _checked(query: TasteQuery, at: str) -> TasteQuery:
    identifier(query.user_id, f"{at}user_id")
    catalogue_name(query.catalogue, f"{at}catalogue")
    return query
