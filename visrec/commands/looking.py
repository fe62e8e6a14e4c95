"""visrec similar and popular: what to look at next, and the options that say what."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from visrec import tables
from visrec.commands.absence import why_nothing
from visrec.commands.session import CatalogueOption, CountOption, JsonOption, Session, session_of
from visrec.filters import all_of, between, one_of
from visrec.v1 import common_pb2, indexer_pb2, profile_pb2

ONLY = "Only some items"
"""Heading of the options that leave items out."""
CURRENCY = re.compile("[A-Z]{3}")
"""Of ISO 4217."""

COUNTS = "What counts"
"""Heading of those that weigh."""

PhotoOption = Annotated[Path | None, typer.Option("--photo", help="A photo to look like.", metavar="FILE")]
BlockOption = Annotated[
    list[str] | None,
    typer.Option(
        "--block",
        help="What likeness means, as NAME=WEIGHT: content=1, colour=2, style=1. May be given again; a block that is "
        "not named counts nothing.",
        rich_help_panel=COUNTS,
    ),
]
CategoryOption = Annotated[
    list[str] | None,
    typer.Option("--category", help="Only this category; may be given again.", rich_help_panel=ONLY),
]
DomainOption = Annotated[
    list[str] | None, typer.Option("--domain", help="Only this domain; may be given again.", rich_help_panel=ONLY)
]
MinPriceOption = Annotated[
    float | None,
    typer.Option(
        "--min-price", min=0, metavar="PRICE", help="Only items of at least this price.", rich_help_panel=ONLY
    ),
]
MaxPriceOption = Annotated[
    float | None,
    typer.Option("--max-price", min=0, metavar="PRICE", help="Only items of at most this price.", rich_help_panel=ONLY),
]
CurrencyOption = Annotated[
    str, typer.Option("--currency", help="Only prices in this currency, such as EUR.", rich_help_panel=ONLY)
]


def similar(
    context: typer.Context,
    *,
    catalogue: CatalogueOption,
    photo: PhotoOption = None,
    item: Annotated[str, typer.Option("--item", help="Or an item of the catalogue.", metavar="ID")] = "",
    count: CountOption = 10,
    block: BlockOption = None,
    category: CategoryOption = None,
    domain: DomainOption = None,
    min_price: MinPriceOption = None,
    max_price: MaxPriceOption = None,
    currency: CurrencyOption = "",
    as_json: JsonOption = False,
) -> None:
    """The nearest items to a photo or to an item, and nothing else: no taste, no popularity.

    ```
    visrec similar -c shop --photo boot.jpg
    visrec similar -c shop --item boot-7 --block colour=1  # the same palette
    ```
    """
    if bool(photo) == bool(item):
        raise typer.BadParameter("give either --photo FILE or --item ID")
    session = session_of(context)
    conditions = conditions_of(category, domain or (), min_price, max_price, currency)
    answer = session.client.similar(
        catalogue,
        photo=photo,
        item_id=item,
        n=count,
        where=all_of(*conditions) if conditions else None,
        block_weights=weights_of(block, "--block"),
    )
    if answer.hits or as_json:
        session.show(answer, as_json, tables.hits(answer), tables.costs(answer.costs))
    else:
        why = why_nothing(session.client, catalogue, conditions, "what passes is the item asked with")
        session.show(answer, as_json, why)


def popular(
    context: typer.Context,
    catalogue: CatalogueOption,
    domain: DomainOption = None,
    count: CountOption = 20,
    as_json: JsonOption = False,
) -> None:
    """What people like now. All they do to items counts, a purchase ten times a view, and fades with time.

    What they were merely shown does not count, and what they dislike counts for nobody.
    """
    session = session_of(context)
    answer = session.client.popular(catalogue, domains=domain or (), n=count)
    if answer.items or as_json:
        session.show(answer, as_json, tables.popular(answer, {} if as_json else _items(session, catalogue, answer)))
        return
    tell = f"nobody has done anything lately; `visrec events record USER like ITEM -c {catalogue}` tells of something"
    conditions = [one_of("domain", *domain)] if domain else []
    session.show(answer, as_json, why_nothing(session.client, catalogue, conditions, tell))


def _items(
    session: Session, catalogue: str, answer: profile_pb2.GetPopularItemsResponse
) -> dict[str, indexer_pb2.Item]:
    found = session.client.get_items(catalogue, [each.item_id for each in answer.items])
    return {item.id: item for item in found}


def conditions_of(
    category: Sequence[str] | None,
    domain: Sequence[str],
    min_price: float | None,
    max_price: float | None,
    currency: str,
) -> list[common_pb2.Condition]:
    """What the options ask of an item. Raises typer.BadParameter for what none could be."""
    if min_price is not None and max_price is not None and min_price > max_price:
        raise typer.BadParameter(
            f"--min-price {min_price:g} is more than --max-price {max_price:g}: nothing can cost that"
        )
    if currency and not CURRENCY.fullmatch(currency):
        raise typer.BadParameter(f"--currency {currency}: give three capital letters, such as EUR")
    conditions = [one_of("category", *category)] if category else []
    conditions += [one_of("domain", *domain)] if domain else []
    if min_price is not None or max_price is not None:
        conditions.append(between("price", at_least=min_price, at_most=max_price))
    return [*conditions, one_of("currency", currency)] if currency else conditions


def weights_of(given: list[str] | None, option: str) -> dict[str, float]:
    """Of NAME=WEIGHT; a name alone weighs 1. Raises typer.BadParameter."""
    weights = {}
    for text in given or ():
        name, _, weight = text.partition("=")
        try:
            weights[name] = float(weight) if weight else 1.0
        except ValueError as error:
            raise typer.BadParameter(f"{option} {text}: after = comes a number") from error
    return weights
