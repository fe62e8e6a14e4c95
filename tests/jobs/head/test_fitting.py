from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.head.fitting import FAITHFUL, STEPS, Lesson, Setting, best, held_out, learn
from jobs.head.gate import judge
from jobs.head.judging import View, unit
from tests.jobs.head.shelf import Shelf


def judged(shelf: Shelf, lesson: Lesson) -> tuple[float, float]:
    """Precision by label of held-out items: by raw features, and by what was learned from the others."""
    held = held_out(shelf.names, 0.2, "test")
    learned = learn(lesson, shelf.names, ~held, lambda: None)
    exam = shelf.by_label().exam(held, np.ones(len(held), dtype=np.bool_), 1000)
    before, after = exam.marks(View((unit(shelf.features),), (1.0,))), exam.marks(learned.view(shelf.features))
    found = judge(before, after)
    assert found.low > 0
    return found.old_precision, found.new_precision


def test_what_is_learned_from_labels_holds_for_items_that_were_not_there() -> None:
    shelf = Shelf.of(500, 8, 4)
    old, new = judged(shelf, shelf.by_label())
    assert new > old + 0.1


def test_what_is_learned_from_people_does_so_without_labels() -> None:
    shelf = Shelf.of(500, 8, 4)
    old, new = judged(shelf, shelf.by_people(600, 1))
    assert new > old + 0.1


def test_what_is_held_out_leaves_no_trace() -> None:
    """Other features and other groups of held-out items give the same head to the last bit: nothing leaks."""
    shelf = Shelf.of(300, 4, 1)
    held = held_out(shelf.names, 0.2, "test")
    before = learn(shelf.by_label(), shelf.names, ~held, lambda: None)
    changed = Shelf(np.where(held, 0, shelf.kinds), np.where(held[:, None], np.float16(7), shelf.features))
    after = learn(changed.by_label(), shelf.names, ~held, lambda: None)
    assert before.setting == after.setting
    assert np.array_equal(before.content.matrix, after.content.matrix)
    assert np.array_equal(before.kind.matrix, after.kind.matrix)


def test_the_same_items_give_the_same_head_and_every_step_is_told() -> None:
    shelf, steps = Shelf.of(200, 4, 1), []
    everything = np.ones(200, dtype=np.bool_)
    one, other = (learn(shelf.by_label(), shelf.names, everything, lambda: steps.append(1)) for _ in range(2))
    assert np.array_equal(one.kind.matrix, other.kind.matrix)
    assert len(steps) == 2 * STEPS


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=20))
def test_the_most_precise_of_the_faithful_is_chosen(marks: list[tuple[float, float]]) -> None:
    tried = {Setting(0.1, size, 1.0): each for size, each in enumerate(marks)}
    chosen = tried[best(tried)]
    if any(fidelity >= FAITHFUL for _, fidelity in marks):
        assert chosen[1] >= FAITHFUL
        assert chosen[0] == max(precision for precision, fidelity in marks if fidelity >= FAITHFUL)
    else:
        assert chosen[1] == max(fidelity for _, fidelity in marks)


@given(st.floats(0.05, 0.95))
def test_about_a_share_is_held_out_whoever_else_is_there(share: float) -> None:
    names = [f"item-{number}" for number in range(2000)]
    held = held_out(names, share, "salt")
    assert held.mean() == pytest.approx(share, abs=0.06)
    assert np.array_equal(held_out(names[::-1], share, "salt"), held[::-1])
