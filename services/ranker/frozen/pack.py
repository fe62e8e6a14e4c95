"""A frozen result in few bytes: a head in JSON, the request, and the numbers as they are.

Of a column's weights those that are not zero are mostly equal, so one of them is kept; of the values those that count.
Nothing is rounded: what is read back is what was shown, to the last bit.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.ranker.answer import Dropped
from services.ranker.frozen.result import Frozen, Versions
from services.ranker.others.ports import Source
from services.ranker.ranking import Column, Float64, Ranking
from services.ranker.scenes.scene import Exposure

FORMAT = b"1"
"""The first byte. Another one was written by another version, and is not read."""

_HEAD_BYTES = 4
_BETWEEN = "\n"
"""Two ids."""

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False).encode


def pack(frozen: Frozen) -> bytes:
    """What `unpack` reads."""
    ranking = frozen.ranking
    counts = ranking.weights != 0.0
    # Ids have no control characters, and are told in a tenth of the time that JSON takes for them.
    ids = _BETWEEN.join(ranking.ids).encode()
    shared = _first(ranking.weights, counts)
    even = bool(((ranking.weights == shared) | ~counts).all())
    head = _encode(
        {
            "time_ms": frozen.time_ms,
            "keep_ms": frozen.keep_ms,
            "catalogue": frozen.catalogue,
            "user_id": frozen.user_id,
            "asked": len(frozen.asked),
            "n": frozen.n,
            "language": frozen.language,
            "scene": frozen.scene,
            "exposure": [frozen.exposure.experiment, frozen.exposure.variant],
            "confidence": frozen.confidence,
            "used": dict(frozen.used),
            "blocks": dict(frozen.blocks),
            "dropped": [(each.signal, each.reason, each.message) for each in frozen.dropped],
            "versions": list(vars(frozen.versions).values()),
            "sources": {query: [_told(source) for source in some] for query, some in frozen.sources.items()},
            "nearest": {
                item_id: {query: _told(source) for query, source in some.items()}
                for item_id, some in frozen.nearest.items()
            },
            "ids": len(ids),
            "columns": [(column.signal, column.query, column.block) for column in ranking.columns],
            "even": even,
        }
    ).encode()
    numbers = np.concatenate((shared if even else ranking.weights[counts], ranking.values[counts], ranking.scores))
    size = len(head).to_bytes(_HEAD_BYTES, "little")
    mask = np.packbits(counts).tobytes()
    return b"".join((FORMAT, size, head, ids, frozen.asked, mask, numbers.astype("<f8", copy=False).tobytes()))


def unpack(packed: bytes) -> Frozen | None:
    """None for what another version of this service has written."""
    if packed[:1] != FORMAT:
        return None
    start = 1 + _HEAD_BYTES
    end = start + int.from_bytes(packed[1:start], "little")
    head = json.loads(packed[start:end])
    ids = packed[end : end + head["ids"]]
    end += len(ids)
    asked = packed[end : end + head["asked"]]
    return Frozen(
        time_ms=head["time_ms"],
        keep_ms=head["keep_ms"],
        catalogue=head["catalogue"],
        user_id=head["user_id"],
        asked=asked,
        n=head["n"],
        language=head["language"],
        scene=head["scene"],
        exposure=Exposure(*head.get("exposure", ())),
        confidence=head.get("confidence"),
        used=head["used"],
        blocks=head["blocks"],
        dropped=[Dropped(*each) for each in head["dropped"]],
        versions=Versions(*head["versions"]),
        ranking=_ranking(ids.decode().split(_BETWEEN) if ids else [], head, packed[end + len(asked) :]),
        sources={query: [Source(*each) for each in some] for query, some in head["sources"].items()},
        nearest={
            item_id: {query: Source(*each) for query, each in some.items()} for item_id, some in head["nearest"].items()
        },
    )


def _ranking(ids: list[str], head: dict[str, Any], packed: bytes) -> Ranking:
    shape = len(ids), len(head["columns"])
    cells = shape[0] * shape[1]
    mask_bytes = -(-cells // 8)
    counts = np.unpackbits(np.frombuffer(packed, np.uint8, mask_bytes), count=cells).astype(bool).reshape(shape)
    numbers = np.frombuffer(packed, "<f8", offset=mask_bytes).astype(np.float64)
    many = int(counts.sum())
    own = shape[1] if head["even"] else many
    weights, values = np.zeros(shape), np.zeros(shape)
    weights[counts] = np.broadcast_to(numbers[:own], shape)[counts] if head["even"] else numbers[:own]
    values[counts] = numbers[own : own + many]
    columns = [Column(*each) for each in head["columns"]]
    return Ranking(ids, numbers[own + many :], columns, weights, values)


def _first(weights: Float64, counts: NDArray[np.bool_]) -> Float64:
    """(c,): of each column the first weight that is not zero, or 0."""
    if not weights.size:
        return np.zeros(weights.shape[1])
    first: Float64 = weights[counts.argmax(axis=0), np.arange(weights.shape[1])]
    return first


def _told(source: Source) -> Sequence[str]:
    return (source.item_id, source.event, source.word) if source.word else (source.item_id, source.event)
