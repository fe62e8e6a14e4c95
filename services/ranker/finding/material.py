"""What one answer is made from, once everybody who was asked has answered or was left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.ranker.answer import Ask, Seed
from services.ranker.finding.candidates import Query
from services.ranker.finding.session import SessionEvent
from services.ranker.others.ports import AVOIDED, Embedding, Interest, SearchQuery, Source, Taste
from services.ranker.scenes.scene import COLLABORATIVE, PHOTO, SEEDS, SESSION, TASTE

_LIKED = (SESSION, TASTE)
"""Signals that tell what somebody likes, not what they show."""

_Asked = tuple[Query, Embedding | None, str]
"""A query and what it looks for: a vector, or else an item by its id."""

MAX_EXCLUDED = 10_000
"""The indexer's bound. The request's own come first, then the latest seen."""

MAX_BESIDE = 1000
"""The indexer's bound of items that are scored besides."""


@dataclass(frozen=True)
class Material:
    """Everything but the catalogue.

    weights        the effective weight of each signal, summing to 1; empty when no signal is left
    photo          its vector
    interests      those that can be searched with
    session        the events that are searched with
    collaborative  the person's vector in the catalogue's collaborative space
    segment        of the person, if what is popular there counts
    beside         items that are candidates whether a search finds them or not: popular and new ones
    """

    ask: Ask
    weights: Mapping[str, float]
    photo: Embedding | None = None
    taste: Taste | None = None
    interests: Sequence[Interest] = ()
    session: Sequence[SessionEvent] = ()
    collaborative: Embedding | None = None
    segment: str = ""
    beside: Sequence[str] = ()

    def queries(
        self, blocks: Mapping[str, float], liked_blocks: Mapping[str, float]
    ) -> tuple[list[Query], list[SearchQuery]]:
        """What fusion is told of each query in the visual space, and what the indexer is asked, in the same order,
        which is the same however the request is ordered. `blocks`: weights for what is shown; `liked_blocks`: for what
        somebody likes."""
        asked = [*self._of_photo(), *self._of_seeds(), *self._of_session(), *self._of_taste()]
        asked = [each for each in asked if each[0].signal in self.weights]
        searched = [
            SearchQuery(
                query.name, liked_blocks if query.signal in _LIKED else blocks, embedding, item_id, query.weight > 0
            )
            for query, embedding, item_id in asked
        ]
        return [query for query, _, _ in asked], searched

    def _of_photo(self) -> list[_Asked]:
        return [] if self.photo is None else [(Query(PHOTO, "photo"), self.photo, "")]

    def _of_seeds(self) -> list[_Asked]:
        return [(Query(SEEDS, name, seed.weight), None, seed.item_id) for name, seed in self._seeds()]

    def _of_session(self) -> list[_Asked]:
        return [
            (Query(SESSION, _session_name(at), event.weight), event.embedding, event.item_id)
            for at, event in enumerate(self.session)
        ]

    def _of_taste(self) -> list[_Asked]:
        return [
            (Query(TASTE, self.interest_name(at), interest.weight), interest.embedding, "")
            for at, interest in enumerate(self.interests)
        ]

    def collaborative_query(self) -> tuple[list[Query], list[SearchQuery]]:
        """The same for the collaborative space; none when it does not count."""
        if self.collaborative is None or COLLABORATIVE not in self.weights:
            return [], []
        return [Query(COLLABORATIVE, COLLABORATIVE)], [SearchQuery(COLLABORATIVE, {}, self.collaborative)]

    @staticmethod
    def interest_name(at: int) -> str:
        """What the query of the interest at this place is called."""
        return f"interest-{at + 1}"

    def sources(self) -> dict[str, Sequence[Source]]:
        """Query name to the items behind it, what counts most first, for reasons; and of the request's own rules what
        they say. Those of scenes have names that somebody has chosen for people to read."""
        sources = {self.interest_name(at): each.sources for at, each in enumerate(self.interests) if each.sources}
        sources.update(
            (name, (Source(seed.item_id, AVOIDED if seed.weight < 0 else ""),)) for name, seed in self._seeds()
        )
        sources.update(
            (_session_name(at), (Source(event.item_id, event.kind),)) for at, event in enumerate(self.session)
        )
        sources.update((boost.signal, (Source("", "", boost.condition),)) for boost in self.ask.rules.boosts)
        return sources

    def excluded(self) -> tuple[str, ...]:
        """Items that must not be in the answer: those of the request, its seeds, what the session was about, and what
        the person has seen."""
        ask = self.ask
        seen = () if self.taste is None or ask.include_seen else self.taste.seen
        if not (ask.exclude or ask.seeds or ask.session) and len(seen) <= MAX_EXCLUDED:
            return tuple(seen)
        seeds = (seed.item_id for seed in ask.seeds)
        session = (event.item_id for event in ask.session if event.item_id)
        return tuple(dict.fromkeys((*ask.exclude, *seeds, *session, *seen)))[:MAX_EXCLUDED]

    def _seeds(self) -> Iterator[tuple[str, Seed]]:
        """Named by their place in the request, in the order of their ids."""
        named = [(f"seed-{at + 1}", seed) for at, seed in enumerate(self.ask.seeds)]
        return iter(sorted(named, key=lambda pair: pair[1].item_id))


def effective_weights(wanted: Mapping[str, float], present: Mapping[str, bool]) -> dict[str, float]:
    """The weights of the signals that are there, summing to 1: those of the others are given to them in proportion."""
    return rescaled({signal: weight for signal, weight in wanted.items() if present.get(signal)})


def rescaled(weights: Mapping[str, float]) -> dict[str, float]:
    """Weights >= 0 to the same proportions with sum 1, those of zero left out; empty when all are zero."""
    total = sum(weights.values())
    return {signal: weight / total for signal, weight in weights.items() if weight > 0}


def without(weights: Mapping[str, float], *signals: str) -> dict[str, float]:
    """The weights when these signals are lost on the way."""
    return rescaled({signal: weight for signal, weight in weights.items() if signal not in signals})


def _session_name(at: int) -> str:
    return f"session-{at + 1}"
