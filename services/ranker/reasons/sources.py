"""Which of the items behind an interest is nearest to a recommended one: the one that is named as its reason.

An interest comes from several items, and its strongest is rarely the one that a person would recognise in what they are
shown. So the shown items are scored once more, against each source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.ranker.finding.material import Material
from services.ranker.others.ports import Found, SearchPlan, SearchQuery, Source

MAX_SOURCES = 60
"""A search takes 64 queries; five interests of five sources each are the rule."""


def sources_plan(
    material: Material, shown: Sequence[str], space: str, blocks: Mapping[str, float], version: str
) -> SearchPlan | None:
    """The search that scores the `shown` items against every source of every interest; None when there is nothing to
    choose between."""
    queries = [
        SearchQuery(f"{at}/{number}", blocks, item_id=source.item_id)
        for at, interest in enumerate(material.interests)
        if len(interest.sources) > 1
        for number, source in enumerate(interest.sources)
        if source.item_id
    ]
    if not queries or not shown:
        return None
    return SearchPlan(
        material.ask.catalogue,
        space,
        queries[:MAX_SOURCES],
        limit=1,
        also_score=shown,
        min_version=version,
        score_only=True,
    )


def nearest_sources(plan: SearchPlan, found: Found, material: Material) -> dict[str, dict[str, Source]]:
    """Item id to query name to the nearest source, for the interests that `plan` asked about."""
    likeness = found.parts.sum(axis=2)
    columns = [tuple(map(int, query.name.split("/"))) for query in plan.queries]
    nearest: dict[str, dict[str, Source]] = {}
    for row, item_id in enumerate(found.ids):
        # Ascending, so that the nearest source of each interest is written last.
        ascending = sorted(range(len(columns)), key=lambda column: likeness[row, column])
        nearest[item_id] = {
            material.interest_name(at): material.interests[at].sources[number]
            for at, number in (columns[column] for column in ascending)
        }
    return nearest
