"""One run of the demonstration against services that are ready, told on a terminal as it happens."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from statistics import median

import grpc
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from demo.catalogue import Catalogue, photo_of, without
from demo.page import Story
from demo.people import VISITORS, Person, cast, events, visitor_id, visits
from demo.questions import Answer, ask, questions
from demo.stock import Stocked, stock
from visrec import tables
from visrec.client import Client
from visrec.commands.faults import sentence
from visrec.errors import VisrecCallError
from visrec.items import NewItem
from visrec.people import Event, Facts

FAILURES_SHOWN = 10


@dataclass(frozen=True)
class Show:
    """The steps in their order. `now` is the hour of the demonstration, with its time zone."""

    client: Client
    console: Console
    now: datetime
    rng: random.Random
    clock: Callable[[], float] = time.perf_counter

    def run(self, catalogue: Catalogue) -> Story:
        """Ingest, people, questions. Raises VisrecCallError, and ValueError when no photo could be ingested."""
        started = self.clock()
        stocked = self.ingest(catalogue)
        took_s = self.clock() - started
        catalogue = without(catalogue, {outcome.item_id for outcome in stocked.failed})
        if len(catalogue.items) < 2:
            raise ValueError("fewer than two photos could be ingested, which is too few to recommend from")
        people = self.introduce(catalogue, stocked.version)
        answers = self.ask(catalogue, people, stocked.version)
        return Story(
            {item.id: photo_of(item) for item in catalogue.items},
            catalogue.queries,
            people,
            answers,
            self.facts(stocked, took_s, answers),
            self.notes(catalogue, answers),
            self.now,
        )

    def ingest(self, catalogue: Catalogue) -> Stocked:
        """Brings the catalogue up to date, with a progress bar, and names what could not be ingested."""
        kept = len(catalogue.queries)
        self.step(
            f"Indexing {len(catalogue.items)} photos into the catalogue `{catalogue.name}`; "
            f"{kept} more {'is' if kept == 1 else 'are'} kept back to ask with"
        )
        with self.progress("photos", len(catalogue.items)) as advance:
            stocked = stock(self.client, catalogue.name, catalogue.items, advance)
        self.console.print(
            f"  {stocked.written} written, {stocked.present} there already, {stocked.removed} removed, "
            f"{len(stocked.failed)} failed"
        )
        for outcome in stocked.failed[:FAILURES_SHOWN]:
            assert outcome.error is not None
            self.console.print(f"  [red]left out[/] {escape(outcome.item_id)}: {escape(sentence(outcome.error))}")
        return stocked

    def introduce(self, catalogue: Catalogue, version: str) -> Sequence[Person]:
        """Makes the two people and the visitors, and records what they did."""
        self.step("Two people with different histories, and a few visitors who agree to nothing")
        people = cast(catalogue.items, lambda item: self.neighbours(catalogue, item, version))
        for person in people:
            self.forget_other_history(person, catalogue.name)
            self.client.put_user(person.user_id, person.facts)
            deeds = ", ".join(f"{deed.type} {deed.item.title or deed.item.id}" for deed in person.deeds)
            self.console.print(f"  [bold]{person.name}[/] goes for {escape(person.leaning)}: {escape(deeds)}")
            self.record(events(person, catalogue.name, self.now))
        for number in range(VISITORS):
            self.client.put_user(visitor_id(number), Facts(personalisation=False))
        self.record(visits(catalogue.items, catalogue.name, self.now, self.rng))
        return people

    def forget_other_history(self, person: Person, catalogue: str) -> None:
        """Erases a person who did other things in an earlier run: this one could not explain what came of them."""
        try:
            seen = self.client.taste(person.user_id, catalogue, include_seen=True).seen_item_ids
        except VisrecCallError as error:
            if error.code is grpc.StatusCode.NOT_FOUND:
                return
            raise
        if set(seen) - {deed.item.id for deed in person.deeds}:
            self.client.delete_user(person.user_id)

    def neighbours(self, catalogue: Catalogue, item: NewItem, version: str) -> Sequence[str]:
        """All items by how much they look like this one, as far as one search reaches."""
        count = min(1000, len(catalogue.items))
        answer = self.client.similar(catalogue.name, item_id=item.id, n=count, min_version=version)
        return [hit.item_id for hit in answer.hits]

    def record(self, done: Sequence[Event]) -> None:
        """Raises VisrecCallError for the first event that was not recorded."""
        for result in self.client.record(done):
            if result.status.code != grpc.StatusCode.OK.value[0]:
                raise VisrecCallError.from_status(result.status)

    def ask(self, catalogue: Catalogue, people: Sequence[Person], version: str) -> list[Answer]:
        """Asks every question and prints the answers with their parts and reasons."""
        answers = []
        for question in questions(catalogue.queries, people):
            self.step(f"Recommended {question.title}")
            answer = ask(self.client, catalogue.name, question, version, self.clock)
            self.console.print(tables.recommendations(answer.response), crop=False)
            self.console.print(tables.basis(answer.response))
            answers.append(answer)
        return answers

    def facts(self, stocked: Stocked, took_s: float, answers: Sequence[Answer]) -> dict[str, str]:
        """Figures for the head of the page: meaning → value."""
        model = self.client.model()
        photo_ms = [answer.took_ms for answer in answers if answer.question.photo]
        person_ms = [answer.took_ms for answer in answers if not answer.question.photo]
        figures = {"photos in the catalogue": f"{stocked.written + stocked.present:,}"}
        if stocked.written:
            figures["photos indexed a second"] = f"{stocked.written / took_s:.0f}"
        figures["median answer to a photo"] = f"{median(photo_ms):.0f} ms"
        figures["median answer without one"] = f"{median(person_ms):.0f} ms"
        figures[f"{model.precision}, on the CPU"] = model.name
        return figures

    def notes(self, catalogue: Catalogue, answers: Sequence[Answer]) -> list[str]:
        """Lines for the foot of the page: where everything came from."""
        made_with = answers[0].response.provenance
        return [
            *(f"Photos: {about}" for about in catalogue.sources),
            f"Space {made_with.space}, weights {made_with.weights_version}",
            f"Popularity comes from {VISITORS} visitors who did not agree to personalisation.",
            "Of what they did only keyed digests of event ids are kept, for a week, so that each event counts once.",
        ]

    def step(self, title: str) -> None:
        self.console.print()
        self.console.print(f"[bold green]▸[/] [bold]{escape(title)}[/]")

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Callable[[int, int], None]]:
        """A bar; yields what to tell it: done, total."""
        columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.console) as bars:
            task = bars.add_task(what, total=total)
            yield lambda done, of: bars.update(task, completed=done, total=of)
