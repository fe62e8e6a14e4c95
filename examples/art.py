"""Art and design: a painting; what was made in the same style, and what has its palette and shows something else.

python -m examples.art painting.jpg --catalogue museum
python -m examples.art painting.jpg --catalogue museum --palette
"""

from __future__ import annotations

import argparse
import sys

from examples.show import command, show
from visrec.client import Client
from visrec.photos import PhotoSource
from visrec.v1 import ranker_pb2

STYLE = {"style": 1.0}
PALETTE = {"colour": 1.0, "content": -1.0}
"""The same colours, and a subject that is as different as may be."""


def same_style(client: Client, catalogue: str, photo: PhotoSource, *, n: int = 6) -> ranker_pb2.RecommendResponse:
    """What looks as if it was made in the same way, whatever it shows. Raises VisrecCallError."""
    return _asked(client, catalogue, photo, STYLE, n)


def same_palette(client: Client, catalogue: str, photo: PhotoSource, *, n: int = 6) -> ranker_pb2.RecommendResponse:
    """What has the palette and another subject. Raises VisrecCallError."""
    return _asked(client, catalogue, photo, PALETTE, n)


def _asked(
    client: Client, catalogue: str, photo: PhotoSource, blocks: dict[str, float], n: int
) -> ranker_pb2.RecommendResponse:
    return client.recommend(
        catalogue,
        photo=photo,
        n=n,
        scene="art",
        block_weights=blocks,
        signal_weights={"popularity": 0.0},  # a wall is not hung by what others like
        explain=True,
    )


def main(arguments: list[str] | None = None) -> int:
    """Asks and shows the answer."""
    parser = command(__doc__)
    parser.add_argument("--palette", action="store_true", help="the palette with another subject, not the style")

    def ask(client: Client, given: argparse.Namespace) -> ranker_pb2.RecommendResponse:
        return (same_palette if given.palette else same_style)(client, given.catalogue, given.photo)

    return show(parser, arguments, ask)


if __name__ == "__main__":
    sys.exit(main())
