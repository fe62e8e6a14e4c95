from __future__ import annotations

import io
import random
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console

from demo.catalogue import own
from demo.page import Story, render
from demo.pictures import NOTHING, data_uri
from demo.show import Show
from tests.client.fakes.fleet import Fleet
from visrec import tables
from visrec.client import Client
from visrec.v1 import ranker_pb2

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOSTILE = "<script>alert('x')</script> & \"more\""


def show(client: Client) -> tuple[Show, io.StringIO]:
    output = io.StringIO()
    console = Console(file=output, width=150, force_terminal=False)
    return Show(client, console, NOW, random.Random(7), clock=iter(range(1000)).__next__), output


@pytest.fixture
def story(client: Client, photos: Path) -> Story:
    return show(client)[0].run(own(photos))


def test_a_run_tells_every_step(client: Client, photos: Path, services: Fleet) -> None:
    (photos / "red" / "red_0.png").write_bytes(b"bad")
    running, output = show(client)
    running.run(own(photos))
    told = output.getvalue()
    assert "left out red/red_0.png: photos[0]: not a picture" in told
    assert "15 written, 0 there already, 0 removed, 1 failed" in told
    assert "16 photos into the catalogue `demo-photos`; 2 more are kept back to ask with" in told
    assert "Mira goes for" in told
    assert told.count("▸ Recommended") == 7
    assert "shows the same kind of thing" in told
    assert "left out taste: nothing is known yet" in told
    assert "visrec next" not in told, "nobody copies a token, and the services end with the run"


def test_photo_person_both_and_neither_are_asked(story: Story, services: Fleet) -> None:
    asked = [(bool(request.photo.data), request.user_id) for request in services.ranker.requests]
    assert asked == [
        (True, ""),
        (True, ""),
        (False, "demo-mira"),
        (False, "demo-jonas"),
        (True, "demo-mira"),
        (True, "demo-jonas"),
        (False, ""),
    ]
    assert all(request.explain for request in services.ranker.requests)


def test_visitors_agree_to_nothing_and_the_two_do(story: Story, services: Fleet) -> None:
    agreed = {name for name, user in services.profile.users.items() if user.consent.personalisation == 1}
    assert agreed == {"demo-mira", "demo-jonas"}
    assert len(services.profile.users) > len(agreed)


def test_a_person_with_another_history_begins_anew(client: Client, photos: Path, services: Fleet) -> None:
    show(client)[0].run(own(photos))
    services.profile.deleted.clear()
    show(client)[0].run(own(photos))
    assert services.profile.deleted == []
    for path in sorted((photos / "blue").iterdir())[:3]:
        path.unlink()
    show(client)[0].run(own(photos))
    assert services.profile.deleted


def test_too_few_photos_that_can_be_ingested_end_the_run(client: Client, photos: Path) -> None:
    catalogue = own(photos)
    for path in photos.rglob("*.png"):
        path.write_bytes(b"bad")
    with pytest.raises(ValueError, match="too few"):
        show(client)[0].run(catalogue)


class Outline(HTMLParser):
    """Every tag with its attributes, and the text outside of style."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_the_page_needs_nothing_from_outside(story: Story) -> None:
    page = render(story)
    sources = [attributes.get("src") or "" for tag, attributes in Outline(page).tags if tag == "img"]
    assert sources
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert not re.search(r"https?://|url\(|@import|<script|<link", page)


def test_the_page_shows_scores_parts_reasons_and_histories(story: Story) -> None:
    page = render(story)
    assert "+0.900" in page
    assert "shows the same kind of thing" in page
    assert "class=photo-content" in page
    assert "disliked" in page
    assert "no taste: no history" in page
    assert "What Mira did" in page
    assert "search 1.5" in page


def test_parts_that_round_to_nothing_are_left_out(story: Story) -> None:
    nothing = ranker_pb2.ScorePart(signal="popularity", contribution=0.0004)
    for answer in story.answers:
        for each in answer.response.recommendations:
            each.parts.append(nothing)
    assert "0.000" not in render(story)
    assert tables.parts([nothing, ranker_pb2.ScorePart(signal="seeds", contribution=-0.0006)]) == "-0.001 seeds"


def test_hostile_words_stay_words(story: Story) -> None:
    """Titles, reasons and notes come from strangers."""
    for answer in story.answers:
        for each in answer.response.recommendations:
            each.item.title = each.item.category = HOSTILE
            each.reasons.append(ranker_pb2.Reason(text=HOSTILE))
    hostile = replace(story, notes=[HOSTILE], facts={HOSTILE: HOSTILE})
    page = render(hostile)
    assert "<script" not in page
    assert "alert(&#x27;x&#x27;)" in page
    names = {name for tag, attributes in Outline(page).tags for name in attributes}
    assert names <= {"alt", "charset", "class", "content", "lang", "loading", "name", "src", "style", "title"}


def test_a_photo_that_cannot_be_shown_leaves_a_gap(tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"x")
    assert data_uri(broken) == NOTHING
    assert data_uri(tmp_path / "missing.jpg") == NOTHING
