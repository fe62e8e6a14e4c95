"""Judging recommendations: what is known is kept apart from what comes later, and numbers are those of the papers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from bench.quality import domains
from bench.quality.question import K
from bench.recommendation import measure, metrics, movielens, new_items, signals
from bench.recommendation.interval import interval
from bench.recommendation.log import Floats, Log, Split, by_person, by_time
from bench.recommendation.movielens import Movies, unit
from bench.recommendation.tuning import Settings, answers, tuned
from jobs.collaborative.factors import Recipe
from services.ranker.finding.candidates import Candidates, Likeness, Query
from services.ranker.order.fusion import weighted_sum

SPLITS = (by_time, by_person)
PEOPLE, ITEMS = 12, 30


def log_of(seed: int, events: int = 400, people: int = PEOPLE, items: int = ITEMS) -> Log:
    """People of two kinds who like what is of their kind; nobody does the same thing twice."""
    chance = np.random.default_rng(seed)
    pairs = chance.permutation(people * items)[:events]
    who, what = pairs // items, pairs % items
    liked = chance.random(len(pairs)) < np.where(who % 2 == what % 2, 0.8, 0.1)
    return Log(who, what, liked, np.sort(chance.random(len(pairs)) * 100), people, items)


def movies_of(log: Log) -> Movies:
    kinds = np.eye(2)[np.arange(log.items_count) % 2]
    return Movies(log, kinds, kinds, np.arange(log.people_count) % 2)


def with_another_future(log: Log, split: Split, seed: int) -> Log:
    """The same log, but all that is to be foretold is something else: other items, likes turned round."""
    chance = np.random.default_rng(seed)
    known = np.zeros(len(log.days), dtype=np.bool_)
    pairs = set(zip(split.known.people.tolist(), split.known.items.tolist(), strict=True))
    for at, pair in enumerate(zip(log.people.tolist(), log.items.tolist(), strict=True)):
        known[at] = pair in pairs
    items, liked = log.items.copy(), log.liked.copy()
    items[~known], liked[~known] = chance.integers(0, ITEMS, int((~known).sum())), ~liked[~known]
    return replace(log, items=items, liked=liked)


@pytest.mark.parametrize("split", SPLITS)
@given(seed=st.integers(0, 1000), share=st.floats(0.1, 0.9))
def test_every_event_is_on_one_side_and_nothing_that_is_known_came_later(
    split: Callable[[Log, float], Split], seed: int, share: float
) -> None:
    log = log_of(seed)
    found = split(log, share)

    assert len(found.known.days) + len(found.later.days) == len(log.days)
    for person in range(PEOPLE) if split is by_person else [slice(None)]:
        known, later = (
            part.days if person == slice(None) else part.days[part.people == person]
            for part in (found.known, found.later)
        )
        assert known.max(initial=-math.inf) <= later.min(initial=math.inf)
    assert not (found.wanted() & found.known.seen()).any()


@pytest.mark.parametrize("split", SPLITS)
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 1000))
def test_another_future_changes_nothing_of_what_is_chosen_and_learned(split: Callable[[Log], Split], seed: int) -> None:
    """Were an event of the test period looked at by any method, or by tuning, something would differ."""
    log = log_of(seed)
    movies = movies_of(log)
    other = with_another_future(log, split(log), seed)
    known, of_other = split(log).known, split(other).known

    chosen = tuned(known, split, movies, lambda: None)
    assert tuned(of_other, split, replace(movies, log=other), lambda: None) == chosen
    before, after = answers(known, movies, chosen), answers(of_other, replace(movies, log=other), chosen)
    for name, scores in before.items():
        np.testing.assert_array_equal(scores, after[name], err_msg=name)


def test_the_check_of_the_future_can_fail() -> None:
    """Who learns from all events is found out by it."""
    log = log_of(1)
    other = with_another_future(log, by_time(log), 1)

    assert (signals.popularity(log, 10.0) != signals.popularity(other, 10.0)).any()


@pytest.mark.parametrize("split", SPLITS)
def test_what_is_tuned_and_answered_with_is_what_is_known(
    split: Callable[[Log], Split], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The functions above keep the future out if it is not given to them; here is who gives."""
    log = log_of(2)
    given = list[Log]()

    def tuning(known: Log, *_: object) -> Settings:
        given.append(known)
        return Settings()

    def answering(known: Log, *rest: Any) -> dict[str, Floats]:
        given.append(known)
        return answers(known, *rest)

    monkeypatch.setattr(measure, "tuned", tuning)
    monkeypatch.setattr(measure, "answers", answering)
    measure.measured("split", split, movies_of(log), lambda: None)
    assert len(given) == 2
    for each in given:
        np.testing.assert_array_equal(each.days, split(log).known.days)
        np.testing.assert_array_equal(each.items, split(log).known.items)


