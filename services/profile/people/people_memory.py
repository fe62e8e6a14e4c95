"""People in memory."""

from __future__ import annotations

from services.errors import InvalidInput
from services.profile.events.event import EventType
from services.profile.filing.held_memory import Held, Memory
from services.profile.people.people_store import Answered, Erased, Forget, Loaded, Page, PeopleStore
from services.profile.people.person import ConsentState, Person, pack


class MemoryPeople(Memory, PeopleStore):
    """People by their id, in the order of ids."""

    def load(self, user_id: str, request_id: str = "") -> Loaded:
        with self._lock:
            held = self._held.get(user_id)
            if held is None:
                return Loaded(None, b"")
            return Loaded(held.person, pack(held.person), held.answers.get(request_id))

    def swap(
        self,
        version: bytes,
        person: Person,
        forget: Forget = Forget.NOTHING,
        request_id: str = "",
        answered: Answered | None = None,
    ) -> bool:
        with self._lock:
            if self.load(person.user_id).version != version:
                return False
            held = self._held.get(person.user_id)
            withdrawn = held and held.person.consent.segments is ConsentState.GIVEN is not person.consent.segments
            if held is None:
                life = self._next_life()
                held = Held(person, life, alias=f"alias{life}", erased=self._tombstones.get(person.user_id))
                held.since_ms = person.updated_ms
                self._held[person.user_id] = held
            held.person = person
            held.puts += 1
            if person.consent.segments is not ConsentState.GIVEN:
                for history in held.histories.values():
                    history.segment = ""
                    history.tastes = {} if withdrawn else history.tastes
            if answered is not None:
                fresh = {key: old for key, old in held.answers.items() if old.until_ms > person.updated_ms}
                held.answers = fresh | {request_id: answered}
            self._forget(held, forget, person.updated_ms)
            return True

    def _forget(self, held: Held, forget: Forget, now_ms: int) -> None:
        if forget is Forget.NOTHING:
            return
        held.life, held.since_ms = self._next_life(), now_ms
        if forget is Forget.EVERYTHING:
            held.histories, held.event_ids, held.vectors, held.told = {}, {}, {}, {}
        for history in held.histories.values():
            history.acts = [act for act in history.acts if act.type is not EventType.UPLOAD]
            history.tastes = {}
            if history.photos_settled:
                history.memory, history.photos_settled = b"", False

    def erase(self, user_id: str, now_ms: int = 0, tombstone_ms: int = 0) -> list[Erased] | None:
        with self._lock:
            held = self._held.pop(user_id, None)
            if held is None:
                return None
            if tombstone_ms:
                self._tombstones[user_id] = (now_ms, now_ms + tombstone_ms)
            histories = held.histories.values()
            return [
                Erased("profile", 1),
                Erased("events", sum(len(each.acts) + len(each.shown) for each in histories)),
                Erased("seen", sum(len(each.seen) for each in histories)),
                Erased("taste", sum(len(each.tastes) for each in histories)),
                Erased("requests", len(held.answers)),
                Erased("event_ids", len(held.event_ids)),
                Erased("vectors", len(held.vectors)),
                Erased("held", 0),
            ]

    def people(self, size: int, token: str) -> Page:
        with self._lock:
            if token and not token.startswith("after:"):
                raise InvalidInput("page_token", "is not a token of a previous page")
            names = sorted(name for name in self._held if not token or name > token.removeprefix("after:"))
            page = names[:size]
            return Page([self._held[name].person for name in page], f"after:{page[-1]}" if names[size:] else "")
