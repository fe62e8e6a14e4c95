"""visrec recommend, similar, popular and scenes: what to look at next."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from visrec import tables
from visrec.commands.session import CatalogueOption, CountOption, JsonOption, Session, session_of
from visrec.filters import all_of, between, one_of
from visrec.v1 import common_pb2, indexer_pb2, profile_pb2, ranker_pb2

PhotoOption = Annotated[Path | None, typer.Option("--photo", help="A photo to look like.", metavar="FILE")]
BlockOption = Annotated[
    list[str] | None,
    typer.Option(
        "--block",
        help="What likeness means, as NAME=WEIGHT: content=1, colour=2, style=1. May be given again; a block that is "
        "not named counts nothing.",
    ),
]
CategoryOption = Annotated[list[str] | None, typer.Option("--category", help="Only this category; may be given again.")]
DomainOption = Annotated[list[str] | None, typer.Option("--domain", help="Only this domain; may be given again.")]
MaxPriceOption = Annotated[float | None, typer.Option("--max-price", min=0, help="Only items of at most this price.")]


def recommend(
    context: typer.Context,
    *,
    catalogue: CatalogueOption,
    photo: PhotoOption = None,
    user: Annotated[str, typer.Option("--user", "-u", help="For whom.")] = "",
    seed: Annotated[
        list[str] | None,
        typer.Option("--seed", help="An item to be near to, as ID or ID=WEIGHT; a negative weight: far from."),
    ] = None,
    count: Annotated[int, typer.Option("-n", "--count", min=1, max=100, help="How many.")] = 10,
    scene: Annotated[str, typer.Option(help="A named set of weights; `visrec scenes` lists them.")] = "",
    signal: Annotated[
        list[str] | None,
        typer.Option("--signal", help="Weight of a signal, as NAME=WEIGHT; `visrec scenes` lists them all."),
    ] = None,
    block: BlockOption = None,
    category: CategoryOption = None,
    domain: DomainOption = None,
    max_price: MaxPriceOption = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show what each score is made of, and why.")] = False,
    include_seen: Annotated[bool, typer.Option("--include-seen", help="Also what the person has seen.")] = False,
    as_json: JsonOption = False,
) -> None:
    """The best items for a photo, a person, some items, or any mix of them. For none of them: what is popular.

    ```
    visrec recommend -c shop --photo room.jpg --user anna --explain
    visrec recommend -c shop --seed chair-1 --seed sofa-9=-0.5 --max-price 200
    visrec recommend -c shop --photo poster.jpg --block colour=1 --json  # the palette alone, for programs
    ```
    """
    session = session_of(context)
    answer = session.client.recommend(
        catalogue,
        photo=photo,
        user=user,
        seeds=_weights(seed, "--seed"),
        n=count,
        scene=scene,
        where=_filter(category, None, max_price),
        domains=domain or (),
        signal_weights=_weights(signal, "--signal"),
        block_weights=_weights(block, "--block"),
        explain=explain,
        include_seen=include_seen,
    )
    _show(session, answer, as_json)


def _show(session: Session, answer: ranker_pb2.RecommendResponse, as_json: bool) -> None:
    session.show(answer, as_json, tables.recommendations(answer), "", tables.signals(answer))


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
    max_price: MaxPriceOption = None,
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
    answer = session.client.similar(
        catalogue,
        photo=photo,
        item_id=item,
        n=count,
        where=_filter(category, domain, max_price),
        block_weights=_weights(block, "--block"),
    )
    session.show(answer, as_json, tables.hits(answer), tables.costs(answer.costs))


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
    session.show(answer, as_json, tables.popular(answer, {} if as_json else _items(session, catalogue, answer)))


def _items(
    session: Session, catalogue: str, answer: profile_pb2.GetPopularItemsResponse
) -> dict[str, indexer_pb2.Item]:
    if not answer.items:
        return {}
    found = session.client.get_items(catalogue, [each.item_id for each in answer.items])
    return {item.id: item for item in found}


def scenes(context: typer.Context, as_json: JsonOption = False) -> None:
    """The named sets of weights that `recommend --scene` takes."""
    session = session_of(context)
    answer = session.client.scenes()
    session.show(ranker_pb2.GetScenesResponse(scenes=answer), as_json, tables.scenes(answer))


def _filter(category: list[str] | None, domain: list[str] | None, max_price: float | None) -> common_pb2.Filter | None:
    conditions = [one_of("category", *category)] if category else []
    conditions += [one_of("domain", *domain)] if domain else []
    conditions += [between("price", at_most=max_price)] if max_price is not None else []
    return all_of(*conditions) if conditions else None


def _weights(given: list[str] | None, option: str) -> dict[str, float]:
    weights = {}
    for text in given or ():
        name, _, weight = text.partition("=")
        try:
            weights[name] = float(weight) if weight else 1.0
        except ValueError as error:
            raise typer.BadParameter(f"{option} {text}: after = comes a number") from error
    return weights
