"""What is known of people, and of groups of them, as tables for a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from visrec.tables import listing, moment, pairs, plain, word_of
from visrec.v1 import profile_pb2

TYPICAL = 3
"""Typical items of a segment that are shown; --json has all."""

HELD = {
    "answer": "answered to `visrec user put`, given again when the same call is sent twice",
    "recommendation": "recommended to them",
}
"""What a kind of record is, of which there are so many."""


def user(found: profile_pb2.User) -> Table:
    """A person's attributes and consent."""
    facts, place = found.attributes, found.attributes.location
    rows = [("user", found.user_id), ("age", str(facts.age) if facts.HasField("age") else "")]
    rows += [("gender", word_of(profile_pb2.Gender.Name(facts.gender), "GENDER_"))]
    rows += [("location", ", ".join(word for word in (place.city, place.region, place.country) if word))]
    rows += [("interests", ", ".join(facts.interests))]
    rows += [(name, plain(value)) for name, value in sorted(facts.other.items())]
    return pairs([*rows, *consent_rows(found.consent)])


def users(found: Sequence[profile_pb2.User]) -> Table | str:
    """One line a person."""
    if not found:
        return "Nobody: `visrec user put USER` makes somebody."
    columns = ("user", "age", "country", "interests", "personalisation", "photo learning", "segments")
    table = listing(*columns, numbers=["age"], whole={"user": [each.user_id for each in found]})
    for each in found:
        facts = each.attributes
        age = str(facts.age) if facts.HasField("age") else ""
        words = (each.user_id, age, facts.location.country, ", ".join(facts.interests))
        table.add_row(*map(escape, words), *(answer for _, answer in consent_rows(each.consent)))
    return table


def consent(found: profile_pb2.Consent) -> Table:
    """What a person agreed to, purpose by purpose."""
    return pairs(consent_rows(found))


def consent_rows(found: profile_pb2.Consent) -> list[tuple[str, str]]:
    """Name and answer of each purpose."""
    answers = {
        "personalisation": found.personalisation,
        "photo learning": found.photo_learning,
        "segments": found.segments,
    }
    return [
        (name, word_of(profile_pb2.ConsentState.Name(state), "CONSENT_STATE_") or "never asked")
        for name, state in answers.items()
    ]


def taste(found: profile_pb2.Taste) -> Table:
    """The interests of a person and the items they come from."""
    sources = [[_source(source) for source in interest.sources] for interest in found.interests]
    whole = {"comes from": [source for each in sources for source in each]}
    table = listing("interest", "share", "comes from", numbers=["share"], whole=whole)
    for number, (interest, lines) in enumerate(zip(found.interests, sources, strict=True), 1):
        table.add_row(str(number), f"{interest.weight:.0%}", escape("\n".join(lines)))
    return table


def _source(of: profile_pb2.InterestSource) -> str:
    return f"{of.item_id or 'a photo'} ({word_of(profile_pb2.EventType.Name(of.event_type), 'EVENT_TYPE_')})"


def receipt(answer: profile_pb2.DeleteUserResponse) -> Table:
    """What an erasure removed, and what it could not."""
    removed = [(each.place.replace("_", " "), f"{each.entries} removed") for each in answer.erased]
    until = moment(answer.tombstone_until)
    facts = [
        ("erased", moment(answer.erased_at)),
        ("late events", f"of before that are refused until {until}" if until else ""),
        (
            "files",
            "Redis was asked to write them anew"
            if answer.rewrite_asked
            else "Redis could not be asked to write them anew",
        ),
    ]
    return pairs([*removed, *facts, *(("remains", text) for text in answer.remains)])


def export(answer: profile_pb2.ExportUserResponse) -> Table:
    """How much is held about a person, and of what kind; the whole of it is for --json."""
    events = Counter(each.catalogue for each in answer.events)
    rows = [("events", f"{count} in {catalogue}") for catalogue, count in sorted(events.items())]
    rows += [("taste", f"in {each.catalogue}: {len(each.interests)} interests") for each in answer.tastes]
    seen = {each.catalogue: len(each.seen_item_ids) for each in answer.tastes}
    rows += [("seen items", f"{count} in {catalogue}") for catalogue, count in sorted(seen.items()) if count]
    settled = {each.catalogue: each.events for each in answer.long_term}
    rows += [("long term", f"what {count} events in {name} came to") for name, count in sorted(settled.items())]
    rows += [("vector", f"of a job, in {each.catalogue}") for each in answer.vectors]
    ids = answer.remembered_event_ids
    held = Counter(each.kind for each in answer.held)
    rows += [("kept", f"{count} {HELD.get(kind, f'of kind {kind}')}") for kind, count in sorted(held.items())]
    return pairs([*rows, ("event ids", f"{ids} remembered" if ids else ""), ("kept until", moment(answer.kept_until))])


def segments(found: Sequence[profile_pb2.Segment]) -> Table | str:
    """Groups of people who like alike, largest first."""
    if not found:
        return "No segments: `python -m jobs segments` looks for them."
    whole = {"segment": [each.segment_id for each in found]}
    table = listing("segment", "people", "what they have in common", "typical items", numbers=["people"], whole=whole)
    for each in found:
        typical = ", ".join(each.typical_item_ids[:TYPICAL])
        table.add_row(escape(each.segment_id), f"{each.people:,}", escape(each.description), escape(typical))
    return table
