"""What a recommendation costs: CPU of all processes, beside an empty call and the bare searches that it needs."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from PIL import Image

from bench.cases import Case, empty_call
from bench.embedder.answers import Latency
from bench.embedder.bars import Bar
from bench.failure import BenchFailed
from bench.indexer import bare, exact, load
from bench.indexer.grpc_line import GrpcLine, body
from bench.indexer.house import CATALOGUE
from bench.indexer.load import Endpoint, Load
from bench.indexer.space import Float32
from bench.pictures import picture
from bench.profile.town import Say
from bench.ranker.city import City, endpoint
from visrec.v1 import common_pb2, embedder_pb2, profile_pb2, ranker_pb2

CALLERS = 64
PHOTOS = 16
PHOTO_QUALITY = 60
"""So that a request fits into the window that a connection of HTTP/2 begins with."""
N = 10
CANDIDATES = 50
"""What each query brings, by the defaults of the ranker for somebody of four interests."""
RECALL = 0.97
"""Of the bare search: what the indexer promises for its best ten."""
SAMPLED = 300
"""People whose interests are searched with barely."""

EMPTY_CALLS = 8.0
AIMED_CALLS = 5.0
LEAST_PER_S, AIMED_PER_S = 600.0, 1000.0
MOST_P99_MS = 25.0
MOST_PHOTO = 1.15


@dataclass(frozen=True)
class Round:
    """Measured one after the other. `search_ms`: CPU of the bare searches that one answer needs. `parts`: CPU of an
    answer by process, ms."""

    empty: Load
    search_ms: float
    person: Load
    parts: Mapping[str, float]


@dataclass(frozen=True)
class Measured:
    """`interests`: bare searches that one answer needs; they find `recall` of what is nearest. `steady`: at half of the
    rate that CALLERS reach. `embed`: a photo, embedded alone; `photo`: recommended by, to the same people."""

    rounds: Sequence[Round]
    interests: float
    recall: float
    steady: Latency
    steady_per_s: float
    embed: Load
    photo: Load
    photo_parts: Mapping[str, float]

    @property
    def search_ms(self) -> float:
        """CPU of the bare searches of an answer."""
        return median(each.search_ms for each in self.rounds)

    @property
    def cpu_ms(self) -> float:
        """Of an answer for a person."""
        return median(each.person.cpu_ms for each in self.rounds)

    @property
    def empty_ms(self) -> float:
        """Of an empty call."""
        return median(each.empty.cpu_ms for each in self.rounds)

    @property
    def per_s(self) -> float:
        """Answers for people, from CALLERS."""
        return median(each.person.per_s for each in self.rounds)

    @property
    def calls(self) -> float:
        """How many empty calls an answer costs beside the bare searches: the median of the rounds."""
        return median((each.person.cpu_ms - each.search_ms) / each.empty.cpu_ms for each in self.rounds)

    @property
    def of_photo(self) -> float:
        """The CPU of an answer to a photo, in units of embedding it and answering the person."""
        return self.photo.cpu_ms / (self.embed.cpu_ms + self.cpu_ms)

    def bars(self) -> list[Bar]:
        """All of them."""
        return [
            Bar("(CPU of an answer - bare searches) / an empty call", self.calls, EMPTY_CALLS, aim=AIMED_CALLS),
            Bar(f"answers/s, {CALLERS} callers", self.per_s, LEAST_PER_S, at_least=True, aim=AIMED_PER_S, unit="/s"),
            Bar("p99 at half of that rate", self.steady.p99_ms, MOST_P99_MS, unit="ms"),
            Bar("CPU with a photo / (embedding + without)", self.of_photo, MOST_PHOTO),
        ]


class Spent:
    """Reads the processor time of every process when a load begins and when it ends."""

    def __init__(self, city: City) -> None:
        self._city = city
        self._readings: list[dict[str, float]] = []

    def __call__(self) -> float:
        self._readings.append(self._city.spent_s())
        return sum(self._readings[-1].values())

    def parts(self, whole: Load) -> dict[str, float]:
        """Milliseconds of each process for each answer of that load, which was the last."""
        before, after = self._readings[-2:]
        spent = {name: after[name] - before[name] for name in after}
        total = sum(spent.values())
        return {name: whole.cpu_ms * seconds / total for name, seconds in spent.items()}


def measure(city: City, rounds: int, seconds: float, say: Say) -> Measured:
    """Raises BenchFailed."""
    people = city.people
    person = city.recommending([request(name) for name in people])
    _check(person)
    say("everybody once, so that what is remembered of all is")
    load.once(person, CALLERS)
    say("the bare searches")
    aims, interests = _aims(city, people[:: max(1, len(people) // SAMPLED)])
    wanted = exact.nearest(city.rows.vectors, aims, CANDIDATES)
    found = []
    with bare.built(city.rows, aims, wanted) as search, empty_call() as empty:
        best = np.ascontiguousarray(wanted[:, :N])
        ef = bare.least(lambda ef: search.recall_of(ef, best) >= RECALL, CANDIDATES, bare.GREATEST_EF)
        for number in range(rounds):
            say(f"round {number + 1} of {rounds}")
            timed = search.timed(ef, seconds)
            found.append(_round(city, empty, person, seconds, timed.cpu_ms * interests))
        recall = search.recall(ef)
    rate = median(each.person.per_s for each in found) / 2
    say(f"at half of the full rate, {rate:.0f}/s")
    steady = load.steady(person, CALLERS, rate, seconds)
    say("photos")
    photos = [common_pb2.Photo(data=_smaller(picture(number))) for number in range(PHOTOS)]
    embed = city.embedding([embedder_pb2.EmbedImageRequest(photo=photo) for photo in photos])
    both = city.recommending([request(name, photos[at % PHOTOS]) for at, name in enumerate(people[:1000])])
    embedded = load.loaded(embed, CALLERS, seconds, city.processes["embedder"].cpu_s)
    spent = Spent(city)
    answered = load.loaded(both, CALLERS, seconds, spent)
    return Measured(found, interests, recall, steady, rate, embedded, answered, spent.parts(answered))


def request(name: str, photo: common_pb2.Photo | None = None) -> ranker_pb2.RecommendRequest:
    """For a person, of whom everything is known."""
    return ranker_pb2.RecommendRequest(catalogue=CATALOGUE, user_id=name, photo=photo, n=N)


def _round(city: City, empty: Case, person: Endpoint, seconds: float, search_ms: float) -> Round:
    nothing = Endpoint(lambda: GrpcLine(empty.request.target, empty.request.method), [body(empty.request.body)])
    (process,) = empty.processes.values()
    spent = Spent(city)
    return Round(
        load.loaded(nothing, CALLERS, seconds, lambda: sum(process.cpu_times()[:2])),
        search_ms,
        whole := load.loaded(person, CALLERS, seconds, spent),
        spent.parts(whole),
    )


def _check(person: Endpoint) -> None:
    """Everybody's answer is whole: made of their taste and of what is popular."""
    answers, _ = load.asked(Endpoint(person.open_line, person.bodies[:50]))
    for each in map(ranker_pb2.RecommendResponse.FromString, answers):
        used = {one.signal for one in each.used}
        if len(each.recommendations) != N or used != {"taste", "popularity"}:
            raise BenchFailed(f"an answer of {len(each.recommendations)} items, of {used}; dropped: {each.dropped}")


def _aims(city: City, people: Sequence[str]) -> tuple[Float32, float]:
    """What the interests of these people look for, as the indexer would weigh it, and how many one has."""
    space = city.wares.space
    tastes = endpoint(city.town.address, "visrec.v1.ProfileService/GetTastes", [city.tastes_request(people[:64])])
    more = [city.tastes_request(people[at : at + 64]) for at in range(64, len(people), 64)]
    tastes = Endpoint(tastes.open_line, [*tastes.bodies, *(body(each.SerializeToString()) for each in more)])
    answers, _ = load.asked(tastes)
    found = [one.taste for each in map(profile_pb2.GetTastesResponse.FromString, answers) for one in each.results]
    vectors = [
        space.weighed(np.frombuffer(interest.vector.data, "<f4"), dict(taste.block_weights))
        for taste in found
        for interest in taste.interests
    ]
    if not vectors:
        raise BenchFailed("nobody has an interest")
    return np.array(vectors, np.float32), len(vectors) / len(found)


def _smaller(data: bytes) -> bytes:
    file = io.BytesIO()
    with Image.open(io.BytesIO(data)) as image:
        image.save(file, "JPEG", quality=PHOTO_QUALITY)
    return file.getvalue()
