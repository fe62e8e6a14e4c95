"""Answers of the services as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from google.protobuf.timestamp_pb2 import Timestamp
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from visrec.hints import advised
from visrec.items import attribute
from visrec.v1 import common_pb2, embedder_pb2, indexer_pb2, profile_pb2, ranker_pb2

LEAST_LETTERS = 8
"""Width that a column of words keeps beside long ids; a terminal that is too narrow for both breaks the line itself."""

TITLE_LETTERS = 32
"""Longer titles of an explained answer may be broken over lines."""

PROSE_LETTERS = 16
"""Least width that parts and reasons can be read in."""


class _Wide(Table):
    """Wider than the terminal rather than without its last columns; to be printed with crop=False."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        least = sum(max(column.width or 0, column.min_width or 0) + 2 for column in self.columns)
        return super().__rich_console__(console, options.update(max_width=max(options.max_width, least)))


def listing(*columns: str, numbers: Iterable[str] = (), whole: Mapping[str, Iterable[str]] | None = None) -> Table:
    """An empty table; columns in `numbers` are set to the right. `whole` has the texts of a column that stay on one
    line however narrow the terminal is, as ids must to be copied."""
    table = _Wide(header_style="bold", box=None, pad_edge=False)
    for column in columns:
        texts = (whole or {}).get(column)
        width = max(map(cell_len, [column, *texts])) if texts is not None else None
        least = max(2, len(column)) if column in numbers else LEAST_LETTERS
        side: Literal["left", "right"] = "right" if column in numbers else "left"
        table.add_column(column, justify=side, overflow="fold", width=width, min_width=least)
    return table


def _ids(of: Iterable[indexer_pb2.Item]) -> Mapping[str, Iterable[str]]:
    return {"id": [item.id for item in of]}


def catalogues(found: Iterable[indexer_pb2.Catalogue]) -> Table:
    """One line a catalogue."""
    table = listing("catalogue", "space", "partitions", "created", numbers=["partitions"])
    for each in found:
        table.add_row(escape(each.name), escape(each.space.name), str(each.partitions), moment(each.created))
    return table


def stats(answer: indexer_pb2.GetStatsResponse) -> Table:
    """Sizes of catalogues."""
    columns = ("items", "photos", "not yet in the graph", "deleted", "index")
    table = listing("catalogue", *columns, "space", "domains", numbers=columns)
    for each in answer.catalogues:
        domains = ", ".join(f"{name or '(none)'} {count}" for name, count in sorted(each.items_by_domain.items()))
        counts = [f"{number:,}" for number in (each.items, each.rows, each.fresh_rows, each.deleted_rows)]
        size = f"{each.index_bytes / 2**20:.1f} MiB"
        table.add_row(escape(each.catalogue), *counts, size, escape(each.space), escape(domains))
    return table


def items(found: Sequence[indexer_pb2.Item]) -> Table:
    """One line an item."""
    table = listing("id", "title", "domain", "category", "price", numbers=["price"], whole=_ids(found))
    for item in found:
        table.add_row(escape(item.id), escape(item.title), escape(item.domain), escape(item.category), price(item))
    return table


def item(found: indexer_pb2.Item) -> Table:
    """Everything about one item."""
    rows = [("id", found.id), ("title", found.title), ("domain", found.domain), ("category", found.category)]
    rows += [("group", found.group_id), ("price", price(found)), ("tags", ", ".join(found.tags))]
    rows += [(name, plain(value)) for name, value in sorted(found.attributes.items())]
    rows += [("time", moment(found.time)), ("pictures", "\n".join(found.image_references))]
    return pairs(rows)


def hits(answer: indexer_pb2.SearchResponse) -> Table | str:
    """The nearest items, with the part of each block. In words when there is none."""
    if not answer.hits:
        return "nothing found"
    columns = ("", "title", "id", "category", "price", "score", *answer.part_blocks)
    table = listing(*columns, numbers=["", "price", "score"], whole=_ids(hit.item for hit in answer.hits))
    for rank, hit in enumerate(answer.hits, 1):
        parts = [f"{part:+.3f}" for part in hit.parts[: len(answer.part_blocks)]]
        table.add_row(str(rank), *_names(hit.item), price(hit.item), f"{hit.score:.3f}", *parts)
    return table


def recommendations(answer: ranker_pb2.RecommendResponse) -> RenderableType:
    """The answer in order; with parts and reasons when they were asked for. In words when there is none."""
    if not answer.recommendations:
        return "nothing found"
    if any(each.parts for each in answer.recommendations):
        return _Explained(answer)
    whole = _ids(each.item for each in answer.recommendations)
    table = listing("", "title", "id", "category", "price", "score", numbers=["", "price", "score"], whole=whole)
    for each in answer.recommendations:
        table.add_row(str(each.rank), *_names(each.item), price(each.item), f"{each.score:.3f}")
    return table


