"""Clothes in the palette of a painting: products whose colour, as their shop names it, is the painting's.

A painting's colour is the name that most of its colourful pixels have, by hue alone; one of which hardly any pixel is
colourful has none. Neither the network nor the block `colour` has a part in that: the block is a histogram that knows
no names, and what a product is called somebody has written.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.quality.picture import Picture, square
from bench.quality.trips import Trip

COLOURS = ("Red", "Orange", "Yellow", "Green", "Blue", "Purple")
ENDS = (15.0, 45.0, 70.0, 165.0, 260.0, 335.0)
"""Degrees of hue up to which each of them goes; red begins again behind the last."""

LEAST_SATURATION, LEAST_VALUE = 0.3, 0.25
"""Of a colourful pixel; the others are grey, white or black to most people."""
LEAST_SHARE = 0.15
"""Of all pixels that have to be of the colour."""


def palette(name: str, pictures: Sequence[Picture], clothes: Sequence[Picture]) -> Trip:
    """From each picture to the clothes of its colour; clothes of no colour that has a hue are left out."""
    target = [each for each in clothes if each.labels.get("colour") in COLOURS]
    colours = [colour(np.asarray(square(each.file()).convert("HSV"))) for each in pictures]
    right = np.array([[each.labels["colour"] == wanted for each in target] for wanted in colours])
    return Trip(name, pictures, target, right.reshape(len(pictures), len(target)))


def colour(pixels: NDArray[np.uint8]) -> str:
    """(height, width, 3) of hue, saturation and value to the name; empty: none."""
    hue, saturation, value = (pixels.reshape(-1, 3) / 255.0).T
    colourful = (saturation >= LEAST_SATURATION) & (value >= LEAST_VALUE)
    names = np.digitize(hue[colourful] * 360.0, ENDS) % len(COLOURS)
    counts = np.bincount(names, minlength=len(COLOURS))
    return COLOURS[int(counts.argmax())] if counts.max() >= LEAST_SHARE * len(hue) else ""
