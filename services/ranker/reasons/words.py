"""Words: reasons and changes as sentences, from templates, in the languages that are spoken here."""

from __future__ import annotations

from collections.abc import Mapping

from services.ranker.others.ports import SOMETHING, SOMETHING_AVOIDED
from services.ranker.reasons.counterfactual import Change
from services.ranker.reasons.reason import Reason, ReasonKind

ENGLISH, CHINESE = "en", "zh"
LANGUAGES = (ENGLISH, CHINESE)

_REASONS: Mapping[str, Mapping[ReasonKind, str]] = {
    ENGLISH: {
        ReasonKind.SIMILAR_CONTENT: "It shows the same kind of thing as the photo",
        ReasonKind.SIMILAR_COLOUR: "It has the colours of the photo",
        ReasonKind.SIMILAR_STYLE: "It has the style of the photo",
        ReasonKind.OTHER_CONTENT: "It shows another kind of thing than the photo",
        ReasonKind.OTHER_COLOUR: "It has other colours than the photo",
        ReasonKind.OTHER_STYLE: "It has another style than the photo",
        ReasonKind.CLOSE_TO_LIKED: "Close to {title}, which you {verb}",
        ReasonKind.CLOSE_TO_SEED: "Close to {title}",
        ReasonKind.FAR_FROM_SEED: "Unlike {title}",
        ReasonKind.CLOSE_TO_SESSION: "Close to {title}, which you {verb} just now",
        ReasonKind.POPULAR: "Many people like it now",
        ReasonKind.STATED_INTEREST: "Because of your interest in {word}",
        ReasonKind.LIKED_BY_ALIKE: "People who are like you like such things",
        ReasonKind.LIKED_TOGETHER: "People who like what you like, like it",
        ReasonKind.FRESH: "It is new",
        ReasonKind.RULE: "Picked out: {rule}",
    },
    CHINESE: {
        ReasonKind.SIMILAR_CONTENT: "与照片中的内容相似",
        ReasonKind.SIMILAR_COLOUR: "与照片的配色相近",
        ReasonKind.SIMILAR_STYLE: "与照片的风格相近",
        ReasonKind.OTHER_CONTENT: "与照片中的内容不同",
        ReasonKind.OTHER_COLOUR: "与照片的配色不同",
        ReasonKind.OTHER_STYLE: "与照片的风格不同",
        ReasonKind.CLOSE_TO_LIKED: "与您{verb}的{title}相似",
        ReasonKind.CLOSE_TO_SEED: "与{title}相似",
        ReasonKind.FAR_FROM_SEED: "与{title}不同",
        ReasonKind.CLOSE_TO_SESSION: "与您刚刚{verb}的{title}相似",
        ReasonKind.POPULAR: "近期很受欢迎",
        ReasonKind.STATED_INTEREST: "因为您对“{word}”感兴趣",
        ReasonKind.LIKED_BY_ALIKE: "与您相似的人喜欢这类内容",
        ReasonKind.LIKED_TOGETHER: "喜好与您相同的人也喜欢它",
        ReasonKind.FRESH: "新近发布",
        ReasonKind.RULE: "精选：{rule}",  # noqa: RUF001 - a Chinese colon
    },
}

_VERBS: Mapping[str, Mapping[str, str]] = {
    ENGLISH: {
        "": "chose",
        "view": "looked at",
        "click": "looked at",
        "like": "liked",
        "save": "saved",
        "cart": "put into your cart",
        "purchase": "bought",
    },
    CHINESE: {
        "": "选择",
        "view": "看过",
        "click": "看过",
        "like": "喜欢",
        "save": "收藏",
        "cart": "加入购物车",
        "purchase": "购买",
    },
}

_PHOTO = {
    ENGLISH: {False: "Close to a photo you sent", True: "Unlike a photo you did not like"},
    CHINESE: {False: "与您发送的照片相似", True: "与您不喜欢的照片不同"},
}

