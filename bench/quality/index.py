"""The same questions asked of the indexer, the way a shop asks them."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.progress import Progress, track

from bench import sample
from bench.quality.question import K, Question
from bench.quality.vectors import Vectors
from visrec.client import Client
from visrec.items import NewItem
from visrec.v1 import indexer_pb2, ranker_pb2


def ask(client: Client, question: Question, vectors: Vectors, block: str, console: Console) -> float:
    """precision@10 by that block alone, from a catalogue of the gallery. Raises BenchFailed."""
    catalogue = question.name.partition(":")[0]
    client.create_catalogue(catalogue)
    items = (
        NewItem(each.name, vectors=[vectors.by_name[each.name]], category=each.labels[question.label])
        for each in question.gallery
    )
    with Progress(console=console) as progress:
        task = progress.add_task(f"Indexing {catalogue}", total=len(question.gallery))
        sample.ingest(client, catalogue, items, lambda: progress.advance(task))
    known = {each.name for each in question.gallery}
    shared = 0
    for query in track(question.queries, f"Searching {catalogue}", console=console):
        answer = client.similar(
            catalogue,
            vector=vectors.by_name[query.name],
            n=K,
            block_weights={block: 1},
            exclude=[query.name] if query.name in known else [],
        )
        shared += share(answer.hits, query.labels[question.label])
    return shared / (K * len(question.queries))


def share(hits: Iterable[indexer_pb2.Hit | ranker_pb2.Recommendation], label: str) -> int:
    """How many of the hits have the label."""
    return sum(hit.item.category == label for hit in hits)
