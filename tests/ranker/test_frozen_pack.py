"""A frozen result comes back as it was, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from services.ranker.answer import Dropped
from services.ranker.frozen.pack import pack, unpack
from services.ranker.frozen.result import Frozen, Versions
from services.ranker.others.ports import Source
from services.ranker.ranking import Column, Ranking

SOURCES = {"interest-1": [Source("lamp", "like"), Source("", "stated", "glass")], "seed-1": [Source("sofa", "")]}
VERSIONS = Versions("visual@1", "model", "7-1", "builtin-1+2", "curves-1", "")
numbers = st.floats(allow_nan=False, allow_infinity=False, width=64)


def frozen(ranking: Ranking) -> Frozen:
    return Frozen(
        time_ms=1_000_000,
        keep_ms=60_000,
        catalogue="shop",
        asked=b"\0\xff asked",
        n=3,
        language="zh",
        scene="art",
        used={"taste": 0.75, "popularity": 0.25},
        blocks={"content": 1.0},
        dropped=[Dropped("photo", "DEADLINE_EXCEEDED", "the embedder did not answer in time")],
        versions=VERSIONS,
        ranking=ranking,
        sources=SOURCES,
        nearest={"item-0": {"interest-1": Source("lamp", "like")}},
        confidence=0.1 + 0.2,
    )


@st.composite
def rankings(draw: st.DrawFn) -> Ranking:
    rows, columns = draw(st.integers(0, 12)), draw(st.integers(0, 6))
    weights = draw(arrays.arrays(np.float64, (rows, columns), elements=st.sampled_from([0.0, 0.5, -0.25]) | numbers))
    values = draw(arrays.arrays(np.float64, (rows, columns), elements=numbers))
    scores = draw(arrays.arrays(np.float64, (rows,), elements=numbers))
    return Ranking(
        [f"item-{row}" for row in range(rows)],
        scores,
        [Column("taste", f"interest-{column}", "content") for column in range(columns)],
        weights,
        values,
    )


@given(rankings())
def test_what_is_packed_comes_back(ranking: Ranking) -> None:
    told = frozen(ranking)
    back = unpack(pack(told))
    assert back is not None
    for row in range(len(ranking)):
        assert back.ranking.parts(row) == ranking.parts(row)
    assert back.ranking.ids == ranking.ids
    assert back.ranking.columns == ranking.columns
    assert back.ranking.scores.tobytes() == ranking.scores.tobytes()
    others = (field for field in vars(told) if field != "ranking")
    assert {field: getattr(back, field) for field in others} == {
        field: getattr(told, field) for field in vars(told) if field != "ranking"
    }


def test_another_version_is_not_read() -> None:
    packed = pack(frozen(Ranking([], np.zeros(0), [], np.zeros((0, 0)), np.zeros((0, 0)))))
    assert unpack(b"2" + packed[1:]) is None


@pytest.mark.parametrize("even", [True, False])
def test_a_hundred_items_stay_small(even: bool) -> None:
    weights = np.zeros((100, 12))
    weights[:, :4] = 0.5 if even else np.linspace(0.1, 0.9, 400).reshape(100, 4)
    ranking = Ranking(
        [f"item-{row:08}" for row in range(100)],
        np.linspace(1, 0, 100),
        [Column("taste", f"interest-{column // 2}", "content") for column in range(12)],
        weights,
        np.ones((100, 12)),
    )
    assert len(pack(frozen(ranking))) < (7_000 if even else 10_000)


def test_what_an_item_is_close_to_is_the_nearest_source_or_else_the_strongest() -> None:
    told = frozen(Ranking([], np.zeros(0), [], np.zeros((0, 0)), np.zeros((0, 0))))
    assert told.sources_of("item-0")["interest-1"] == Source("lamp", "like")
    assert told.sources_of("item-9") == {"interest-1": Source("lamp", "like"), "seed-1": Source("sofa", "")}