_SOMETHING = {
    ENGLISH: {False: "Close to something you chose just now", True: "Unlike something you did not like just now"},
    CHINESE: {False: "与您刚刚选择的内容相似", True: "与您刚刚不喜欢的内容不同"},
}
"""Of a session, of which nothing is kept."""

_OWN_RULE = {ENGLISH: "Because of your rule {rule}", CHINESE: "因为您的规则：{rule}"}  # noqa: RUF001
"""Of a rule of the request, which callers name for themselves; those of scenes have names for people."""

_SIGNALS: Mapping[str, Mapping[str, str]] = {
    ENGLISH: {
        "photo": "likeness to the photo",
        "seeds": "likeness to the examples",
        "session": "what was done in this session",
        "taste": "personal taste",
        "collaborative": "what people who like the same like",
        "segment": "what people who are alike like",
        "popularity": "popularity",
        "freshness": "newness",
    },
    CHINESE: {
        "photo": "与照片的相似度",
        "seeds": "与示例的相似度",
        "session": "本次浏览行为",
        "taste": "个人喜好",
        "collaborative": "同好者的喜好",
        "segment": "相似人群的喜好",
        "popularity": "热门程度",
        "freshness": "新鲜度",
    },
}

_BY_SCORES = {
    ENGLISH: "By scores alone, without diversity: {change}",
    CHINESE: "仅按得分、不考虑多样性：{change}",  # noqa: RUF001
}

_CHANGES = {
    ENGLISH: {
        True: "If {signal} counted {share} of all, not {now}, {other} would take the place of {item} in the top {n}",
        False: "If {signal} counted {share} of all, not {now}, {item} would take the place of {other} in the top {n}",
    },
    CHINESE: {
        True: "如果{signal}的权重从{now}变为{share}，{other}将取代{item}进入前{n}名",  # noqa: RUF001
        False: "如果{signal}的权重从{now}变为{share}，{item}将取代{other}进入前{n}名",  # noqa: RUF001
    },
}


def reason_text(reason: Reason, titles: Mapping[str, str], language: str) -> str:
    """A sentence. `titles` by item id; an item without one is called by its id. `language`: one of LANGUAGES."""
    source = reason.source
    if source in (SOMETHING, SOMETHING_AVOIDED):
        return _SOMETHING[language][reason.kind is ReasonKind.FAR_FROM_SEED]
    if source is not None and not source.item_id and "{title}" in _REASONS[language][reason.kind]:
        return _PHOTO[language][reason.kind is ReasonKind.FAR_FROM_SEED]
    if reason.kind is ReasonKind.RULE and source is not None:
        return _OWN_RULE[language].format(rule=source.word)
    verbs = _VERBS[language]
    return _REASONS[language][reason.kind].format(
        title=_named(source.item_id, titles) if source else "",
        verb=verbs.get(source.event, verbs[""]) if source else "",
        word=source.word if source else "",
        rule=reason.rule,
    )


def change_text(
    change: Change, item_id: str, titles: Mapping[str, str], n: int, language: str, *, as_shown: bool = True
) -> str:
    """A counterfactual as a sentence. `n`: of the top N that it is about; `as_shown`: that is what was shown, else it
    says that it is not."""
    share, now = _percents(change.weight_needed, change.weight)
    told = _CHANGES[language][change.leaves].format(
        signal=_SIGNALS[language].get(change.signal, change.signal),
        share=share,
        now=now,
        item=_named(item_id, titles),
        other=_named(change.other_item_id, titles),
        n=n,
    )
    return told if as_shown else _BY_SCORES[language].format(change=told[0].lower() + told[1:])


def _named(item_id: str, titles: Mapping[str, str]) -> str:
    return f"“{titles.get(item_id) or item_id}”"


def _percents(needed: float, now: float) -> tuple[str, str]:
    """With as many digits as it takes to tell them apart."""
    digits = next((digits for digits in range(4) if f"{needed:.{digits}%}" != f"{now:.{digits}%}"), 4)
    return f"{needed:.{digits}%}", f"{now:.{digits}%}"
