"""What a job has made, read back from the services; and what people are answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bench.jobs.crowd import SCENE, who
from bench.jobs.filling import CATALOGUE
from jobs.scene_keeper import SceneKeeper
from visrec.connection import Connection
from visrec.v1 import indexer_pb2, profile_pb2, ranker_pb2

ASKED = 25
"""People who are asked for, every so many."""
SHOWN = 10

Answers = Mapping[str, frozenset[str]]
"""The items that each person is recommended."""


def segments(connection: Connection, _: str) -> object:
    """What is told of each, and of how many people it is. Their centres move with time, and so do new ids."""
    request = profile_pb2.ListSegmentsRequest(catalogue=CATALOGUE, page_size=100)
    listed = connection.call(connection.profile.ListSegments, request).segments
    return [(each.description, each.people) for each in listed]


def space_behind(alias: str) -> Callable[[Connection, str], object]:
    """Its name, which follows from what was learned, and of how many items it has a vector."""

    def read(connection: Connection, _: str) -> object:
        request = indexer_pb2.ListSpacesRequest(catalogue=CATALOGUE)
        states = connection.call(connection.indexer.ListSpaces, request).spaces
        return [(state.space.name, state.items) for state in states if alias in state.aliases]

    return read


def scene(connection: Connection, _: str) -> object:
    """Its weights."""
    found, _version = SceneKeeper(connection, SCENE).read()
    return dict(found.signal_weights)


def printed(_: Connection, text: str) -> object:
    """For a job that puts nothing that could be read, or so much that its counts have to do."""
    return text


def forgotten(connection: Connection, _: str) -> object:
    """Of how many people there is still something."""
    request = profile_pb2.ForgetCatalogueRequest(catalogue=CATALOGUE, page_size=1000)
    people = 0
    while True:
        page = connection.call(connection.profile.ForgetCatalogue, request, 120.0)
        people += page.people
        request.page_token = page.next_page_token
        if not page.next_page_token:
            return people


def answers(connection: Connection, people: int) -> Answers:
    """What some of so many people are recommended now; nothing is recorded of it. Raises VisrecCallError."""
    found = {}
    for number in range(0, people, max(people // ASKED, 1)):
        request = ranker_pb2.RecommendRequest(
            catalogue=CATALOGUE, user_id=who(number), scene=SCENE, n=SHOWN, skip_freezing=True
        )
        answer = connection.call(connection.ranker.Recommend, request)
        found[who(number)] = frozenset(each.item.id for each in answer.recommendations)
    return found


def kept(before: Answers, after: Answers) -> float:
    """The share of what was answered before that is still answered."""
    total = sum(len(items) for items in before.values())
    return sum(len(items & after[who]) for who, items in before.items()) / total if total else 0.0