def test_people_without_a_like_before_are_newcomers() -> None:
    people, items = np.array([0, 1, 2, 0, 1, 2]), np.array([0, 0, 0, 1, 1, 0])
    liked = np.array([True, False, True, True, True, True])
    log = Log(people, items, liked, np.arange(6.0), 3, 2)

    split = by_time(log, 0.5)

    assert split.people().tolist() == [0]
    assert split.newcomers().tolist() == [1]  # the third wants nothing but what they have seen


def test_measures_are_those_of_a_hand() -> None:
    wanted = np.array([[True, False, True, False, False], [False, True, False, False, False]])
    top = np.array([[1, 0, 2], [0, 2, 3]])

    assert metrics.recall(top, wanted).tolist() == [1.0, 0.0]
    ideal = 1 + 1 / math.log2(3)
    assert metrics.ndcg(top, wanted).tolist() == pytest.approx([(1 / math.log2(3) + 0.5) / ideal, 0.0])
    assert metrics.coverage(top, 5) == 0.8
    likes = np.array([[1.0, 1, 0, 0, 0], [1, 0, 0, 0, 0]])
    assert metrics.novelty(top, likes).tolist() == pytest.approx([(1 + 0 + 2) / 3, (0 + 2 + 2) / 3])


def test_a_list_of_one_kind_is_not_diverse_and_one_like_the_past_is_calibrated() -> None:
    kinds = np.array([[1.0, 0], [1, 0], [0, 1], [0, 1]])
    top = np.array([[0, 1], [0, 2], [2, 3]])
    likes = np.array([[0.0, 0, 1, 1], [1, 0, 1, 0], [0, 0, 0, 0]])

    assert metrics.diversity(top, kinds).tolist() == pytest.approx([0.0, 1.0, 0.0])
    divergence = metrics.calibration(top, kinds, likes)
    assert divergence[:2].tolist() == pytest.approx([math.log(100), 0.0])
    assert math.isnan(divergence[2])
    without = np.vstack([kinds, np.zeros((2, 2))])
    shown = metrics.calibration(np.array([[4, 5]]), without, np.array([[1.0, 0, 0, 0, 0, 0]]))
    assert shown.tolist() == pytest.approx([math.log(100)])


@given(seed=st.integers(0, 1000), k=st.integers(1, 12))
def test_the_discounted_gain_is_that_of_a_library_and_of_the_other_benches(seed: int, k: int) -> None:
    chance = np.random.default_rng(seed)
    scores, wanted = chance.permuted(np.tile(np.arange(12.0), (5, 1)), axis=1), chance.random((5, 12)) < 0.3
    wanted[:, 0] = True
    top = metrics.best(scores, np.zeros_like(wanted), k)

    own = metrics.ndcg(top, wanted)
    assert own.mean() == pytest.approx(ndcg_score(wanted, scores, k=k, ignore_ties=True))
    if k == K:
        np.testing.assert_allclose(domains.ndcg(scores, wanted), own)


