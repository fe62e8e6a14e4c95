"""How much of what there is a search finds, whatever the weights of its blocks and however few rows pass its filter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bench.embedder.bars import Bar
from bench.indexer import exact, load, mixes, question, sieves
from bench.indexer.data import Data, Rows
from bench.indexer.exact import Numbers
from bench.indexer.house import House
from bench.indexer.peer import Say
from bench.indexer.question import LIMIT, Question
from bench.indexer.space import Float32

QUERIES = 200
FAR_QUERIES = 100
SHARES = (0.5, 0.05, 0.005, 0.0005)
FAR_SHARES = (0.05, 0.005)
LEAST = 0.97
"""What BALANCED, the default accuracy, promises."""

Kind = Literal["mix", "filter"]


@dataclass(frozen=True)
class Recalled:
    """recall@10 of one kind of question over so many rows, and its latency from one caller."""

    data: str
    rows: int
    kind: Kind
    name: str
    queries: int
    recall: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Asked:
    """Questions of one kind, and the rows that each of them should find."""

    kind: Kind
    name: str
    questions: Sequence[Question]
    wanted: Sequence[Sequence[int]] | Numbers


def measure(house: House, data: Data, rows: Rows, say: Say) -> Iterator[Recalled]:
    """`rows` are those that the house has. Raises BenchFailed."""
    vectors = data.queries(QUERIES)
    for of in (_mixes, _filters, _far):
        say(f"recall: what there is to find among {len(rows):,} ({of.__name__.strip('_')})")
        for asked in of(rows, vectors):
            say(f"recall: {asked.name}, {len(rows):,} rows")
            yield _recalled(house, data, rows, asked)


def bars(found: Sequence[Recalled]) -> list[Bar]:
    """One for each size of each data set: the worst of its questions."""
    bars = []
    for data, rows in dict.fromkeys((each.data, each.rows) for each in found):
        worst = min((each for each in found if (each.data, each.rows) == (data, rows)), key=lambda each: each.recall)
        bars.append(Bar(f"recall@10 {data} {rows:,}: {worst.name}", worst.recall, LEAST, at_least=True, unit=""))
    return bars


def _recalled(house: House, data: Data, rows: Rows, asked: Asked) -> Recalled:
    answers, latency = load.asked(question.endpoint(house.address, asked.questions))
    recall = exact.recall([question.found(answer) for answer in answers], asked.wanted)
    return Recalled(data.name, len(rows), asked.kind, asked.name, len(answers), recall, latency.p50_ms, latency.p99_ms)


def _mixes(rows: Rows, vectors: Float32) -> Iterator[Asked]:
    """All of them in one pass over the rows."""
    several = list(mixes.of(rows.space, len(vectors)))
    questions = [mix.questions(rows.space, vectors) for mix in several]
    wanted = exact.nearest(rows.vectors, np.concatenate([question.aims(each) for each in questions]), LIMIT)
    for mix, asked, best in zip(several, questions, np.split(wanted, len(several)), strict=True):
        yield Asked("mix", mix.name, asked, best)


def _filters(rows: Rows, vectors: Float32) -> Iterator[Asked]:
    for share in SHARES:
        sieve = sieves.anywhere(rows, share)
        questions = [Question(rows.space, vector, filter=sieve.message) for vector in vectors]
        wanted = exact.nearest(rows.vectors, question.aims(questions), LIMIT, sieve.passing)
        yield Asked("filter", f"{share * 100:g} % pass", questions, wanted)


def _far(rows: Rows, vectors: Float32) -> Iterator[Asked]:
    """Each query has a filter of its own."""
    far = sieves.Far(rows)
    for share in FAR_SHARES:
        questions, wanted = list[Question](), list[list[int]]()
        for vector in vectors[:FAR_QUERIES]:
            plain = Question(rows.space, vector)
            sieve = far.sieve(plain.aim, share)
            questions.append(Question(rows.space, vector, filter=sieve.message))
            passing = np.flatnonzero(sieve.passing)
            wanted.append(passing[exact.nearest(rows.vectors[passing], plain.aim[None], LIMIT)[0]].tolist())
        yield Asked("filter", f"{share * 100:g} % pass, far off", questions, wanted)
