"""What one answer is made from, once everybody who was asked has answered or was left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.ranker.answer import Ask
from services.ranker.fusion import Query
from services.ranker.ports import Embedding, Interest, SearchQuery, Source, Taste
from services.ranker.scenes import PHOTO, SEEDS, TASTE

MAX_EXCLUDED = 10_000
"""The indexer's bound. The request's own come first, then the latest seen."""


@dataclass(frozen=True)
class Material:
    """`photo`: its vector, if there is one. `interests`: those that can be searched with. `popular`: ids, most popular
    first. `weights`: the effective weight of each signal, summing to 1, or empty when no signal is left."""

    ask: Ask
    photo: Embedding | None
    taste: Taste | None
    interests: Sequence[Interest]
    popular: Sequence[str]
    weights: Mapping[str, float]

    def queries(self) -> list[Query]:
        """What fusion is told of each query, in the order of `search_queries`."""
        queries = [Query(PHOTO, "photo")] if self.photo and PHOTO in self.weights else []
        if SEEDS in self.weights:
            queries += [Query(SEEDS, _seed_name(at), seed.weight) for at, seed in enumerate(self.ask.seeds)]
        if TASTE in self.weights:
            queries += [Query(TASTE, self.interest_name(at), each.weight) for at, each in enumerate(self.interests)]
        return queries

    def search_queries(self, blocks: Mapping[str, float], own_blocks: bool) -> list[SearchQuery]:
        """What the indexer is asked. `blocks`: weights for every query; with `own_blocks`, interests are searched with
        the person's own block weights where there are any."""
        queries = [SearchQuery("photo", blocks, self.photo)] if self.photo and PHOTO in self.weights else []
        if SEEDS in self.weights:
            for at, seed in enumerate(self.ask.seeds):
                queries.append(SearchQuery(_seed_name(at), blocks, item_id=seed.item_id, positive=seed.weight > 0))
        if TASTE in self.weights:
            taste_blocks = (self.taste and own_blocks and self.taste.block_weights) or blocks
            for at, interest in enumerate(self.interests):
                queries.append(SearchQuery(self.interest_name(at), taste_blocks, interest.embedding))
        return queries

    @staticmethod
    def interest_name(at: int) -> str:
        """What the query of the interest at this place is called."""
        return f"interest-{at + 1}"

    def sources(self) -> dict[str, Source]:
        """Query name to the item behind it, for reasons."""
        sources = {self.interest_name(at): each.sources[0] for at, each in enumerate(self.interests) if each.sources}
        sources.update((_seed_name(at), Source(seed.item_id, "")) for at, seed in enumerate(self.ask.seeds))
        return sources

    def excluded(self) -> tuple[str, ...]:
        """Items that must not be in the answer: those of the request, its seeds, and what the person has seen."""
        seen = () if self.taste is None or self.ask.include_seen else self.taste.seen
        seeds = (seed.item_id for seed in self.ask.seeds)
        return tuple(dict.fromkeys((*self.ask.exclude, *seeds, *seen)))[:MAX_EXCLUDED]


def effective_weights(wanted: Mapping[str, float], present: Mapping[str, bool]) -> dict[str, float]:
    """The weights of the signals that are there, summing to 1: those of the others are given to them in proportion."""
    return rescaled({signal: weight for signal, weight in wanted.items() if present[signal]})


def rescaled(weights: Mapping[str, float]) -> dict[str, float]:
    """Weights >= 0 to the same proportions with sum 1, those of zero left out; empty when all are zero."""
    total = sum(weights.values())
    return {signal: weight / total for signal, weight in weights.items() if weight > 0}


def _seed_name(at: int) -> str:
    return f"seed-{at + 1}"
