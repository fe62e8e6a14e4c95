"""Forgetting a catalogue that is gone: what people did in it stays theirs until somebody says so, or they go."""

from __future__ import annotations

from services.errors import InvalidInput, NotFound, Refused
from services.profile.catalogue.catalogue_store import Forgotten
from services.profile.catalogue.items import Items
from services.profile.filing.store import ProfileStore
from services.profile.filing.token_store import closed, opened
from services.profile.identifiers import catalogue_name

DEFAULT_PAGE = 100
MAX_PAGE = 1000


class Forgetter:
    """Forgets, page by page. `items`: says that the catalogue is gone."""

    def __init__(self, store: ProfileStore, items: Items) -> None:
        self._store = store
        self._items = items

    def page(self, catalogue: str, size: int = 0, token: str = "") -> Forgotten:
        """One page of people: 0: 100 of them, at most 1000. With the last one popularity and segments go.

        Raises InvalidInput naming the field, Refused (CATALOGUE_EXISTS) while there is such a catalogue, one of AWAY
        when that cannot be asked.
        """
        catalogue_name(catalogue, "catalogue")
        if size < 0:
            raise InvalidInput("page_size", "must not be negative")
        if self._is_there(catalogue):
            raise Refused(
                f"catalogue {catalogue!r} exists: what people did in it is forgotten only after DeleteCatalogue",
                reason="CATALOGUE_EXISTS",
            )
        request = f"ForgetCatalogue {catalogue}"
        place = opened(self._store, request, token)
        forgotten = self._store.forget(catalogue, min(size or DEFAULT_PAGE, MAX_PAGE), place)
        if not forgotten.token:
            self._store.forget_popularity(catalogue)
        return Forgotten(forgotten.people, closed(self._store, request, forgotten.token, token))

    def _is_there(self, catalogue: str) -> bool:
        try:
            self._items.resolve(catalogue, [])
        except NotFound:
            return False
        return True
