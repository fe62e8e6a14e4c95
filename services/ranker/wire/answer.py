"""What the ranker answers: the domain's answers to the contract's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from services.ranker.answer import Answer, Dropped, Recommended, ToldReason
from services.ranker.frozen.archive import Shown, ShownItem
from services.ranker.frozen.result import Frozen
from services.ranker.others.ports import Opaque
from services.ranker.ranking import Part, signal_values
from services.ranker.reasons.explain import Explanation
from services.ranker.scenes.experiment import Experiment, Variant
from services.ranker.scenes.scene import Scene
from visrec.v1 import common_pb2, indexer_pb2, ranker_pb2


def encode_answer(answer: Answer, dropped: Sequence[Dropped]) -> ranker_pb2.RecommendResponse:
    """An answer of now. `dropped`: all that was left out of it and after it."""
    return ranker_pb2.RecommendResponse(
        recommendation_id=answer.recommendation_id,
        recommendations=[
            _recommended(item, rank, answer.used) for rank, item in enumerate(answer.recommended, start=1)
        ],
        used=_used(answer.used),
        dropped=_dropped(dropped),
        scene=answer.scene,
        provenance=ranker_pb2.Provenance(
            space=answer.space,
            model_digest=answer.model_digest,
            index_version=answer.index_version,
            weights_version=answer.weights_version,
            calibration_version=answer.calibration_version,
            collaborative_space=answer.collaborative_space,
        ),
        costs=_costs(answer.costs),
        next_page_token=answer.next_page_token,
        experiment=answer.exposure.experiment,
        variant=answer.exposure.variant,
        confidence=answer.confidence,
    )


def shown_ids(answer: Answer) -> list[str]:
    """Ids of the items of an answer."""
    return [item.item_id for item in answer.recommended]


def encode_shown(shown: Shown) -> ranker_pb2.RecommendResponse:
    """A part of a frozen result."""
    frozen = shown.frozen
    versions = frozen.versions
    return ranker_pb2.RecommendResponse(
        recommendation_id=shown.recommendation_id,
        recommendations=[_shown(item, frozen) for item in shown.items],
        used=_used(frozen.used),
        dropped=_dropped(shown.dropped),
        scene=frozen.scene,
        provenance=ranker_pb2.Provenance(
            space=versions.space,
            model_digest=versions.model_digest,
            index_version=versions.index,
            weights_version=versions.weights,
            calibration_version=versions.calibration,
            collaborative_space=versions.collaborative_space,
        ),
        costs=_costs(shown.costs),
        next_page_token=shown.next_page_token,
        experiment=frozen.exposure.experiment,
        variant=frozen.exposure.variant,
        confidence=frozen.confidence,
    )


def encode_recommendation(shown: Shown) -> ranker_pb2.GetRecommendationResponse:
    """A frozen result with what is known of it as a whole."""
    response = ranker_pb2.GetRecommendationResponse(
        shown=encode_shown(shown), asked=ranker_pb2.RecommendRequest.FromString(shown.frozen.asked)
    )
    response.time.FromMilliseconds(shown.frozen.time_ms)
    response.expire_time.FromMilliseconds(shown.frozen.time_ms + shown.frozen.keep_ms)
    return response


def encode_explanation(explanation: Explanation) -> ranker_pb2.ExplainResponse:
    """Why an item is where it is."""
    response = ranker_pb2.ExplainResponse(
        recommendation=_shown(explanation.item, explanation.frozen),
        counterfactual=explanation.text,
        changes=[
            ranker_pb2.Counterfactual(
                signal=change.signal,
                weight=change.weight,
                weight_needed=change.weight_needed,
                leaves=change.leaves,
                other_item_id=change.other_item_id,
            )
            for change in explanation.changes
        ],
    )
    if seen := explanation.map:
        response.rows, response.columns = seen.rows, seen.columns
        response.evidence.extend(seen.values.tolist())
        response.evidence_offset, response.evidence_block = seen.offset, seen.block
    return response


def encode_scene(scene: Scene) -> ranker_pb2.Scene:
    """A scene and its weights."""
    return ranker_pb2.Scene(
        name=scene.name,
        description=scene.description,
        signal_weights=scene.signals,
        block_weights=scene.blocks,
        experiment=_experiment(scene.experiment) if scene.experiment else None,
    )


def _experiment(experiment: Experiment) -> ranker_pb2.Experiment:
    variants = [
        ranker_pb2.Variant(name=each.name, share=each.share, signal_weights=each.signals, block_weights=each.blocks)
        for each in experiment.variants
    ]
    return ranker_pb2.Experiment(name=experiment.name, variants=variants)


def decode_scene(scene: ranker_pb2.Scene) -> Scene:
    """One that is to be put."""
    variants = [
        Variant(each.name, each.share, dict(each.signal_weights), dict(each.block_weights))
        for each in scene.experiment.variants
    ]
    return Scene(
        scene.name,
        scene.description,
        dict(scene.signal_weights),
        dict(scene.block_weights),
        experiment=Experiment(scene.experiment.name, variants) if scene.HasField("experiment") else None,
    )


def _recommended(item: Recommended, rank: int, used: Mapping[str, float]) -> ranker_pb2.Recommendation:
    if not item.parts:
        return ranker_pb2.Recommendation(item=_item(item.item, item.item_id), rank=rank, score=item.score)
    return ranker_pb2.Recommendation(
        item=_item(item.item, item.item_id),
        rank=rank,
        score=item.score,
        parts=_parts(item.parts),
        reasons=_reasons(item.reasons),
        signal_values=signal_values(item.parts, used),
    )


def _shown(item: ShownItem, frozen: Frozen) -> ranker_pb2.Recommendation:
    return ranker_pb2.Recommendation(
        item=_item(item.payload, item.item_id),
        rank=item.rank,
        score=item.score,
        parts=_parts(item.parts),
        reasons=_reasons(item.reasons),
        signal_values=signal_values(item.parts, frozen.used),
    )


def _item(payload: Opaque | None, item_id: str) -> indexer_pb2.Item:
    """Of one that is not there any more, or cannot be read now, there is its id."""
    return indexer_pb2.Item(id=item_id) if payload is None else cast("indexer_pb2.Item", payload)


def _parts(parts: Iterable[Part]) -> list[ranker_pb2.ScorePart]:
    return [
        ranker_pb2.ScorePart(
            signal=part.signal,
            query=part.query,
            block=part.block,
            weight=part.weight,
            value=part.value,
            contribution=part.contribution,
        )
        for part in parts
    ]


def _reasons(reasons: Iterable[ToldReason]) -> list[ranker_pb2.Reason]:
    return [
        ranker_pb2.Reason(
            kind=ranker_pb2.ReasonKind.Value(f"REASON_KIND_{reason.kind}"),
            text=reason.text,
            item_id=reason.item_id,
            contribution=reason.contribution,
        )
        for reason in reasons
    ]


def _used(used: Mapping[str, float]) -> list[ranker_pb2.UsedSignal]:
    return [ranker_pb2.UsedSignal(signal=signal, weight=weight) for signal, weight in used.items()]


def _dropped(dropped: Iterable[Dropped]) -> list[ranker_pb2.DroppedSignal]:
    return [ranker_pb2.DroppedSignal(signal=each.signal, reason=each.reason, message=each.message) for each in dropped]


def _costs(costs: Mapping[str, float]) -> list[common_pb2.StageCost]:
    return [common_pb2.StageCost(stage=stage, ms=ms) for stage, ms in costs.items()]
