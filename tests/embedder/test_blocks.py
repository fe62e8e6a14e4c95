"""The blocks of the space: what they respond to and what they must not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from services.embedder import colour, content
from services.embedder.framing import Pixels
from tests.embedder.pictures import waves


def plain(rgb: tuple[int, int, int], side: int = 64) -> Pixels:
    return np.full((side, side, 3), rgb, dtype=np.uint8)


def thing(rgb: tuple[int, int, int], backdrop: tuple[int, int, int]) -> Pixels:
    """A square of one colour in the middle of another."""
    picture = plain(backdrop)
    picture[12:52, 12:52] = rgb
    return picture


RED, BLUE, WHITE, GREY = (200, 30, 30), (30, 40, 190), (250, 250, 250), (128, 128, 128)


@pytest.mark.parametrize(
    ("srgb", "lab"),
    [
        ((255, 255, 255), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((255, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 0, 255), (32.30, 79.19, -107.86)),
        ((119, 119, 119), (50.03, 0, 0)),
    ],
)
def test_lab_agrees_with_published_values(srgb: tuple[float, ...], lab: tuple[float, ...]) -> None:
    np.testing.assert_allclose(colour.to_lab(np.array(srgb, dtype=np.float64)), lab, atol=0.05)


@given(arrays(np.uint8, (2, 24, 24, 3), elements=st.integers(0, 255)))
def test_a_palette_is_a_unit_vector_without_negative_parts(pixels: Pixels) -> None:
    found = colour.describe(pixels)
    assert found.shape == (2, colour.DIMENSION)
    assert found.dtype == np.float32
    assert (found >= 0).all()
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_a_palette_does_not_depend_on_where_a_colour_is() -> None:
    picture = waves(64, 64)
    found = colour.describe(np.stack([picture, picture[::-1, ::-1]]))
    # Every third pixel is looked at, and turning the picture chooses the others.
    assert found[0] @ found[1] > 0.999


def test_the_thing_counts_and_not_its_plain_backdrop() -> None:
    pictures = np.stack([thing(RED, WHITE), thing(RED, GREY), thing(BLUE, WHITE)])
    red_on_white, red_on_grey, blue_on_white = colour.describe(pictures)
    assert red_on_white @ red_on_grey > 0.8
    assert red_on_white @ blue_on_white < 0.5


def test_a_thing_in_the_colour_of_its_backdrop_still_has_a_colour() -> None:
    white, red = colour.describe(np.stack([plain(WHITE), plain(RED)]))
    assert white @ red < 0.1


def test_slightly_different_colours_are_nearly_the_same_palette() -> None:
    one, other = colour.describe(np.stack([plain((200, 30, 30)), plain((192, 38, 30))]))
    assert one @ other > 0.9


def test_the_directions_are_orthonormal_and_signed_by_their_largest_entry() -> None:
    classifier = np.random.default_rng(0).normal(size=(400, 300)).astype(np.float32)
    found = content.directions(classifier, 256)
    np.testing.assert_allclose(found @ found.T, np.eye(256), atol=1e-9)
    assert (found.max(axis=1) > -found.min(axis=1)).all()


def test_the_directions_do_not_see_what_all_classes_share() -> None:
    classifier = np.random.default_rng(0).normal(size=(400, 300)).astype(np.float32)
    np.testing.assert_allclose(content.directions(classifier, 256), content.directions(classifier + 1, 256), atol=1e-3)


def test_the_head_centres_and_scales_each_direction() -> None:
    generator = np.random.default_rng(0)
    classifier = generator.normal(size=(400, 300)).astype(np.float32)
    features = generator.normal(2, 3, size=(2000, 300)).astype(np.float32)
    along = features @ content.directions(classifier, 256).T
    block = content.head(classifier, along.mean(axis=0), along.std(axis=0))(features)
    np.testing.assert_allclose(block.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(block.std(axis=0), 1, atol=1e-3)
