"""Words that are looked up in the catalogue, and remembered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from services.errors import NotReady
from services.profile.taste import words as module
from services.profile.taste.words import REMEMBERED_S, UNANSWERED_S, Carriers, Words, spellings
from services.spaces import Float16, Space
from tests.profile.builders import SPACE, near, score


class FakeCarriers(Carriers):
    """Items that carry `oak`; counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.away = False

    def carrying(self, catalogue: str, space: Space, word: str, limit: int) -> Sequence[Float16]:
        self.asked.append(word)
        if self.away:
            raise NotReady("the indexer is away")
        return [near(0, 0.2, seed) for seed in range(5)][:limit] if word == "oak" else []


class Seconds:
    """A clock that stands until it is turned."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_word_is_the_mean_of_the_items_that_carry_it() -> None:
    found = Words(FakeCarriers(), Seconds()).vectors("shop", SPACE, ["oak", "unheard-of"])
    assert list(found) == ["oak"]
    assert score(found["oak"], near(0)) > 0.95
    np.testing.assert_allclose(SPACE.normalise(found["oak"].astype(np.float32)), found["oak"], atol=1e-3)


def test_a_word_is_asked_for_once_and_again_when_its_time_is_over() -> None:
    carriers, clock = FakeCarriers(), Seconds()
    words = Words(carriers, clock)
    for _ in range(3):
        words.vectors("shop", SPACE, ["oak", "unheard-of", "oak"])
    assert carriers.asked == ["oak", "unheard-of"]
    clock.now += REMEMBERED_S
    words.vectors("shop", SPACE, ["oak"])
    assert carriers.asked == ["oak", "unheard-of", "oak"]


def test_while_the_catalogue_is_away_the_word_stands_as_it_was_known() -> None:
    carriers, clock = FakeCarriers(), Seconds()
    words = Words(carriers, clock)
    before = words.vectors("shop", SPACE, ["oak"])
    carriers.away = True
    clock.now += REMEMBERED_S
    assert words.vectors("shop", SPACE, ["oak"])["oak"] is before["oak"]
    assert words.vectors("shop", SPACE, ["brass"]) == {}
    carriers.away = False
    clock.now += UNANSWERED_S
    words.vectors("shop", SPACE, ["brass"])
    assert carriers.asked == ["oak", "oak", "brass", "brass"]


def test_a_catalogue_that_is_away_is_asked_for_one_word_only() -> None:
    carriers = FakeCarriers()
    carriers.away = True
    words = Words(carriers, Seconds())
    for _ in range(2):
        assert words.vectors("shop", SPACE, ["oak", "brass", "wool"]) == {}
    assert carriers.asked == ["oak"]


def test_what_is_remembered_is_bounded() -> None:
    carriers = FakeCarriers()
    words = Words(carriers, Seconds())
    words.vectors("shop", SPACE, ["oak"])
    words.vectors("shop", SPACE, [f"word-{number}" for number in range(module.MAX_REMEMBERED)])
    words.vectors("shop", SPACE, ["oak"])
    assert carriers.asked.count("oak") == 2


def test_a_word_may_be_written_with_capitals() -> None:
    assert spellings("mid-century modern") == ["mid-century modern", "Mid-century modern", "Mid-Century Modern"]
    assert spellings("OAK") == ["OAK", "oak", "Oak"]
