"""The job counts what the profile service counts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jobs.collaborative import tidying
from jobs.collaborative.reading import CLICKS
from jobs.collaborative.tidying import Act, tidied
from services.profile.events.event import WEIGHTS, Event, EventType
from services.profile.taste import tidying as service

acts = st.lists(
    st.builds(
        Act,
        st.integers(0, 12).map(lambda step: step * 4_000) | st.integers(0, 40_000),
        st.sampled_from(["coat", "lamp"]),
        st.sampled_from(sorted(CLICKS)),
    ),
    max_size=20,
)


@given(done=acts)
def test_it_is_the_rule_of_the_profile_service(done: list[Act]) -> None:
    in_time = sorted(done, key=lambda act: act.time_ms)
    events = [Event(str(at), EventType[act.kind.upper()], act.time_ms, act.item) for at, act in enumerate(in_time)]
    counted = [Act(each.time_ms, each.item_id, each.type.name.lower()) for each in service.tidied(events)]

    assert sorted(tidied(done)) == sorted(counted)
    assert [act.time_ms for act in tidied(done)] == sorted(act.time_ms for act in counted)


def test_numbers_are_those_of_the_profile_service() -> None:
    assert (tidying.AGAIN_MS, tidying.MOST_ALIKE) == (service.AGAIN_MS, service.MOST_ALIKE)
    assert {EventType[kind.upper()] for kind in tidying.OPINIONS} == service.OPINIONS
    about_items = set(WEIGHTS) - {EventType.UPLOAD, EventType.IMPRESSION}
    assert {kind.name.lower(): WEIGHTS[kind] for kind in about_items} == CLICKS


def test_a_browser_that_reloads_does_not_like_a_thing_a_hundred_times() -> None:
    assert len(tidied(Act(1000 * second, "coat", "view") for second in range(60))) == 3
