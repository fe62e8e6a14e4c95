"""A shop: somebody photographs a garment and wants it in another colour.

python -m examples.shop garment.jpg --catalogue shop --user anna --at-most 60
"""

from __future__ import annotations

import argparse
import sys

from examples.show import command, show
from visrec.client import Client
from visrec.filters import between, one_of
from visrec.photos import PhotoSource
from visrec.v1 import common_pb2, ranker_pb2

OTHER_COLOUR = {"content": 1.0, "colour": -0.8}
"""Near in what it is, far in its colours: a negative weight pushes away, and no item needs the name of its colour."""


def in_another_colour(
    client: Client, catalogue: str, photo: PhotoSource, *, user: str, at_most: float, currency: str, n: int = 6
) -> ranker_pb2.RecommendResponse:
    """Similar products of another colour, those first that suit the person; in stock, under a price, each product once.
    Raises VisrecCallError."""
    return client.recommend(
        catalogue,
        photo=photo,
        user=user,
        n=n,
        scene="shop",
        block_weights=OTHER_COLOUR,
        rules=ranker_pb2.Rules(
            only_available=True,
            price=ranker_pb2.PriceBounds(currency=currency, at_most=at_most),
            max_per_group=1,
        ),
        explain=True,
    )


def conditions(given: argparse.Namespace) -> list[common_pb2.Condition]:
    """What every item has to pass by these rules."""
    return [
        one_of("availability", "available"),
        one_of("currency", given.currency),
        between("price", at_most=given.at_most),
    ]


def main(arguments: list[str] | None = None) -> int:
    """Asks and shows the answer."""
    parser = command(__doc__)
    parser.add_argument("--user", default="", help="for whom; left out: for nobody in particular")
    parser.add_argument("--at-most", type=float, default=100.0, help="price (default 100)")
    parser.add_argument(
        "--currency", default="EUR", help="of --at-most; items without a price in it are left out (EUR)"
    )

    def ask(client: Client, given: argparse.Namespace) -> ranker_pb2.RecommendResponse:
        return in_another_colour(
            client, given.catalogue, given.photo, user=given.user, at_most=given.at_most, currency=given.currency
        )

    return show(parser, arguments, ask, conditions)


if __name__ == "__main__":
    sys.exit(main())
