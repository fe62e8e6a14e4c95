"""The page for people who would rather look than read: one HTML file with its pictures inside and nothing from outside.

The frame is page.html beside this file; here are the pieces that fill it. Every text is escaped where it is put in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path
from string import Template

from demo.catalogue import photo_of
from demo.people import Deed, Person
from demo.pictures import NOTHING, data_uri
from demo.questions import Answer
from visrec.items import NewItem
from visrec.tables import part_name, price, telling
from visrec.v1 import ranker_pb2

TEMPLATE = Path(__file__).with_name("page.html")

DEED_WORDS = {"like": "liked", "save": "saved", "purchase": "bought", "dislike": "disliked", "view": "viewed"}

REASONS = 2
"""Of each item, the strongest."""

Files = Mapping[str, Path]

COLOURS = {
    ("photo", "content"): "photo-content",
    ("photo", "colour"): "photo-colour",
    ("taste", "content"): "taste-content",
    ("taste", "colour"): "taste-colour",
    ("popularity", ""): "popularity",
}
"""Class of the bar of each signal and block; what is not here has the class `other`."""


@dataclass(frozen=True)
class Story:
    """All that the page tells.

    `files` has the photo of each item by its id. `answers` are to `demo.questions.questions(photos, people)`. `facts`
    are short figures with their meaning, `notes` lines for the foot of the page.
    """

    files: Files
    photos: Sequence[NewItem]
    people: Sequence[Person]
    answers: Sequence[Answer]
    facts: Mapping[str, str]
    notes: Sequence[str]
    made: datetime


def render(story: Story) -> str:
    """The page."""
    alone = [answer for answer in story.answers if answer.question.photo and not answer.question.person]
    both = [answer for answer in story.answers if answer.question.photo and answer.question.person]
    people = [answer for answer in story.answers if answer.question.person and not answer.question.photo]
    nobody = [answer for answer in story.answers if not answer.question.photo and not answer.question.person]
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        facts="".join(_fact(value, meaning) for meaning, value in story.facts.items()),
        photos="".join(_asked_with_photo(answer, story.files) for answer in alone),
        people="".join(_person(answer, story.files) for answer in people),
        query=_figure(both[0].question.photo, "asked with") if both and both[0].question.photo else "",
        both="".join(_together(answer, alone[0], story.files) for answer in both),
        nobody="".join(_row(answer, story.files) for answer in nobody),
        timings="".join(_timing(answer) for answer in story.answers),
        notes="".join(f"<li>{escape(note)}</li>" for note in story.notes),
        made=escape(story.made.strftime("%d %B %Y, %H:%M")),
    )


def _fact(value: str, meaning: str) -> str:
    return f"<div class=fact><b>{escape(value)}</b><span>{escape(meaning)}</span></div>"


def _asked_with_photo(answer: Answer, files: Files) -> str:
    assert answer.question.photo is not None
    return f"<div class=asked>{_figure(answer.question.photo, 'the photo')}<div>{_row(answer, files)}</div></div>"


def _figure(item: NewItem, kicker: str) -> str:
    title = escape(item.title or item.id)
    return (
        f"<figure class=query><img src='{_picture(photo_of(item))}' alt='{title}'>"
        f"<figcaption><span>{escape(kicker)}</span>{title}</figcaption></figure>"
    )


def _person(answer: Answer, files: Files) -> str:
    person = answer.question.person
    assert person is not None
    history = "".join(_deed(deed) for deed in person.deeds)
    return (
        f"<article class=person><header><span class=avatar>{escape(person.name[:1])}</span><div>"
        f"<h3>{escape(person.name)}</h3><p>{escape(_about(person))}</p></div></header>"
        f"<h4>What {escape(person.name)} did</h4><div class=history>{history}</div>"
        f"<h4>What visrec recommends</h4>{_row(answer, files)}</article>"
    )


def _about(person: Person) -> str:
    facts = person.facts
    place = f"{facts.age}, {facts.city}"
    photos = "photos may be learned from" if facts.photo_learning else "photos may not be learned from"
    return f"{place} · goes for {person.leaning} · agreed to personalisation; {photos}"


def _deed(deed: Deed) -> str:
    word = DEED_WORDS[deed.type]
    title = escape(deed.item.title or deed.item.id)
    return (
        f"<figure class='deed {deed.type}' title='{word}: {title}'><img src='{_picture(photo_of(deed.item))}' "
        f"alt='{title}' loading=lazy><figcaption>{word}</figcaption></figure>"
    )


def _together(answer: Answer, alone: Answer, files: Files) -> str:
    assert answer.question.person is not None
    ranks = {each.item.id: each.rank for each in alone.response.recommendations}
    name = escape(answer.question.person.name)
    return f"<div class=together><h3>The same photo, for {name}</h3>{_row(answer, files, ranks)}</div>"


def _row(answer: Answer, files: Files, ranks_before: Mapping[str, int] | None = None) -> str:
    """The answer as cards. `ranks_before` has the ranks of an answer to compare with."""
    found = answer.response.recommendations
    largest = max((_positive(each.parts) for each in found), default=0.0) or 1.0
    cards = "".join(_card(each, files, largest, _move(each, ranks_before)) for each in found)
    return f"<div class=cards>{cards or '<p class=empty>Nothing was found.</p>'}</div>{_signals(answer.response)}"


def _move(each: ranker_pb2.Recommendation, before: Mapping[str, int] | None) -> str:
    if before is None:
        return ""
    old = before.get(each.item.id)
    if old is None:
        return "<em class=new>new</em>"
    return f"<em class=up>▲ {old - each.rank}</em>" if each.rank < old else ""


def _card(each: ranker_pb2.Recommendation, files: Files, largest: float, move: str) -> str:
    title = escape(each.item.title or each.item.id)
    facts = (each.item.category, price(each.item))
    below = "<br>".join(escape(words) for words in facts if words)
    reasons = "".join(f"<li>{escape(reason.text)}</li>" for reason in each.reasons[:REASONS])
    bars = "".join(_bar(part, largest) for part in each.parts if part.contribution > 0)
    terms = "".join(
        f"<tr><td><i class={_colour(part)}></i>{escape(part_name(part))}<td>{part.contribution:+.3f}"
        for part in telling(each.parts)
    )
    return (
        f"<article class=card><div class=photo><img src='{_picture(files.get(each.item.id))}' alt='{title}' "
        f"loading=lazy><b>{each.rank}</b>{move}</div>"
        f"<details><summary><span class=bars>{bars}</span><span class=score>{each.score:.2f}</span></summary>"
        f"<table>{terms}</table></details>"
        f"<h5>{title}</h5><p class=below>{below}</p><ul class=reasons>{reasons}</ul></article>"
    )


def _bar(part: ranker_pb2.ScorePart, largest: float) -> str:
    width = 100 * part.contribution / largest
    return f"<i class={_colour(part)} style='width:{width:.1f}%' title='{escape(part_name(part))}'></i>"


def _colour(part: ranker_pb2.ScorePart) -> str:
    return COLOURS.get((part.signal, part.block), "other")


def _positive(parts: Iterable[ranker_pb2.ScorePart]) -> float:
    return sum(part.contribution for part in parts if part.contribution > 0)


def _signals(response: ranker_pb2.RecommendResponse) -> str:
    used = "".join(f"<span>{escape(each.signal)} {each.weight:.0%}</span>" for each in response.used)
    left_out = [
        f"<span class=dropped title='{escape(each.message)}'>no {escape(each.signal)}: "
        f"{escape(each.reason.replace('_', ' ').lower())}</span>"
        for each in response.dropped
    ]
    return f"<p class=signals>made from {used or '<span>nothing</span>'}{''.join(left_out)}</p>"


def _timing(answer: Answer) -> str:
    stages = ", ".join(f"{escape(cost.stage)} {cost.ms:.1f}" for cost in answer.response.costs)
    return f"<tr><td>{escape(answer.question.title)}<td>{answer.took_ms:.0f} ms<td>{stages}"


def _picture(file: Path | None) -> str:
    return data_uri(file) if file else NOTHING