class _Explained:
    """Recommendations with parts and reasons: a table, or where long ids leave no room for one, item below item."""

    def __init__(self, answer: ranker_pb2.RecommendResponse) -> None:
        self._items = answer.recommendations

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        what = [text for each in self._items for text in (each.item.id, each.item.title[:TITLE_LETTERS])]
        room = options.max_width - max(map(cell_len, what)) - len("99  ") - len("  score  ") - len("  ")
        yield self._beside(what) if room >= 2 * PROSE_LETTERS else self._below()

    def _beside(self, what: Iterable[str]) -> Table:
        """Fewer and taller columns than without parts: what a score is made of needs the room."""
        table = listing("", "what", "score", "made of", "because", numbers=["", "score"], whole={"what": what})
        for each in self._items:
            title, *facts = (*_names(each.item), price(each.item))
            about = f"[bold]{title}[/]\n[dim]{chr(10).join(fact for fact in facts if fact)}[/]"
            table.add_row(str(each.rank), about, f"{each.score:.3f}", parts(each.parts), _reasons(each))
            table.add_section()
        return table

    def _below(self) -> Table:
        ids = [each.item.id for each in self._items]
        table = listing("", "what, its score and what that is made of, and why", numbers=[""])
        table.columns[1].min_width = max(map(cell_len, ids))
        for each in self._items:
            title, name, category = _names(each.item)
            facts = [f"[bold]{title}[/]", *(fact for fact in (category, price(each.item)) if fact)]
            why = Table.grid(padding=(0, 2))
            why.add_row(parts(each.parts), _reasons(each))
            head = Text.from_markup(f"{', '.join(facts)}  {each.score:.3f}\n[dim]{name}[/]")
            table.add_row(str(each.rank), Group(head, why))
        return table


def _reasons(of: ranker_pb2.Recommendation) -> str:
    return "\n".join(escape(reason.text) for reason in of.reasons)


def parts(of: Iterable[ranker_pb2.ScorePart]) -> str:
    """The terms of a score that count, one a line: they add up to it."""
    return "\n".join(f"{part.contribution:+.3f} {escape(part_name(part))}" for part in telling(of))


def telling(of: Iterable[ranker_pb2.ScorePart]) -> list[ranker_pb2.ScorePart]:
    """Without the parts that would be written as 0.000."""
    return [part for part in of if round(part.contribution, 3)]


def part_name(part: ranker_pb2.ScorePart) -> str:
    """Such as `photo content`, `taste interest-2 colour` or `popularity`."""
    words = [part.signal, part.query if part.query != part.signal else "", part.block]
    return " ".join(word for word in words if word)


def signals(answer: ranker_pb2.RecommendResponse) -> str:
    """What the answer was made from and what it cost, and how to come back to it."""
    lines = [basis(answer)]
    if answer.recommendation_id:
        lines.append(f"[bold]kept[/]     as {escape(answer.recommendation_id)}")
    if answer.next_page_token:
        lines.append(f"[bold]more[/]     visrec next {escape(answer.next_page_token)}")
    return "\n".join(lines)


def basis(answer: ranker_pb2.RecommendResponse) -> str:
    """What the answer was made from, what was left out and why, and what it cost."""
    used = ", ".join(f"{each.signal} {each.weight:.0%}" for each in answer.used) or "nothing"
    tried = f"; {escape(answer.variant)} in the experiment {escape(answer.experiment)}" if answer.experiment else ""
    lines = [f"[bold]used[/]     {used}  (scene {escape(answer.scene)}{tried})"]
    if answer.HasField("confidence"):
        lines.append(f"[bold]best[/]     stands out from the rest by {answer.confidence:.2f} of 1")
    lines += [
        f"[bold]left out[/] {each.signal}: {escape(advised(each.message, each.reason, each.signal) or each.reason)}"
        for each in answer.dropped
    ]
    return "\n".join([*lines, costs(answer.costs)])


def costs(of: Iterable[common_pb2.StageCost]) -> str:
    """How long each stage took."""
    return "[dim]" + (", ".join(f"{each.stage} {each.ms:.1f} ms" for each in of) or "no stages reported") + "[/]"


def model(found: embedder_pb2.Model) -> Table:
    """The network behind the vectors."""
    spaces = [
        f"{space.name}: " + " + ".join(f"{block.name} {block.dimension}" for block in space.blocks)
        for space in found.spaces
    ]
    rows = [("model", found.name), ("precision", found.precision), ("input", f"{found.input_pixels} pixels square")]
    return pairs([*rows, ("spaces", "\n".join(spaces)), ("licence", found.licence), ("digest", found.digest)])


def popular(answer: profile_pb2.GetPopularItemsResponse, known: dict[str, indexer_pb2.Item]) -> Table:
    """What people like now; `known` has the items by id, as far as they could be had."""
    whole = {"id": [each.item_id for each in answer.items]}
    table = listing("", "title", "id", "category", "score", numbers=["", "score"], whole=whole)
    for rank, each in enumerate(answer.items, 1):
        found = known.get(each.item_id, indexer_pb2.Item(id=each.item_id))
        table.add_row(str(rank), *_names(found), f"{each.score:.2f}")
    return table


def price(of: indexer_pb2.Item) -> str:
    """With its currency; empty when there is none."""
    return f"{of.price:,.2f} {of.currency}".strip() if of.HasField("price") else ""


def moment(of: Timestamp) -> str:
    """To the minute, in UTC; empty when it is not set."""
    return of.ToDatetime().strftime("%Y-%m-%d %H:%M") if of.seconds else ""


def pairs(rows: Iterable[tuple[str, str]]) -> Table:
    """Name and value, one a line, without those that have none."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    for name, value in rows:
        if value:
            table.add_row(name, escape(value))
    return table


def _names(of: indexer_pb2.Item) -> Sequence[str]:
    return escape(of.title), escape(of.id), escape(of.category)


def plain(value: common_pb2.AttributeValue) -> str:
    """An attribute as a person would write it."""
    told = attribute(value)
    if isinstance(told, bool):
        return "yes" if told else "no"
    if isinstance(told, float):
        return f"{told:g}"
    return told if isinstance(told, str) else ", ".join(told)


def word_of(name: str, prefix: str) -> str:
    """A name of an enum of the contract without its prefix, in small letters; empty for the unspecified one."""
    word = name.removeprefix(prefix).lower()
    return "" if word == "unspecified" else word
