"""Broken and hostile picture files, made by code and the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Final

from PIL import Image

from tests.embedder.pictures import encode, image
from tests.fuzz import bmps, gifs, jpegs, pngs, strangers, webps
from tests.fuzz.case import Case
from tests.fuzz.damage import damaged
from tests.fuzz.structure import parts

NAMED: Final[dict[str, Case]] = {
    f"{room}: {name}": case
    for room, cases in (
        ("PNG", pngs.CASES),
        ("JPEG", jpegs.CASES),
        ("GIF", gifs.CASES),
        ("WebP", webps.CASES),
        ("BMP", bmps.CASES),
        ("other", strangers.CASES),
    )
    for name, case in cases.items()
}
"""Made by hand, each for one weakness that decoders have had or may have."""

GOOD: Final[dict[str, Callable[[], bytes]]] = {
    "JPEG": jpegs.good,
    "progressive JPEG": jpegs.progressive,
    "CMYK JPEG": jpegs.cmyk,
    "JPEG with EXIF": lambda: encode(image(), "JPEG", exif=_turned()),
    "PNG": pngs.good,
    "RGBA PNG": lambda: encode(image(mode="RGBA"), "PNG"),
    "palette PNG": lambda: encode(image(mode="P"), "PNG", transparency=0),
    "PNG with EXIF": lambda: encode(image(), "PNG", exif=_turned()),
    "interlaced PNG": lambda: pngs.bomb(80, 60, interlace=1),
    "animated PNG": lambda: encode(image(), "PNG", save_all=True, append_images=[image(seed=1)]),
    "GIF": gifs.good,
    "animated GIF": lambda: encode(image(), "GIF", save_all=True, append_images=[image(seed=1)], transparency=0),
    "lossy WebP": webps.lossy,
    "lossless WebP": webps.lossless,
    "WebP with alpha": webps.with_alpha,
    "animated WebP": webps.animation,
    "BMP": bmps.good,
    "palette BMP": lambda: encode(image(mode="P"), "BMP"),
    "RLE8 BMP": lambda: bmps.runs(b"\x50\1\0\0" * 60 + b"\0\1"),
    "RLE4 BMP": lambda: bmps.runs(b"\x50\x12\0\0" * 60 + b"\0\1", compression=bmps.RLE4),
}
"""What is damaged."""


@dataclass(frozen=True)
class Hostile:
    """A file, how it was made, and whether it must be `refused`; otherwise it may be read."""

    name: str
    data: bytes
    refused: bool = False


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def named(*, slow: bool) -> Iterator[Hostile]:
    """All that were made by hand; `slow`: also those that something has to end."""
    for name, case in NAMED.items():
        if slow or not case.slow:
            yield Hostile(name, case.make(), case.refused)


def cuts() -> Iterator[Hostile]:
    """Each good file, cut at each of its parts."""
    for name, whole in _wholes().items():
        at = 0
        for number, part in enumerate(whole[:-1]):
            at += len(part)
            yield Hostile(f"{name}, cut after part {number}", b"".join(whole)[:at])


def mutated(seed: int, start: int = 0) -> Iterator[Hostile]:
    """Good files, damaged; without end. Each has its own number, so that one can be made without those before it."""
    wholes = _wholes()
    names = list(wholes)
    for number in count(start):
        name = names[number % len(names)]
        yield Hostile(
            f"{name}, damage {number} of seed {seed}", damaged(random.Random(f"{seed} {number}"), wholes[name])
        )


def corpus(total: int, seed: int, start: int = 0) -> Iterator[Hostile]:
    """`total` files, those before `start` left out: all that are made by hand and all cuts, as far as they fit, evenly
    among damaged ones."""
    chosen: list[str | Hostile] = [*NAMED, *cuts()]
    random.Random(seed).shuffle(chosen)
    del chosen[total:]
    for number in range(start, total):
        before = number * len(chosen) // total
        if (number + 1) * len(chosen) // total > before:
            one = chosen[before]
            yield one if isinstance(one, Hostile) else Hostile(one, NAMED[one].make(), NAMED[one].refused)
        else:
            yield next(mutated(seed, number - before))


@cache
def _wholes() -> dict[str, list[bytes]]:
    return {name: parts(make()) for name, make in GOOD.items()}
