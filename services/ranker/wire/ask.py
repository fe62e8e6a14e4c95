"""What is asked of the ranker: the contract's request to the domain's."""

from __future__ import annotations

from services.ranker.answer import DEFAULT_N, RECIPROCAL_RANK, WEIGHTED_SUM, Ask, Seed
from services.ranker.finding.session import SessionEvent
from services.ranker.others.ports import Embedding
from services.ranker.scenes.rules import NO_RULES, Boost, PriceBounds, Rules
from visrec.v1 import common_pb2, profile_pb2, ranker_pb2

AHEAD_S = 300.0
"""An event so far ahead of our clock is now, as at the profile service."""

_FUSIONS = {
    ranker_pb2.FUSION_UNSPECIFIED: WEIGHTED_SUM,
    ranker_pb2.FUSION_WEIGHTED_SUM: WEIGHTED_SUM,
    ranker_pb2.FUSION_RECIPROCAL_RANK: RECIPROCAL_RANK,
}
_PERSONAL = ("user_id", "photo", "photo_vector", "session_events")
"""Fields of the request that are not kept."""


def decode_ask(request: ranker_pb2.RecommendRequest, now_s: float) -> Ask:
    """`now_s`: seconds since 1970. Takes what is personal out of `request`, which is its own from then on."""
    return Ask(
        catalogue=request.catalogue,
        n=request.n or DEFAULT_N,
        user_id=request.user_id,
        photo=request.photo if request.HasField("photo") else None,
        photo_embedding=_embedding(request.photo_vector) if request.HasField("photo_vector") else None,
        seeds=[Seed(seed.item_id, seed.weight or 1.0) for seed in request.seeds],
        filter=request.filter if request.HasField("filter") else None,
        domains=list(request.target_domains),
        scene=request.scene,
        signal_weights=dict(request.signal_weights),
        block_weights=dict(request.block_weights),
        diversity=request.diversity,
        explain=request.explain,
        include_seen=request.include_seen,
        exclude=list(request.exclude_item_ids),
        min_version=request.min_version,
        session=[_session_event(event, now_s) for event in request.session_events],
        rules=_rules(request.rules) if request.HasField("rules") else NO_RULES,
        fusion=_FUSIONS.get(request.fusion, f"{request.fusion}"),
        language=request.language or "en",
        remember_photo=request.remember_photo,
        record_impressions=request.record_impressions,
        skip_freezing=request.skip_freezing,
        asked=_without_person(request),  # the last, for it changes the request
    )


def _without_person(request: ranker_pb2.RecommendRequest) -> bytes:
    # A message that was read from the request stays whole when its field is cleared.
    for field in _PERSONAL:
        request.ClearField(field)  # type: ignore[arg-type]
    # Fields that a newer contract has may be personal, too. They are left out of a copy: the filter is the indexer's to
    # judge, with all that it was given.
    kept = ranker_pb2.RecommendRequest()
    kept.CopyFrom(request)
    kept.DiscardUnknownFields()
    return kept.SerializeToString()


def _embedding(vector: common_pb2.Vector) -> Embedding:
    return Embedding(vector.space, vector.data)


def _session_event(event: profile_pb2.Event, now_s: float) -> SessionEvent:
    kind = profile_pb2.EventType.Name(event.type) if event.type in profile_pb2.EventType.values() else ""
    age_s = 0.0
    if event.HasField("time"):
        age_s = now_s - (event.time.seconds + event.time.nanos / 1e9)
        age_s = 0.0 if -AHEAD_S <= age_s < 0 else age_s
    return SessionEvent(
        kind.removeprefix("EVENT_TYPE_").lower(),
        event.item_id,
        _embedding(event.photo_vector) if event.HasField("photo_vector") else None,
        age_s,
    )


def _rules(rules: ranker_pb2.Rules) -> Rules:
    return Rules(
        only_available=rules.only_available,
        prices=(_price(rules.price),) if rules.HasField("price") else (),
        boosts=tuple(Boost(boost.name, boost.field, tuple(boost.values), boost.amount) for boost in rules.boosts),
        max_per_category=rules.max_per_category,
        max_per_group=rules.max_per_group,
        near_duplicate_cosine=rules.near_duplicate_cosine,
    )


def _price(price: ranker_pb2.PriceBounds) -> PriceBounds:
    return PriceBounds(
        price.currency,
        price.at_least if price.HasField("at_least") else None,
        price.at_most if price.HasField("at_most") else None,
    )
