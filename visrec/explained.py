"""Explanations of recommendations for a terminal."""

from __future__ import annotations

from rich.console import RenderableType
from rich.markup import escape

from visrec import tables
from visrec.v1 import ranker_pb2

SHADES = " ▁▂▃▄▅▆▇█"
"""From nothing to the most that any region says."""


def explanation(answer: ranker_pb2.ExplainResponse) -> RenderableType:
    """The item in its place, its parts and reasons."""
    return tables.recommendations(ranker_pb2.RecommendResponse(recommendations=[answer.recommendation]))


def change(answer: ranker_pb2.ExplainResponse) -> str:
    """What would move the item over the edge of the top N."""
    return escape(answer.counterfactual) or "no change of one weight would move it over the edge"


def regions(answer: ranker_pb2.ExplainResponse) -> str:
    """Which regions of the photo count, as a picture of letters; what speaks against the item is left blank."""
    if not answer.evidence:
        return ""
    most = max(*answer.evidence, 1e-12)
    shades = [SHADES[round(max(0.0, value) / most * (len(SHADES) - 1))] * 2 for value in answer.evidence]
    rows = ["".join(shades[start : start + answer.columns]) for start in range(0, len(shades), answer.columns)]
    return "\n".join([f"where the photo's {escape(answer.evidence_block)} counts", *rows])


def when(answer: ranker_pb2.GetRecommendationResponse) -> str:
    """What it was made from, when, and until when it is kept."""
    kept = f"[bold]shown[/]    {tables.moment(answer.time)}, kept until {tables.moment(answer.expire_time)}"
    return f"{tables.signals(answer.shown)}\n{kept}"
