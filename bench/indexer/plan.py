"""What is to be measured, and at which sizes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

Section = Literal["cost", "peers", "recall", "growth"]
SECTIONS: tuple[Section, ...] = get_args(Section)
WORDS = {"freshness": "growth"}
"""Further names: freshness, memory and restarts are measured as the catalogue grows."""

USUAL: dict[Section, tuple[int, ...]] = {
    "cost": (100_000,),
    "peers": (100_000,),
    "recall": (10_000, 100_000),
    "growth": (10_000, 100_000),
}
FULL: dict[Section, tuple[int, ...]] = {
    "cost": (100_000, 1_000_000),
    "peers": (100_000,),
    "recall": (10_000, 100_000, 1_000_000),
    "growth": (10_000, 100_000, 1_000_000),
}

SYNTHETIC, FASHION, _ = DATA = ("synthetic", "fashion-mnist", "photos")


@dataclass(frozen=True)
class Plan:
    """`sizes` of each section, none for one that is left out. `data`: the sets that recall is measured with."""

    sizes: dict[Section, tuple[int, ...]]
    data: tuple[str, ...]
    seconds: float

    @classmethod
    def of(cls, options: argparse.Namespace) -> Plan:
        """What was asked for on the command line."""
        usual = FULL if options.full else USUAL
        sizes = {each: (options.items or usual[each]) if each in options.only else () for each in SECTIONS}
        return cls(sizes, tuple(options.data), options.seconds)

    def at(self, size: int) -> list[Section]:
        """Sections that share one filled catalogue of that size, of synthetic rows."""
        return [each for each in self._sharing if size in self.sizes[each]]

    @property
    def shared_sizes(self) -> list[int]:
        """Those of all such catalogues."""
        return sorted({size for each in self._sharing for size in self.sizes[each]})

    @property
    def further_data(self) -> tuple[str, ...]:
        """Sets that recall is measured with as well, each in a catalogue of its own."""
        return tuple(each for each in self.data if each != SYNTHETIC) if self.sizes["recall"] else ()

    @property
    def _sharing(self) -> list[Section]:
        return [each for each in SECTIONS if each != "growth" and (each != "recall" or SYNTHETIC in self.data)]


def parser(doc: str | None) -> argparse.ArgumentParser:
    """Of the command line."""
    found = argparse.ArgumentParser(
        prog="python -m bench.indexer", description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    found.add_argument(
        "--only", type=sections, default=SECTIONS, help=f"some of {','.join(SECTIONS)},freshness (default all)"
    )
    found.add_argument(
        "--items", type=numbers, help="rows, such as 10000,100000; by default each section has its own sizes"
    )
    found.add_argument("--full", action="store_true", help="up to a million rows: an hour or more")
    found.add_argument("--data", type=sets, default=DATA, help=f"some of {','.join(DATA)}, for recall (default all)")
    found.add_argument("--seconds", type=float, default=3.0, help="each load takes (default 3)")
    return found


def sections(text: str) -> tuple[Section, ...]:
    """Raises argparse.ArgumentTypeError for one that there is not."""
    wanted = {WORDS.get(word, word) for word in text.split(",")}
    if unknown := wanted - set(SECTIONS):
        raise argparse.ArgumentTypeError(f"no such section: {', '.join(sorted(unknown))}")
    return tuple(each for each in SECTIONS if each in wanted)


def sets(text: str) -> Sequence[str]:
    """Raises argparse.ArgumentTypeError for one that there is not."""
    if unknown := set(text.split(",")) - set(DATA):
        raise argparse.ArgumentTypeError(f"no such data: {', '.join(sorted(unknown))}")
    return tuple(each for each in DATA if each in text.split(","))


def numbers(text: str) -> tuple[int, ...]:
    """Raises ValueError unless all are positive."""
    found = tuple(sorted({int(word) for word in text.split(",")}))
    if found[0] <= 0:
        raise ValueError(text)
    return found
