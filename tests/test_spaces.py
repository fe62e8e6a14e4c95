"""Vector spaces: what is normalised, what is refused, and that parts are exactly the terms of a score."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from services.errors import InvalidInput, SpaceMismatch
from services.spaces import Block, Space, canonical, encode

SPACE = Space("toy@00000001", (Block("content", 5), Block("colour", 3, 0.5)))
NAMES = [block.name for block in SPACE.blocks]

vectors = arrays.arrays(np.float32, SPACE.dimension, elements=st.floats(-1e3, 1e3, width=32))
weights = st.dictionaries(st.sampled_from(NAMES), st.floats(-10, 10), min_size=1).filter(
    lambda given: sum(map(abs, given.values())) > 1e-3
)


def norms(vector: np.ndarray) -> list[float]:
    """The norm of each block."""
    return [float(np.linalg.norm(vector[at])) for _, at in SPACE.slices()]


@given(vectors)
def test_each_block_of_a_normalised_vector_is_of_unit_norm_or_zero(vector: np.ndarray) -> None:
    for norm in norms(SPACE.normalise(vector)):
        assert norm == 0 or norm == pytest.approx(1, abs=1e-5)


@given(vectors)
def test_normalising_twice_changes_nothing_more(vector: np.ndarray) -> None:
    once = SPACE.normalise(vector)
    np.testing.assert_allclose(SPACE.normalise(once), once, atol=1e-6)


@given(vectors, arrays.arrays(np.float32, (4, SPACE.dimension), elements=st.floats(-1, 1, width=32)), weights)
def test_parts_sum_to_the_inner_product_with_the_weighed_query(
    query: np.ndarray, items: np.ndarray, given_weights: dict[str, float]
) -> None:
    stored = canonical(SPACE.normalise(items))
    weighed = SPACE.weigh(SPACE.normalise(query), SPACE.weights(given_weights))
    parts = SPACE.parts(weighed, stored)
    np.testing.assert_allclose(parts.sum(axis=1), stored.astype(np.float32) @ weighed, atol=1e-6)
    assert np.abs(parts.sum(axis=1)).max() <= 1 + 2e-3


@given(vectors.filter(lambda vector: np.linalg.norm(vector) > 1e-3))
def test_encoding_and_decoding_give_the_normalised_vector(vector: np.ndarray) -> None:
    np.testing.assert_array_equal(SPACE.decode(encode(vector), "vector.data"), SPACE.normalise(vector))


def test_no_weights_mean_the_defaults_of_the_blocks() -> None:
    np.testing.assert_allclose(SPACE.weights({}), [1 / 1.5, 0.5 / 1.5])


def test_a_block_that_is_not_named_weighs_nothing() -> None:
    np.testing.assert_allclose(SPACE.weights({"colour": 2.0}), [0.0, 1.0])


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"content": 0.0, "colour": 0.0}, "ZERO_WEIGHTS"),
        ({"content": float("nan")}, "NOT_FINITE"),
        ({"content": float("inf")}, "NOT_FINITE"),
        ({"shape": 1.0}, "INVALID_INPUT"),
    ],
)
def test_weights_that_compare_nothing_are_refused(wrong: dict[str, float], reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        SPACE.weights(wrong)
    assert refused.value.reason == reason
    assert refused.value.field.startswith("block_weights")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "WRONG_DIMENSION"),
        (encode(np.ones(7, np.float32)), "WRONG_DIMENSION"),
        (encode(np.zeros(8, np.float32)), "ZERO_VECTOR"),
        (encode(np.array([np.nan] * 8, np.float32)), "NOT_FINITE"),
        (encode(np.array([np.inf] + [0] * 7, np.float32)), "NOT_FINITE"),
        (encode(np.full(8, 3e38, np.float32)), "NOT_FINITE"),
    ],
)
def test_a_vector_that_cannot_be_compared_is_refused_with_its_field(data: bytes, reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        SPACE.decode(data, "queries[1].vector.data")
    assert (refused.value.field, refused.value.reason) == ("queries[1].vector.data", reason)


def test_another_space_is_never_compared() -> None:
    SPACE.require("toy@00000001")
    with pytest.raises(SpaceMismatch) as refused:
        SPACE.require("toy@00000002")
    assert refused.value.metadata == {"expected": "toy@00000001", "given": "toy@00000002"}


@pytest.mark.parametrize(
    ("name", "blocks", "field"),
    [
        ("toy", (Block("content", 2),), "space.name"),
        ("toy@00000001", (), "space.blocks"),
        ("toy@00000001", (Block("a", 2), Block("a", 2)), "space.blocks[1].name"),
        ("toy@00000001", (Block("a", 0),), "space.blocks[0].dimension"),
        ("toy@00000001", (Block("a", 4000), Block("b", 97)), "space.blocks"),
        ("toy@00000001", (Block("a", 2, -1.0),), "space.blocks[0].default_weight"),
        ("toy@00000001", (Block("a", 2, 0.0), Block("b", 2, 0.0)), "space.blocks"),
        ("toy@00000001", (Block("a", 2, 1e308), Block("b", 2, 1e308)), "space.blocks"),
    ],
)
def test_a_space_out_of_bounds_is_refused(name: str, blocks: tuple[Block, ...], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Space(name, blocks)
    assert refused.value.field == field
