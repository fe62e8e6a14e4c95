"""Why an answer has no items, and what to do about it."""

from __future__ import annotations

from rich.markup import escape

from visrec.client import Client
from visrec.errors import VisrecCallError
from visrec.filters import all_of
from visrec.v1 import common_pb2

ASKED = ("category", "domain", "currency", "availability")
"""Fields whose words somebody may have got wrong."""

MOST_TOLD = 12


def why_nothing(client: Client, catalogue: str, conditions: list[common_pb2.Condition], otherwise: str) -> str:
    """In one line of rich's markup. `conditions`: that items had to pass; `otherwise`: why there is nothing though some
    do. Asks how many do; while nobody can say, it says no more than that nothing was found."""
    try:
        if client.count_items(catalogue, where=all_of(*conditions)):
            return f"nothing found: {escape(otherwise)}"
        count = client.count_items(catalogue)
        fields = list(dict.fromkeys(condition.field for condition in conditions))
        lacking = [field for field in fields if count and not _some_pass(client, catalogue, conditions, field)]
        there = "; ".join(told for field in lacking if (told := _there(client, catalogue, field)))
    except VisrecCallError:
        return "nothing found"
    name = escape(catalogue)
    if not count:
        return f"nothing found: {name} has no items; `visrec ingest FOLDER -c {name}` brings some"
    asked = ", ".join(lacking) or f"{', '.join(fields)} together"
    less = f"ask for less of that (`visrec item list -c {name}` shows what there is)"
    return f"nothing found: none of {count:,} items passes by {asked}; {escape(there) if there else less}"


def _some_pass(client: Client, catalogue: str, conditions: list[common_pb2.Condition], field: str) -> bool:
    """By what is asked of that field alone."""
    return client.count_items(catalogue, where=all_of(*(each for each in conditions if each.field == field))) > 0


def _there(client: Client, catalogue: str, field: str) -> str:
    """Which words the field has, the most frequent first; empty for one that has none, such as a price."""
    if field not in ASKED:
        return ""
    values, distinct = client.values(catalogue, field, limit=MOST_TOLD)
    more = f" and {distinct - len(values):,} more" if distinct > len(values) else ""
    words = ", ".join(f"{value} ({count:,})" for value, count in values if value)
    return f"{field} is one of: {words}{more}" if words else f"no item has a {field}"
