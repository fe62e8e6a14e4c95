"""What the demonstration asks the services, and what they answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from demo.catalogue import photo_of
from demo.people import Person
from visrec.client import Client
from visrec.items import NewItem
from visrec.v1 import ranker_pb2

COUNT = 6
"""Recommendations of one answer: a row of the page."""


@dataclass(frozen=True)
class Question:
    """A photo, a person, both or neither."""

    photo: NewItem | None = None
    person: Person | None = None

    @property
    def title(self) -> str:
        """In words, such as `Taj mahal, for Mira`."""
        photo = f"like “{self.photo.title or self.photo.id}”" if self.photo else ""
        person = f"for {self.person.name}" if self.person else ""
        return ", ".join(words for words in (photo, person) if words) or "for nobody in particular"


@dataclass(frozen=True)
class Answer:
    """What came back, and the milliseconds until it did, as the caller saw them."""

    question: Question
    response: ranker_pb2.RecommendResponse
    took_ms: float


def questions(photos: Sequence[NewItem], people: Sequence[Person]) -> list[Question]:
    """Each photo alone, each person alone, the first photo for each person, and nothing at all."""
    return [
        *(Question(photo=photo) for photo in photos),
        *(Question(person=person) for person in people),
        *(Question(photos[0], person) for person in people),
        Question(),
    ]


def ask(client: Client, catalogue: str, question: Question, version: str, clock: Callable[[], float]) -> Answer:
    """`version` is what the answer must know of; `clock` gives seconds. Raises VisrecCallError."""
    photo = photo_of(question.photo).read_bytes() if question.photo else None
    started = clock()
    response = client.recommend(
        catalogue,
        photo=photo,
        user=question.person.user_id if question.person else "",
        n=COUNT,
        explain=True,
        min_version=version,
    )
    return Answer(question, response, 1000 * (clock() - started))
