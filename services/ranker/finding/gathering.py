"""Gathering: everything but the catalogue is asked for, side by side, and what comes of it is weighed."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.errors import NotFound, SpaceMismatch
from services.ranker.answer import Ask
from services.ranker.finding.material import MAX_BESIDE, Material, effective_weights
from services.ranker.finding.moved import AskedInVain, moved
from services.ranker.finding.session import SessionEvent, searched
from services.ranker.limits import Limits
from services.ranker.others.ports import Condition, Embedder, Embedding, Indexer, Interest, Profile, Spaces, Taste
from services.ranker.scenes.scene import COLLABORATIVE, FRESHNESS, PHOTO, POPULARITY, SEEDS, SEGMENT, SESSION, TASTE
from services.ranker.stages import Stages, side_by_side

SEEN = "seen"
"""Named among the dropped when what the person has seen could not be left out."""


@dataclass(frozen=True)
class _Person:
    """What the profile says: of the person, of what is popular among all and, if they have one, in their segment."""

    taste: Taste | None
    popular: Sequence[str]
    segment: str = ""
    segment_popular: Sequence[str] = ()


class Gatherer:
    """Asks the embedder and the profile. `clock`: seconds, monotonic."""

    def __init__(
        self, embedder: Embedder, indexer: Indexer, profile: Profile, clock: Callable[[], float], limits: Limits
    ) -> None:
        self._vain = AskedInVain(clock)
        self._embedder = embedder
        self._indexer = indexer
        self._profile = profile
        self._limits = limits

    async def gather(
        self, stages: Stages, ask: Ask, wanted: Mapping[str, float], spaces: Spaces, conditions: Sequence[Condition]
    ) -> Material:
        """`wanted`: weight of each signal. `conditions`: what every item has to pass. Raises what is wrong with the
        request, and SpaceMismatch where the catalogue has other `spaces` by now."""
        asked_for_photo = ask.photo is not None or ask.photo_embedding is not None
        work: list[Coroutine[Any, Any, Any]] = [self._person(stages, ask, wanted, spaces)]
        work += [self._photo(stages, ask, wanted, spaces)] if asked_for_photo else []
        work += [self._fresh(stages, ask, conditions)] if wanted[FRESHNESS] else []
        results = await side_by_side(*work)
        person: _Person = results[0]
        photo: Embedding | None = results[1] if asked_for_photo else None
        fresh: Sequence[str] = results[-1] if wanted[FRESHNESS] else ()
        taste = person.taste
        elsewhere = _elsewhere(taste, spaces, wanted) if taste else ""
        if elsewhere and not self._vain.has(ask.catalogue, elsewhere):
            if await moved(stages, self._indexer, ask.catalogue, spaces):
                raise SpaceMismatch(expected=spaces.visual.name, given=elsewhere)
            self._vain.add(ask.catalogue, elsewhere)
        interests = _interests(stages, taste, spaces, wanted) if taste else ()
        collaborative = _collaborative(stages, ask, taste, spaces, wanted)
        session = _session(stages, ask, spaces, wanted)
        if ask.seeds and not wanted[SEEDS]:
            stages.drop(SEEDS, "ZERO_WEIGHT", "the weight of the seeds is zero")
        present = {
            PHOTO: photo is not None,
            SEEDS: bool(ask.seeds),
            SESSION: bool(session),
            TASTE: bool(interests),
            COLLABORATIVE: collaborative is not None,
            SEGMENT: bool(person.segment),
            POPULARITY: bool(person.popular),
            FRESHNESS: bool(fresh),
        }
        weights = effective_weights(_fallen_back(stages, ask, wanted, present), present)
        queried = photo is not None or bool(interests or session or ask.seeds) or collaborative is not None
        beside = self._beside(person, fresh, queried=queried)
        return Material(ask, weights, photo, taste, interests, session, collaborative, person.segment, beside)

    def _beside(self, person: _Person, fresh: Sequence[str], *, queried: bool) -> Sequence[str]:
        """What is a candidate whatever a search finds."""
        most = self._limits.popular_beside if queried else self._limits.popular
        popular = person.popular[:most]
        if not person.segment_popular and not fresh:
            return popular
        return tuple(dict.fromkeys((*person.segment_popular[:most], *fresh, *popular)))[:MAX_BESIDE]

    async def _photo(self, stages: Stages, ask: Ask, wanted: Mapping[str, float], spaces: Spaces) -> Embedding | None:
        if ask.photo_embedding is not None:
            spaces.visual.require(ask.photo_embedding.space)
            spaces.visual.decode(ask.photo_embedding.data, "photo_vector.data")
        if not wanted[PHOTO]:
            stages.drop(PHOTO, "ZERO_WEIGHT", "the weight of the photo is zero")
            return None
        if ask.photo_embedding is not None:
            return ask.photo_embedding
        embedding = self._embedder.embed(ask.photo, spaces.visual.name, ask.remember_photo)
        return await stages.spare("embed", "embedder", [PHOTO], embedding, self._limits.embed_share)

    async def _person(self, stages: Stages, ask: Ask, wanted: Mapping[str, float], spaces: Spaces) -> _Person:
        """One after the other, since the segment is in the taste; what is popular is remembered and hardly ever
        waits."""
        taste = await self._taste(stages, ask, spaces) if ask.user_id else None
        segment, segment_popular = "", None
        if wanted[SEGMENT] and taste is not None and taste.personalised and taste.segment:
            segment_popular = await self._popular(stages, ask, SEGMENT, taste.segment)
            segment = taste.segment if segment_popular else ""
        if wanted[POPULARITY]:
            popular = await self._popular(stages, ask, POPULARITY, "")
            if popular is not None and not popular:
                where = "of these domains" if ask.domains else "here"
                stages.drop(POPULARITY, "NO_EVENTS", f"nobody has liked anything {where} yet")
        else:
            popular = ()
            stages.drop(POPULARITY, "ZERO_WEIGHT", "the weight of popularity is zero")
        return _Person(taste, popular or (), segment, segment_popular or ())

    async def _taste(self, stages: Stages, ask: Ask, spaces: Spaces) -> Taste | None:
        """Asked for whatever its weight: what was seen is left out all the same."""
        signals = [TASTE] if ask.include_seen else [TASTE, SEEN]
        share = self._limits.profile_share
        embedding = ask.photo is not None

        async def known(space: str) -> Taste | None:
            taste = self._profile.taste(ask.user_id, ask.catalogue, space, beside_photo=embedding)
            return await stages.spare("taste", "profile", signals, taste, share)

        try:
            try:
                return await known(spaces.visual.name)
            except SpaceMismatch:
                # All their events are of another space, which tells what they have seen and not what to search with.
                return await known("")
        except NotFound:
            stages.drop(TASTE, "USER_NOT_FOUND", "nobody of that id is known; PutUser makes them known")
            return None

    async def _popular(self, stages: Stages, ask: Ask, signal: str, segment: str) -> Sequence[str] | None:
        popular = self._profile.popular_ids(ask.catalogue, ask.domains, self._limits.popular, segment)
        try:
            return await stages.spare("popular", "profile", [signal], popular, self._limits.profile_share)
        except NotFound:
            stages.drop(signal, "NO_SEGMENT", "the person's segment is not there any more")
            return None

    async def _fresh(self, stages: Stages, ask: Ask, conditions: Sequence[Condition]) -> Sequence[str]:
        fresh = self._indexer.fresh_ids(ask.catalogue, ask.filter, ask.domains, self._limits.fresh, conditions)
        found = await stages.spare("fresh", "indexer", [FRESHNESS], fresh, self._limits.reasons_share)
        if found is not None and not found:
            stages.drop(FRESHNESS, "NO_TIMES", "nothing that passes has a time")
        return found or ()


def _fallen_back(
    stages: Stages, ask: Ask, wanted: Mapping[str, float], present: Mapping[str, bool]
) -> Mapping[str, float]:
    """Without a segment, what is popular among all stands for what is popular in it."""
    if present[SEGMENT] or not wanted[SEGMENT]:
        return wanted
    if ask.signal_weights.get(SEGMENT):
        stages.drop(SEGMENT, "NO_SEGMENT", "the person is in no segment; what is popular among all stands for it")
    if not wanted[POPULARITY]:
        return wanted
    return {**wanted, POPULARITY: wanted[POPULARITY] + wanted[SEGMENT]}


def _elsewhere(taste: Taste, spaces: Spaces, wanted: Mapping[str, float]) -> str:
    """A space that is not known here, of what is known of the person and wanted; empty: there is none."""
    place = taste.collaborative if wanted[COLLABORATIVE] else None
    if place is not None and (spaces.collaborative is None or spaces.for_vector_of(place.space) is None):
        return place.space
    others = [each.embedding.space for each in taste.interests if each.embedding.space != spaces.visual.name]
    return others[0] if wanted[TASTE] and len(others) == len(taste.interests) > 0 else ""


def _interests(stages: Stages, taste: Taste, spaces: Spaces, wanted: Mapping[str, float]) -> Sequence[Interest]:
    """The interests that can be searched with; when there are none, why."""
    if not taste.personalised:
        stages.drop(TASTE, "NO_CONSENT", "the person has not consented to personalisation")
    elif not taste.interests:
        stages.drop(TASTE, "NO_HISTORY", "the person has not liked anything here yet")
    elif not wanted[TASTE]:
        stages.drop(TASTE, "ZERO_WEIGHT", "the weight of taste is zero")
    elif usable := [interest for interest in taste.interests if interest.embedding.space == spaces.visual.name]:
        return usable
    else:
        stages.drop(TASTE, "SPACE_MISMATCH", f"the taste is not in the catalogue's space {spaces.visual.name}")
    return ()


def _collaborative(
    stages: Stages, ask: Ask, taste: Taste | None, spaces: Spaces, wanted: Mapping[str, float]
) -> Embedding | None:
    """The person's vector in the collaborative space; without, why, where one could be expected."""
    if not wanted[COLLABORATIVE] or not ask.user_id:
        return None
    if spaces.collaborative is None:
        if ask.signal_weights.get(COLLABORATIVE):
            stages.drop(COLLABORATIVE, "NO_SPACE", "the catalogue has no collaborative space")
        return None
    if taste is None or not taste.personalised:
        return None  # which is told of the taste
    if taste.collaborative is None:
        stages.drop(COLLABORATIVE, "NO_VECTOR", "no job has made a collaborative vector for the person yet")
    elif spaces.for_vector_of(taste.collaborative.space) is None:
        stages.drop(
            COLLABORATIVE, "SPACE_MISMATCH", "the person's vector is of a space that the catalogue does not have"
        )
    else:
        return taste.collaborative
    return None


def _session(stages: Stages, ask: Ask, spaces: Spaces, wanted: Mapping[str, float]) -> Sequence[SessionEvent]:
    """The events to search with."""
    if not ask.session:
        return ()
    for number, event in enumerate(ask.session):
        if event.embedding is not None:
            spaces.visual.require(event.embedding.space)
            spaces.visual.decode(event.embedding.data, f"session_events[{number}].photo_vector.data")
    if not wanted[SESSION]:
        stages.drop(SESSION, "ZERO_WEIGHT", "the weight of the session is zero")
        return ()
    return searched(ask.session)
