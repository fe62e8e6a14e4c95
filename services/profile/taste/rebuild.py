"""Tastes made anew, page by page: how a new space is filled before an alias moves to it, and how a doubt is settled."""

from __future__ import annotations

from dataclasses import dataclass

from services.errors import InvalidInput
from services.profile.events import memory
from services.profile.events.event_store import Window
from services.profile.events.resolving import Resolver, item_ids, missing
from services.profile.filing.store import ProfileStore
from services.profile.filing.token_store import closed, opened
from services.profile.identifiers import catalogue_name
from services.profile.taste.folder import Folder
from services.profile.taste.kept import Forms
from services.profile.taste.reader import keeping

DEFAULT_PAGE = 100
MAX_PAGE = 1000


@dataclass(frozen=True)
class Rebuilt:
    """`people` of the page who did something in the catalogue; `rebuilt`: those whose taste is kept now; `lost`: events
    without a vector in the space. `token`: for the next page, empty when there is none."""

    people: int
    rebuilt: int
    lost: int
    token: str


class Rebuilder:
    """Makes tastes anew from what is kept of people."""

    def __init__(self, store: ProfileStore, resolver: Resolver, folder: Folder, forms: Forms) -> None:
        self._forms = forms
        self._store = store
        self._resolver = resolver
        self._folder = folder

    def page(self, catalogue: str, space: str = "", size: int = 0, token: str = "") -> Rebuilt:
        """One page of people: 0: 100 of them, at most 1000. `space` by name; empty: the catalogue's present one.

        Raises InvalidInput naming the field, NotFound for an unknown catalogue, SpaceMismatch for a space it does not
        have, NotReady when it is away: nothing was done then, and the same page may be asked for again.
        """
        catalogue_name(catalogue, "catalogue")
        if size < 0:
            raise InvalidInput("page_size", "must not be negative")
        name = self._resolver.look_up(catalogue, (), space).space.name
        request = f"RebuildTastes {catalogue} {space}"
        place = opened(self._store, request, token)
        page = self._store.histories(catalogue, min(size or DEFAULT_PAGE, MAX_PAGE), place)
        wanted = [item_id for window in page.windows for item_id in _items(window, name)]
        found = self._resolver.look_up(catalogue, list(dict.fromkeys(wanted)), name)
        rebuilt = lost = 0
        tastes = []
        for window in page.windows:
            assert window.person is not None
            user_id = window.person.user_id
            folded = self._folder.folded(user_id, catalogue, self._resolver.written(user_id, catalogue, window, found))
            tastes.append(keeping(user_id, catalogue, folded, self._forms.seal(folded.kept)))
            rebuilt += bool(folded.kept.stamp) and folded.kept.taste.space == name
            lost += folded.lost
        self._store.keep_tastes(tastes)
        return Rebuilt(len(page.windows), rebuilt, lost, closed(self._store, request, page.token, token))


def _items(window: Window, space: str) -> list[str]:
    return [*item_ids(missing(window, space)), *memory.sources(memory.unpack(window.memory), space)]
