"""Reasons and their words."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import pytest

from services.ranker.others.ports import AVOIDED, SOMETHING_AVOIDED, STATED, Source
from services.ranker.others.ports import SEGMENT as OF_SEGMENT
from services.ranker.ranking import Part
from services.ranker.reasons.reason import MAX_REASONS, Reason, ReasonKind, reasons
from services.ranker.reasons.words import ENGLISH, LANGUAGES, reason_text
from services.ranker.scenes.rules import Boost
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
    (reason,) = reasons([of], SOURCES, {})
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
    told = reasons([*parts, part("rule:little", 0.01), part("rule:against", -5.0)], {}, {})
    assert [reason.kind.name for reason in told] == ["FRESH", "POPULAR", "LIKED_BY_ALIKE"]
    assert len(told) == MAX_REASONS


def test_what_has_no_source_or_no_words_is_not_told() -> None:
    assert reasons([part("taste", 1, "interest-9"), part("photo", 1, "photo", "texture")], SOURCES, {}) == []


PUSHED = {"content": 1.0, "colour": -0.8}


def texts(*parts: Part, blocks: Mapping[str, float]) -> list[str]:
    told = reasons(parts, SOURCES | {"seed-2": Source("sofa", AVOIDED)}, blocks)
    return [reason_text(reason, {}, ENGLISH) for reason in told]


@pytest.mark.parametrize(
    ("block", "english", "chinese"),
    [
        ("content", "It shows another kind of thing than the photo", "与照片中的内容不同"),
        ("colour", "It has other colours than the photo", "与照片的配色不同"),
        ("style", "It has another style than the photo", "与照片的风格不同"),
    ],
)
def test_a_block_that_pushes_away_speaks_for_what_is_unlike(block: str, english: str, chinese: str) -> None:
    (reason,) = reasons([part("photo", 1, "photo", block)], {}, {block: -1.0, "none": 0.0})
    assert reason.kind.name == f"OTHER_{block.upper()}"
    assert [reason_text(reason, {}, language) for language in LANGUAGES] == [english, chinese]
    (by_rank,) = reasons([part("photo", 1, "photo")], {}, {block: -1.0})
    assert by_rank.kind.name == "OTHER_CONTENT"


def test_of_two_blocks_each_says_what_it_is_for() -> None:
    photo = part("photo", 0.5, "photo", "content"), part("photo", 0.4, "photo", "colour")
    assert texts(*photo, blocks=PUSHED) == [
        "It shows the same kind of thing as the photo",
        "It has other colours than the photo",
    ]
    assert texts(part("photo", 1, "photo"), blocks=PUSHED) == [], "a rank alone does not tell which"


@pytest.mark.parametrize(
    ("content", "colour", "said"),
    [(0.5, 0.1, "Close to “sofa”"), (0.1, 0.5, "Unlike “sofa”"), (-0.1, 0.5, "Unlike “sofa”")],
)
def test_a_seed_is_close_or_unlike_by_what_speaks_louder(content: float, colour: float, said: str) -> None:
    of = part("seeds", content, "seed-1", "content"), part("seeds", colour, "seed-1", "colour")
    assert texts(*of, blocks=PUSHED) == [said]


@pytest.mark.parametrize(("rank", "told"), [(1, 1), (20, 1), (21, 0), (200, 0)])
@pytest.mark.parametrize(
    ("signal", "query"), [("photo", "photo"), ("seeds", "seed-1"), ("taste", "interest-1"), ("session", "session-1")]
)
def test_by_rank_likeness_is_told_of_the_first_only(signal: str, query: str, rank: int, told: int) -> None:
    of = Part(signal, query, "", 1.0, 1 / (60 + rank), 1 / (60 + rank))
    assert len(reasons([of], SOURCES, {})) == told


def test_what_pushes_away_from_a_seed_to_be_far_from_draws_near() -> None:
    assert texts(part("seeds", 1, "seed-2", "colour", weight=-1.0), blocks=PUSHED) == ["Close to “sofa”"]
    assert texts(part("seeds", 1, "seed-2", "content", weight=-1.0), blocks=PUSHED) == ["Unlike “sofa”"]


def test_by_rank_too_a_seed_to_be_far_from_is_one_that_the_item_is_unlike() -> None:
    assert texts(part("seeds", 1, "seed-2"), blocks={}) == ["Unlike “sofa”"]


@pytest.mark.parametrize("source", [Source("", "dislike"), SOMETHING_AVOIDED])
def test_what_was_disliked_in_the_session_is_what_the_item_is_unlike(source: Source) -> None:
    for weight in (1.0, -1.0):
        (reason,) = reasons([part("session", 1, "session-1", weight=weight)], {"session-1": source}, {})
        assert reason_text(reason, {}, ENGLISH).startswith("Unlike ")
        assert reason_text(reason, {}, "zh").endswith("不同")


@pytest.mark.parametrize(
    ("language", "text"),
    [("en", "Because of your rule category = plants"), ("zh", "因为您的规则：category = plants")],  # noqa: RUF001
)
def test_a_rule_of_the_request_is_told_by_what_it_says(language: str, text: str) -> None:
    boost = Boost("boost-1", "category", ["plants"], 0.5)
    (reason,) = reasons([part(boost.signal, 0.5)], {boost.signal: Source("", "", boost.condition)}, {})
    assert reason_text(reason, {}, language) == text


def test_of_many_values_the_first_are_told() -> None:
    assert Boost("b", "tags", list("abcd"), 0.5).condition == "tags = a, b, c, …"
