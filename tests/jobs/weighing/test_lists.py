"""Answers as arrays: what is in a list, and people taken out of it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from jobs.feedback.joining import AnswerShown, Place, Shown
from jobs.feedback.reading import Person
from jobs.weighing.lists import Gathering, Lists

SIGNALS = ("popularity", "segment", "taste")
CLICKS = frozenset(["click"])


def place(rank: int, *outcomes: str, **values: float) -> Place:
    return Place(Shown(f"item-{rank}", 0, "a", rank, "shop", values=values), frozenset(outcomes))


def answer(*places: Place, scene: str = "shop") -> AnswerShown:
    return AnswerShown(scene, "", "", places)


def gathered(*people: list[AnswerShown]) -> Lists:
    return Gathering(SIGNALS, "shop", CLICKS).add_all(Person(str(n), answers) for n, answers in enumerate(people))


def test_a_list_has_what_each_signal_said_and_what_counts_of_what_came_of_it() -> None:
    shown = answer(place(1, "save", taste=0.5, segment=0.1, popularity=0.2), place(2, "click", segment=0.3, photo=0.9))
    found = gathered([shown], [])
    assert found.values.tolist() == [[0.2, 0.1, 0.5], [0.0, 0.3, 0.0]]
    assert found.chosen.tolist() == [False, True]
    assert found.ranks.tolist() == [1, 2]
    assert (found.people, found.with_choice) == (1, 1)


def test_without_a_segment_what_is_popular_stands_for_it() -> None:
    found = gathered([answer(place(1, popularity=0.4), place(2, popularity=0.1, taste=0.2))])
    assert found.values.tolist() == [[0.4, 0.4, 0.0], [0.1, 0.1, 0.2]]


def test_other_scenes_and_answers_by_ranks_are_left_out() -> None:
    by_ranks = answer(place(1, "click", taste=1 / 61, popularity=1 / 62), place(2, taste=1 / 63))
    elsewhere = answer(place(1, "click", taste=0.5), scene="art")
    found = gathered([by_ranks, elsewhere], [answer(place(1, taste=0.5))])
    assert found.values.tolist() == [[0.0, 0.0, 0.5]]
    assert found.people == 1


def test_of_nothing_there_are_empty_lists() -> None:
    found = gathered()
    assert (found.values.shape, found.people, found.with_choice) == ((0, 3), 0, 0)


def test_an_answer_of_which_all_was_chosen_tells_nothing_apart() -> None:
    assert gathered([answer(place(1, "click", taste=0.5), place(2, "click", taste=0.1))]).with_choice == 0


def test_of_too_many_people_a_hash_takes_a_sample_whenever_they_come() -> None:
    people = [Person(f"p-{number}", [answer(place(1, taste=number / 100))]) for number in range(10, 110)]

    def sample(of: list[Person], seed: int = 1) -> set[float]:
        gathering = Gathering(SIGNALS, "shop", CLICKS, most=30, seed=seed)
        found = gathering.add_all(of)
        assert (found.people, gathering.met) == (30, 100)
        return set(found.values[:, 2].tolist())

    assert sample(people) == sample(people[::-1]) != sample(people, seed=2)


def test_the_names_of_what_was_tried_are_kept_whoever_is_left_out() -> None:
    tried = AnswerShown("shop", "spring", "new", [place(1, taste=0.5)])
    elsewhere = AnswerShown("art", "summer", "new", [place(1, taste=0.5)])
    gathering = Gathering(SIGNALS, "shop", CLICKS, most=1)
    for number in range(5):
        gathering.add(Person(f"p-{number}", [tried, elsewhere, answer(place(1, taste=0.1))]))
    assert gathering.experiments == {"spring"}


PEOPLE = st.lists(
    st.lists(
        st.lists(st.booleans(), min_size=1, max_size=4).map(
            lambda clicks: answer(
                *(
                    place(rank, *(CLICKS if clicked else ()), taste=rank / 7)
                    for rank, clicked in enumerate(clicks, start=1)
                )
            )
        ),
        min_size=1,
        max_size=3,
    ),
    max_size=6,
)


@given(PEOPLE, st.data())
def test_some_of_the_people_are_as_if_only_they_had_come(people: list[list[AnswerShown]], data: st.DataObject) -> None:
    some = data.draw(st.lists(st.booleans(), min_size=len(people), max_size=len(people)))
    found = gathered(*people).of(np.array(some, dtype=bool))
    only = gathered(*(person for person, is_in in zip(people, some, strict=True) if is_in))
    for name in ("values", "chosen", "ranks", "answer", "person"):
        assert getattr(found, name).tolist() == getattr(only, name).tolist()
