"""From questions and vectors to figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from bench.quality.figure import Figure, Section
from bench.quality.question import Question
from bench.quality.vectors import Vectors

LEAST = {
    ("clothing: category", "content"): 0.64,
    ("luma: colour", "colour"): 0.78,
    ("… pasted over photos", "colour"): 0.70,
    ("gcompris: look", "style"): 0.85,
    ("luma: other colours of it", "content"): 0.93,
    ("luma: a photo taken anew", "content"): 0.98,
    ("clothing: a photo taken anew", "content"): 0.98,
}
"""Targets, by the name of the question and the block that it belongs to."""

BLOCK_OF = {"category": "content", "colour": "colour"}
"""The block that answers what shops ask, by label."""

LEAST_COSINE = 0.985
MOST_LOST_POINTS = 0.5


def blocks(questions: Sequence[Question], vectors: Vectors) -> Section:
    """What each block is for: the same questions to all of them. On its own one it may not be worse than another."""
    figures = []
    for question in questions:
        found = {block: question.precision(vectors, block) for block in vectors.blocks}
        for block, value in found.items():
            least = LEAST.get((question.name, block))
            if least:
                least = max([least, *(other for name, other in found.items() if name != block)])
            figures.append(Figure(question.name, block, value, len(question.queries), least))
    return Section("precision@10, each block alone", figures)


def retrieval(shops: Sequence[Question], views: Sequence[Question], vectors: Vectors) -> Section:
    """Each by the block that answers it: the whole ranking by what is shared, the first ten by what is the same."""
    figures = []
    for question in shops:
        name, block, asked = (
            f"{question.name} by {BLOCK_OF[question.label]}",
            BLOCK_OF[question.label],
            question.queries,
        )
        figures.append(Figure(name, "mAP", question.mean_average_precision(vectors, block), len(asked)))
        figures.append(Figure(name, "recall@10", question.recall(vectors, block), len(asked)))
    for question in views:
        least = LEAST.get((question.name, "content"))
        asked, value = question.queries, question.recall(vectors, "content")
        figures.append(Figure(question.name, "mAP", question.mean_average_precision(vectors, "content"), len(asked)))
        figures.append(Figure(question.name, "recall@10", value, len(asked), least))
    return Section("retrieval, exact", figures)


def precisions(questions: Sequence[Question], int8: Vectors, fp32: Vectors) -> Section:
    """What quantising costs: neighbours lost, and the cosine of the same query in both precisions."""
    figures = []
    for question in questions:
        block, asked = BLOCK_OF[question.label], len(question.queries)
        name = question.name
        values = [question.precision(vectors, block) for vectors in (int8, fp32)]
        lost = 100 * (values[1] - values[0])
        sides = [vectors.block(block, question.queries) for vectors in (int8, fp32)]
        cosine = float(np.mean(np.sum(sides[0] * sides[1], axis=1)))
        figures += [
            Figure(name, "int8", values[0], asked),
            Figure(name, "fp32", values[1], asked),
            Figure(name, "lost", lost, asked, most=MOST_LOST_POINTS, unit="points"),
            Figure(name, "cosine", cosine, asked, LEAST_COSINE if block == "content" else None),
        ]
    return Section("int8 beside fp32: category by content, colour by colour", figures)


def views(questions: Sequence[Question], one: Vectors, three: Vectors) -> Section:
    """What looking three times at every photo, queries and gallery, gains, and what CPU it takes."""
    figures = []
    for question in questions:
        if BLOCK_OF[question.label] == "content":
            values = [question.precision(vectors, "content") for vectors in (one, three)]
            asked = len(question.queries)
            figures += [
                Figure(question.name, "one view", values[0], asked),
                Figure(question.name, "three", values[1], asked),
                Figure(question.name, "gained", 100 * (values[1] - values[0]), asked, unit="points"),
                Figure(question.name, "CPU", three.cpu_s / one.cpu_s, asked, unit="times"),
            ]
    return Section("multi_crop: category by content, points, times the CPU", figures)


def indexed(questions: Sequence[Question]) -> list[Question]:
    """Those of which `index` fills a catalogue."""
    return [each for each in questions if (each.name, BLOCK_OF[each.label]) in LEAST]


def index(questions: Sequence[Question], vectors: Vectors, ask: Callable[[Question, str], float]) -> Section:
    """The same through a catalogue, beside the exact answer. `ask` gives the precision of a question by a block."""
    figures = []
    for question in indexed(questions):
        block = BLOCK_OF[question.label]
        name, asked = f"{question.name} by {block}", len(question.queries)
        figures.append(Figure(name, "exact", question.precision(vectors, block), asked))
        figures.append(Figure(name, "index", ask(question, block), asked, LEAST[question.name, block]))
    return Section("through the index: precision@10", figures)
