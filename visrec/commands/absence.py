"""Why an answer has no items, and what to do about it."""

from __future__ import annotations

from rich.markup import escape

from visrec.client import Client
from visrec.errors import VisrecCallError
from visrec.filters import all_of
from visrec.v1 import common_pb2


def why_nothing(client: Client, catalogue: str, conditions: list[common_pb2.Condition], otherwise: str) -> str:
    """In one line of rich's markup. `conditions`: that items had to pass; `otherwise`: why there is nothing though some
    do. Asks how many do; while nobody can say, it says no more than that nothing was found."""
    try:
        if client.count_items(catalogue, where=all_of(*conditions)):
            return f"nothing found: {escape(otherwise)}"
        count = client.count_items(catalogue)
    except VisrecCallError:
        return "nothing found"
    name = escape(catalogue)
    if not count:
        return f"nothing found: {name} has no items; `visrec ingest FOLDER -c {name}` brings some"
    fields = ", ".join(dict.fromkeys(condition.field for condition in conditions))
    return (
        f"nothing found: none of {count:,} items passes by {fields}; ask for less of that "
        f"(`visrec item list -c {name}` shows what there is)"
    )
