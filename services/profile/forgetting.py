"""Forgetting a catalogue that is gone: what people did in it stays theirs until somebody says so, or they go."""

from __future__ import annotations

from services.errors import InvalidInput, NotFound, Refused
from services.profile.catalogue_store import CatalogueStore, Forgotten
from services.profile.identifiers import catalogue_name
from services.profile.items import Items

DEFAULT_PAGE = 100
MAX_PAGE = 1000


class Forgetter:
    """Forgets, page by page. `items`: says that the catalogue is gone."""

    def __init__(self, store: CatalogueStore, items: Items) -> None:
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
        forgotten = self._store.forget(catalogue, min(size or DEFAULT_PAGE, MAX_PAGE), token)
        if not forgotten.token:
            self._store.forget_popularity(catalogue)
        return forgotten

    def _is_there(self, catalogue: str) -> bool:
        try:
            self._items.resolve(catalogue, [])
        except NotFound:
            return False
        return True