@given(seed=st.integers(0, 1000), few=st.integers(1, 4), k=st.integers(1, 6))
def test_the_best_are_those_of_a_whole_sort(seed: int, few: int, k: int) -> None:
    """Also where many are equal, which is where a partial sort would choose by chance."""
    chance = np.random.default_rng(seed)
    scores, seen = chance.integers(0, few, (4, 60)).astype(float), chance.random((4, 60)) < 0.2

    whole = np.argsort(-np.where(seen, -np.inf, scores), axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(metrics.best(scores, seen, k), whole)


def test_an_interval_holds_the_mean_and_narrows_with_people() -> None:
    chance = np.random.default_rng(1)
    few, many = interval(chance.normal(1, 1, 50)), interval(chance.normal(1, 1, 5000))

    assert few.low < few.mean < few.high
    assert many.high - many.low < (few.high - few.low) / 5
    assert many.is_above
    assert not many.is_below


def test_the_fused_answer_is_what_the_ranker_would_say() -> None:
    """The same values of a collaborative space, a taste and popularity, to the last candidate."""
    chance = np.random.default_rng(1)
    names = ("collaborative", "taste", "popularity")
    said = {name: chance.random((1, 20)) for name in names}
    weights = {"collaborative": 0.5, "taste": 0.2, "popularity": 0.3}
    likeness = [
        Likeness([Query(name, name)], ["all"], said[name][0][:, None, None].astype(np.float32)) for name in names[:2]
    ]
    candidates = Candidates([f"item-{at}" for at in range(20)], likeness, {"popularity": said["popularity"][0]})

    scores = weighted_sum(candidates, weights).scores()

    np.testing.assert_allclose(signals.fused(said, weights)[0], scores, rtol=1e-6)


def test_kind_and_year_have_unit_norm_and_nothing_stays_nothing() -> None:
    rows = unit(np.array([[3.0, 4.0], [0.0, 0.0]]))

    assert rows.tolist() == [[0.6, 0.8], [0.0, 0.0]]


def test_what_is_known_of_hidden_items_is_not_looked_at() -> None:
    """Other events with them change nothing of what is said of them, but where it should."""
    log = log_of(2, 2000, 40, 120)
    movies = movies_of(log)
    out = new_items.parts(120)[0]
    few = Settings(recipe=Recipe(factors=2, regularisation=1.0))
    turned = replace(log, liked=log.liked ^ out[log.items])

    found, again = (new_items.scores(each, movies, few, out) for each in (log, turned))

    for name in (new_items.MAPPED, new_items.TASTE):
        np.testing.assert_array_equal(found[name], again[name])
    assert (found[new_items.LEARNED] != again[new_items.LEARNED]).any()
    assert found[new_items.MAPPED].any()


def test_parts_that_are_taken_out_share_nothing_and_are_a_tenth_each() -> None:
    found = new_items.parts(1000)
    assert [int(part.sum()) for part in found] == [100] * new_items.LEFT_OUT
    assert np.sum(found, axis=0).max() == 1


def test_films_are_numbered_by_chance_and_keep_what_is_known_of_them(tmp_path: Path) -> None:
    """In MovieLens numbers go by popularity: ties would favour what is popular."""
    films = range(1, 41)
    events = "\n".join(f"1 {film} {5 if film % 2 else 1} {film * 86400}" for film in films)
    (tmp_path / "ml-100k.inter").write_text(f"head\n{events}\n")
    told = "\n".join(f"{film}\tTitle\t{1950 if film % 2 else 1990}\t{'Drama' if film % 2 else 'War'}" for film in films)
    (tmp_path / "ml-100k.item").write_text(f"head\n{told}\n")
    (tmp_path / "ml-100k.user").write_text("head\n1\t24\tM\n")

    movies = movielens.read(tmp_path)
    assert movies.log.items.tolist() != sorted(movies.log.items.tolist())
    assert sorted(movies.log.items.tolist()) == list(range(40))
    drama = movies.kinds[movies.log.items, 0] == 1
    np.testing.assert_array_equal(drama, movies.log.liked)
    np.testing.assert_array_equal(movielens.read(tmp_path).log.items, movies.log.items)
