"""Social media: somebody photographs a monument; places and posts of the kind, fresh ones first.

python -m examples.social tower.jpg --catalogue travel
"""

from __future__ import annotations

import argparse
import sys

from examples.show import command, show
from visrec.client import Client
from visrec.filters import one_of
from visrec.photos import PhotoSource
from visrec.v1 import ranker_pb2

DOMAINS = ["places", "posts"]

FRESH_FIRST = {"freshness": 0.6}
"""Twice what the scene gives to newness: a week makes more of a difference than a slightly better view."""


def places_and_posts(
    client: Client, catalogue: str, photo: PhotoSource, *, user: str = "", n: int = 8
) -> ranker_pb2.RecommendResponse:
    """Only places and posts like the photo, the newer ones of two alike first, not eight times the same view. Raises
    VisrecCallError."""
    return client.recommend(
        catalogue,
        photo=photo,
        user=user,
        n=n,
        scene="social",
        domains=DOMAINS,
        signal_weights=FRESH_FIRST,
        diversity=0.1,
        rules=ranker_pb2.Rules(near_duplicate_cosine=0.98),
        explain=True,
    )


def main(arguments: list[str] | None = None) -> int:
    """Asks and shows the answer."""
    parser = command(__doc__)
    parser.add_argument("--user", default="", help="for whom; left out: for nobody in particular")

    def ask(client: Client, given: argparse.Namespace) -> ranker_pb2.RecommendResponse:
        return places_and_posts(client, given.catalogue, given.photo, user=given.user)

    return show(parser, arguments, ask, lambda _: [one_of("domain", *DOMAINS)])


if __name__ == "__main__":
    sys.exit(main())
