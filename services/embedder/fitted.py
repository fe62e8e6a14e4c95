"""What was fitted once on varied pictures and ships with the model: activation ranges, means, and a known answer.

Fitted on pictures that no evaluation uses, never on the catalogue that is searched: a mean that moved with the
catalogue would make yesterday's vectors incomparable. `python -m services.embedder.fit` writes the file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

LITE0: Final = Path(__file__).with_name("lite0.json")

_DIGITS: Final = 6
"""Significant digits that are written: well below the rounding of float16, and the file stays readable."""


@dataclass(frozen=True)
class Fitted:
    """`source` says in words which pictures, `pictures` how many.

    `ranges` is (least, greatest) per tensor of the network; `content_mean` and `content_deviation` (256,) are along the
    head's directions; `colour_mean` is (64,). `canary` maps a precision to the vector of the built-in canary picture.
    """

    source: str
    pictures: int
    ranges: Mapping[str, tuple[float, float]]
    content_mean: NDArray[np.float64]
    content_deviation: NDArray[np.float64]
    colour_mean: NDArray[np.float64]
    canary: Mapping[str, NDArray[np.float64]]

    @classmethod
    def load(cls, path: Path = LITE0) -> Fitted:
        """Raises OSError, or ValueError, KeyError when it is not such a file."""
        read = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            source=read["source"],
            pictures=read["pictures"],
            ranges={name: (low, high) for name, (low, high) in read["ranges"].items()},
            content_mean=np.array(read["content_mean"]),
            content_deviation=np.array(read["content_deviation"]),
            colour_mean=np.array(read["colour_mean"]),
            canary={precision: np.array(vector) for precision, vector in read["canary"].items()},
        )

    def save(self, path: Path) -> None:
        """Writes the file, one key a line."""
        fields = {
            "source": self.source,
            "pictures": self.pictures,
            "ranges": {name: [_rounded(low), _rounded(high)] for name, (low, high) in self.ranges.items()},
            "content_mean": [_rounded(value) for value in self.content_mean],
            "content_deviation": [_rounded(value) for value in self.content_deviation],
            "colour_mean": [_rounded(value) for value in self.colour_mean],
            "canary": {name: [_rounded(value) for value in vector] for name, vector in self.canary.items()},
        }
        lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in fields.items())
        path.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
