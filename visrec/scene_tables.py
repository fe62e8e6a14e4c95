"""Scenes and experiments as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from visrec.scenes import CONTROL, changes, control_share, weights_of
from visrec.tables import listing, pairs
from visrec.v1 import ranker_pb2

Columns = Mapping[str, tuple[Mapping[str, float], Mapping[str, float]]]
"""Weights of signals and of blocks, by what stands above them."""


def scenes(found: Iterable[ranker_pb2.Scene]) -> Table:
    """The named sets of weights, one a line."""
    table = listing("scene", "signals", "blocks", "experiment", "for")
    for each in found:
        weights = (_weights(each.signal_weights), _weights(each.block_weights))
        table.add_row(each.name, *weights, each.experiment.name, escape(each.description))
    return table


def scene(found: ranker_pb2.Scene, version: str) -> RenderableType:
    """One of them; of an experiment the weights of each variant side by side."""
    facts = [("scene", found.name), ("for", found.description), ("experiment", found.experiment.name)]
    own = (found.signal_weights, found.block_weights)
    columns: Columns = {"weight": own}
    if found.HasField("experiment"):
        tried = {_of(each.name, each.share): weights_of(found, each) for each in found.experiment.variants}
        columns = {_of(CONTROL, control_share(found.experiment)): own, **tried}
    table = listing("", *columns, numbers=columns)
    for signal in _heaviest_first(weights for weights, _ in columns.values()):
        table.add_row(escape(signal), *(_weight(weights, signal) for weights, _ in columns.values()))
    for block in _heaviest_first(weights for _, weights in columns.values()):
        table.add_row(f"block {escape(block)}", *(_weight(weights, block) for _, weights in columns.values()))
    return Group(pairs([*facts, ("version", version)]), "", table)


def experiments(found: Iterable[ranker_pb2.Scene]) -> Table:
    """What is tried, one variant a line, and what each changes."""
    table = listing("scene", "experiment", "variant", "people", "what weighs otherwise", numbers=["people"])
    for each in found:
        names = (each.name, each.experiment.name)
        table.add_row(*names, CONTROL, share(control_share(each.experiment)), "")
        for variant in each.experiment.variants:
            table.add_row(*names, variant.name, share(variant.share), _changes(each, variant))
    return table


def share(of: float) -> str:
    """Of people, in percent."""
    return f"{of * 100:g}%"


def _of(variant: str, part: float) -> str:
    return f"{variant}, {share(part)}"


def _changes(of: ranker_pb2.Scene, variant: ranker_pb2.Variant) -> str:
    told = [f"{escape(name)} {before:g} → {after:g}" for name, before, after in changes(of, variant)]
    return ", ".join(told) or "nothing"


def _heaviest_first(columns: Iterable[Mapping[str, float]]) -> list[str]:
    """Names of any column, in the order of their weights in the first that has them."""
    weights: dict[str, float] = {}
    for column in columns:
        weights = {**column, **weights}
    return sorted(weights, key=lambda name: (-weights[name], name))


def _weight(weights: Mapping[str, float], name: str) -> str:
    return f"{weights[name]:g}" if name in weights else ""


def _weights(of: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {of[name]:g}" for name in _heaviest_first([of]))
