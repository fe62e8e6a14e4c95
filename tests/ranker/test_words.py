"""Reasons and their words."""

from __future__ import annotations

from itertools import product

import pytest

from services.ranker.others.ports import SEGMENT as OF_SEGMENT
from services.ranker.others.ports import STATED, Source
from services.ranker.ranking import Part
from services.ranker.reasons.reason import MAX_REASONS, Reason, ReasonKind, reasons
from services.ranker.reasons.words import LANGUAGES, reason_text
from services.ranker.scenes.scene import SIGNALS
from visrec.v1 import ranker_pb2


def part(signal: str, contribution: float, query: str = "", block: str = "", weight: float = 1.0) -> Part:
    return Part(signal, query, block, weight, contribution / weight, contribution)


SOURCES = {
    "interest-1": Source("lamp", "save"),
    "interest-2": Source("", STATED, "minimalism"),
    "interest-3": Source("", OF_SEGMENT),
    "seed-1": Source("sofa", ""),
    "session-1": Source("chair", "click"),
    "session-2": Source("", "upload"),
}


@pytest.mark.parametrize(
    ("of", "kind", "english", "chinese"),
    [
        (
            part("photo", 1, "photo", "content"),
            "SIMILAR_CONTENT",
            "It shows the same kind of thing as the photo",
            "与照片中的内容相似",
        ),
        (part("photo", 1, "photo", "colour"), "SIMILAR_COLOUR", "It has the colours of the photo", "与照片的配色相近"),
        (
            part("photo", 1, "photo"),
            "SIMILAR_CONTENT",
            "It shows the same kind of thing as the photo",
            "与照片中的内容相似",
        ),
        (part("taste", 1, "interest-1"), "CLOSE_TO_LIKED", "Close to “Lamp”, which you saved", "与您收藏的“Lamp”相似"),
        (
            part("taste", 1, "interest-2"),
            "STATED_INTEREST",
            "Because of your interest in minimalism",
            "因为您对“minimalism”感兴趣",
        ),
        (
            part("taste", 1, "interest-3"),
            "LIKED_BY_ALIKE",
            "People who are like you like such things",
            "与您相似的人喜欢这类内容",
        ),
        (part("seeds", 1, "seed-1"), "CLOSE_TO_SEED", "Close to “sofa”", "与“sofa”相似"),
        (part("seeds", 1, "seed-1", weight=-1.0), "FAR_FROM_SEED", "Unlike “sofa”", "与“sofa”不同"),
        (
            part("session", 1, "session-1"),
            "CLOSE_TO_SESSION",
            "Close to “chair”, which you looked at just now",
            "与您刚刚看过的“chair”相似",
        ),
        (part("session", 1, "session-2"), "CLOSE_TO_SESSION", "Close to a photo you sent", "与您发送的照片相似"),
        (
            part("collaborative", 1),
            "LIKED_TOGETHER",
            "People who like what you like, like it",
            "喜好与您相同的人也喜欢它",
        ),
        (part("segment", 1), "LIKED_BY_ALIKE", "People who are like you like such things", "与您相似的人喜欢这类内容"),
        (part("popularity", 1), "POPULAR", "Many people like it now", "近期很受欢迎"),
        (part("freshness", 1), "FRESH", "It is new", "新近发布"),
        (part("rule:own_label", 1), "RULE", "Picked out: own_label", "精选：own_label"),  # noqa: RUF001
    ],
)
def test_each_kind_has_its_words(of: Part, kind: str, english: str, chinese: str) -> None:
    (reason,) = reasons([of], SOURCES)
    assert reason.kind.name == kind
    titles = {"lamp": "Lamp"}
    assert [reason_text(reason, titles, language) for language in LANGUAGES] == [english, chinese]


def test_every_kind_is_one_of_the_contract_and_has_words_in_every_language() -> None:
    names = {name.removeprefix("REASON_KIND_") for name in ranker_pb2.ReasonKind.DESCRIPTOR.values_by_name} - {
        "UNSPECIFIED"
    }
    assert {kind.name for kind in ReasonKind} == names
    for kind, language in product(ReasonKind, LANGUAGES):
        assert reason_text(Reason(kind, 1.0, Source("a", "like", "b"), "c"), {}, language)


def test_the_strongest_come_first_and_what_is_little_is_not_told() -> None:
    parts = [part(signal, 0.1 * (1 + at)) for at, signal in enumerate(SIGNALS[4:])]
    told = reasons([*parts, part("rule:little", 0.01), part("rule:against", -5.0)], {})
    assert [reason.kind.name for reason in told] == ["FRESH", "POPULAR", "LIKED_BY_ALIKE"]
    assert len(told) == MAX_REASONS


def test_what_has_no_source_or_no_words_is_not_told() -> None:
    assert reasons([part("taste", 1, "interest-9"), part("photo", 1, "photo", "texture")], SOURCES) == []
