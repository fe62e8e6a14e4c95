"""Segments of people: what is found, and that nothing told of them is about a few."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.description import Counts, portrait
from jobs.people import Somebody, sample
from jobs.segmenting import COARSE, Found, Rules, coarse, renamed, segment
from tests.jobs.people import PEOPLE, SCALES, SIZE, axis, crowd, kind_of, rand_index, somebody

RULES = Rules(min_people=20, min_item_people=5, most=12, seed=7)


def found(people: list[Somebody], rules: Rules = RULES) -> Found:
    chosen, total = sample(people, 10_000)
    return segment(chosen, total, SCALES, rules)


def test_kinds_of_people_are_found_and_described() -> None:
    people, _ = sample(crowd(80, 60, 40), 10_000)
    told = segment(people, len(people), SCALES, RULES)
    assert [each.people for each in told.segments] == pytest.approx([80, 60, 40], abs=5)
    assert rand_index([kind_of(each) for each in people], list(told.labels)) > 0.9
    for each, kind in zip(told.segments, ("lamp", "chair", "vase"), strict=True):
        assert each.name.startswith(kind)
        assert f"likes {kind} (100%" in each.portrait.description
        assert f"interest {kind}" in each.portrait.description
        assert "oak" not in each.portrait.description  # everybody likes it
        assert len(each.portrait.typical) >= 5
        assert all(item.startswith(kind) for item in each.portrait.typical)


def test_what_a_segment_likes_is_several_interests() -> None:
    """Each kind has a loud one and a quiet one."""
    first = found(crowd(80, 60, 40)).segments[0]
    loud, quiet = first.interests
    assert loud.weight == pytest.approx(0.8, abs=0.02)
    assert loud.vector @ axis(0, 0, 0) > 0.9
    assert quiet.vector @ axis(8, 0, 0) > 0.9


@settings(max_examples=10)
@given(st.permutations(range(120)))
def test_the_order_of_people_decides_nothing(order: list[int]) -> None:
    people = crowd(50, 40, 30)
    one, other = found(people), found([people[at] for at in order])
    assert [(each.name, each.people, each.portrait) for each in one.segments] == [
        (each.name, each.people, each.portrait) for each in other.segments
    ]


@given(people=st.integers(20, 10_000))
def test_numbers_of_people_are_coarse(people: int) -> None:
    told = coarse(people, 20)
    assert people - COARSE < told <= people
    assert told % COARSE == 0
    assert coarse(23, 22) == 22, "never below what is nobody's"


def test_the_shares_of_two_runs_do_not_tell_what_the_one_who_left_was_like() -> None:
    """Of 44 people who like lamps half said so, and one who did not is gone."""
    everybody = crowd(44, 60)
    stating = [replace(each, facts=("interest:lamp",) if at % 2 else ()) for at, each in enumerate(everybody[:44])]
    runs = [
        portrait(Counts.of(stating[gone:]), Counts.of([*stating[gone:], *everybody[44:]]), 20, 5).description
        for gone in (0, 1)
    ]
    shares = [re.findall(r"\d+%", told) for told in runs]
    assert shares == [["50%"], ["50%"]]


def test_a_group_of_few_people_is_nobodys() -> None:
    told = found(crowd(60, 60, 8))
    assert [each.people for each in told.segments] == [60, 60]
    assert told.nobodys == 8
    assert list(told.labels).count(-1) == 8
    assert not any("vase" in each.portrait.description for each in told.segments)


def test_no_word_and_no_interest_is_about_fewer_people_than_a_segment_needs() -> None:
    """One person's word, however telling, is not told, and an interest that few have is not shared."""
    people = crowd(60, 60)
    marked = [
        Somebody(
            each.pseudonym,
            each.space,
            each.features,
            (*each.facts, *(("city:Atlantis",) if at < 19 else ()), *(("age:25-34",) if kind_of(each) == 0 else ())),
            (*each.words, *(("unicorn",) if at < 19 else ())),
            (*each.items, *(("secret",) if at < 4 else ())),
            each.interests,
        )
        for at, each in enumerate(people)
    ]
    for each in found(marked).segments:
        assert not re.search("Atlantis|unicorn", each.portrait.description)
        assert "secret" not in each.portrait.typical
    assert (
        "age 25-34" in found(marked).segments[0].portrait.description + found(marked).segments[1].portrait.description
    )


def test_an_interest_of_fewer_people_is_not_shared() -> None:
    people = crowd(60, 60)
    lonely = [each if at % 10 else _liking(each, 20) for at, each in enumerate(people)]
    for each in found(lonely).segments:
        assert all(liked.vector @ axis(20, 0, 0) < 0.5 for liked in each.interests)


def _liking(person: Somebody, direction: int) -> Somebody:
    mine = person.interests[0]
    other = type(mine)(mine.space, axis(direction, 1, 0.1), 1.0)
    return Somebody(person.pseudonym, person.space, person.features, person.facts, person.words, person.items, (other,))


def test_too_few_people_and_people_without_groups_make_no_segments() -> None:
    assert not found(crowd(20, 19)).segments
    assert not found([]).segments
    rng = np.random.default_rng(3)
    alike = [Somebody(str(at), PEOPLE, axis(0, at, 5.0)) for at in rng.permutation(300)]
    assert not found(alike).segments


def test_of_a_sample_people_are_counted_in_proportion() -> None:
    chosen, total = sample(crowd(200, 100), 150)
    told = segment(chosen, total, SCALES, RULES)
    assert len(chosen) == 150
    assert sum(each.people for each in told.segments) == pytest.approx(300, abs=15)


def test_a_sample_takes_the_same_people_however_they_come() -> None:
    people = crowd(40, 40)
    one, other = sample(people, 30)[0], sample(people[::-1], 30)[0]
    assert [each.pseudonym for each in one] == [each.pseudonym for each in other]


def test_who_is_not_known_is_not_counted() -> None:
    nobody = Somebody("x", PEOPLE, np.zeros(SIZE, dtype=np.float32))
    assert sample([nobody, somebody(0, 1)], 10)[1] == 1


def test_a_segment_goes_on_under_the_id_of_the_one_it_is_most_like() -> None:
    first, second, third = found(crowd(80, 60, 40)).segments
    known = {
        "old-lamps": axis(0, 5, 0.3),
        "older-lamps": axis(0, 6, 0.4),
        "gone": axis(20, 1, 0.1),
        third.name: axis(21, 1, 0.1),
    }
    names = [each.name for each in renamed([first, second, third], known)]
    assert names[0] == "old-lamps"
    assert names[1:] == [second.name, third.name]
    assert [each.name for each in renamed([first], {first.name: axis(9, 0, 0.1)})] == [first.name]
    twice = renamed([first, second], {second.name: first.centre})
    assert twice[0].name == second.name
    assert twice[1].name == f"{second.name}-2"


def test_people_without_words_are_described_all_the_same() -> None:
    counts = Counts.of([Somebody(str(at), PEOPLE, axis(0, at, 0.1)) for at in range(30)])
    assert portrait(counts, counts, 20, 5).description == "likes alike, with no word that tells them from the others"
