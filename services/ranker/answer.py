"""What is asked of the ranker, and what it answers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.errors import InvalidInput
from services.ranker.finding.session import MAX_EVENTS, WEIGHTS, SessionEvent
from services.ranker.others.ports import Embedding, Opaque, Source, Taste
from services.ranker.ranking import Part, Ranking
from services.ranker.reasons.words import ENGLISH, LANGUAGES
from services.ranker.scenes.rules import NO_RULES, Rules
from services.ranker.scenes.scene import NOT_EXPOSED, Exposure

DEFAULT_N = 10
MAX_N = 100
MAX_SEEDS = 16
MAX_EXCLUDED = 1000
MAX_NAME = 48
MAX_ID = 128
MAX_DOMAINS = 64

WEIGHTED_SUM, RECIPROCAL_RANK = "weighted_sum", "reciprocal_rank"
FUSIONS = (WEIGHTED_SUM, RECIPROCAL_RANK)


@dataclass(frozen=True)
class Seed:
    """An item to be near to (`weight` > 0) or far from (< 0)."""

    item_id: str
    weight: float = 1.0


@dataclass(frozen=True)
class Ask:
    """One request for recommendations; the fields are those of RecommendRequest. `diversity` 0: that of the scene.
    `asked`: the request as the contract packs it, without what is personal in it, to be frozen with the answer."""

    catalogue: str
    n: int = DEFAULT_N
    user_id: str = ""
    photo: Opaque | None = None
    photo_embedding: Embedding | None = None
    seeds: Sequence[Seed] = ()
    filter: Opaque = None
    domains: Sequence[str] = ()
    scene: str = ""
    signal_weights: Mapping[str, float] = field(default_factory=dict)
    block_weights: Mapping[str, float] = field(default_factory=dict)
    diversity: float = 0.0
    explain: bool = False
    include_seen: bool = False
    exclude: Sequence[str] = ()
    min_version: str = ""
    session: Sequence[SessionEvent] = ()
    rules: Rules = NO_RULES
    fusion: str = WEIGHTED_SUM
    language: str = ENGLISH
    remember_photo: bool = False
    record_impressions: bool = False
    skip_freezing: bool = False
    asked: bytes = b""

    def check(self) -> None:
        """Raises InvalidInput, naming the field, for what can be told to be wrong without asking anybody."""
        self._check_sizes()
        self._check_seeds()
        self._check_session()
        self.rules.check()
        if self.photo is not None and self.photo_embedding is not None:
            raise InvalidInput("photo_vector", "give a photo or the vector of one, not both")
        if not 0 <= self.diversity <= 1:
            raise InvalidInput("diversity", "must be 0 to 1")
        if self.remember_photo and not (self.user_id and self.photo is not None):
            raise InvalidInput("remember_photo", "needs a person and a photo")
        if self.record_impressions and not self.user_id:
            raise InvalidInput("record_impressions", "needs a person")
        if self.fusion not in FUSIONS:
            raise InvalidInput("fusion", f"must be one of {', '.join(FUSIONS)}")
        if self.language not in LANGUAGES:
            raise InvalidInput("language", f"must be one of {', '.join(LANGUAGES)}")

    def _check_sizes(self) -> None:
        if not 1 <= len(self.catalogue) <= MAX_NAME:
            raise InvalidInput("catalogue", f"needs a name of at most {MAX_NAME} letters")
        if not 1 <= self.n <= MAX_N:
            raise InvalidInput("n", f"must be 1 to {MAX_N} (0 stands for {DEFAULT_N})")
        if len(self.user_id) > MAX_ID:
            raise InvalidInput("user_id", f"at most {MAX_ID} letters")
        if len(self.exclude) > MAX_EXCLUDED:
            raise InvalidInput("exclude_item_ids", f"{len(self.exclude)} items, at most {MAX_EXCLUDED}")
        if len(self.domains) > MAX_DOMAINS:
            raise InvalidInput("target_domains", f"{len(self.domains)} domains, at most {MAX_DOMAINS}")

    def _check_seeds(self) -> None:
        if len(self.seeds) > MAX_SEEDS:
            raise InvalidInput("seeds", f"{len(self.seeds)} seeds, at most {MAX_SEEDS}")
        named: set[str] = set()
        for number, seed in enumerate(self.seeds):
            if not seed.item_id or seed.item_id in named:
                raise InvalidInput(f"seeds[{number}].item_id", "must name an item, and no item twice")
            if not math.isfinite(seed.weight):
                raise InvalidInput(f"seeds[{number}].weight", "must be finite", reason="NOT_FINITE")
            named.add(seed.item_id)

    def _check_session(self) -> None:
        if len(self.session) > MAX_EVENTS:
            raise InvalidInput("session_events", f"{len(self.session)} events, at most {MAX_EVENTS}")
        for number, event in enumerate(self.session):
            path = f"session_events[{number}]"
            if event.kind not in WEIGHTS:
                raise InvalidInput(f"{path}.type", f"must be one of {', '.join(WEIGHTS)}")
            if not event.item_id and event.embedding is None:
                raise InvalidInput(f"{path}.item_id", "names neither an item nor a photo")
            if not (math.isfinite(event.age_s) and event.age_s >= 0):
                raise InvalidInput(f"{path}.time", "must not lie ahead")


@dataclass(frozen=True)
class Dropped:
    """A signal that was asked for, or usual, and was not used. `reason` in UPPER_SNAKE, `message` for people."""

    signal: str
    reason: str
    message: str


@dataclass(frozen=True)
class ToldReason:
    """A reason in words. `kind` is a name of the contract's ReasonKind without its prefix."""

    kind: str
    text: str
    item_id: str
    contribution: float


@dataclass(frozen=True)
class Recommended:
    """One item in its place. `item`: None when it could not be read in time. `score` is the sum of the parts'
    contributions in their order. `parts`, `reasons`: only when they were asked for."""

    item_id: str
    item: Opaque | None
    score: float
    parts: Sequence[Part]
    reasons: Sequence[ToldReason]


@dataclass(frozen=True)
class Answer:
    """What was answered, with all that it can be told again from.

    used     weight of each signal, summing to 1; empty when no signal could be used
    costs    ms by stage
    blocks   block weights that were searched with; empty: the space's defaults
    ranking  more than is shown: DEPTH items, while there are so many
    sources  query name to what is behind it, what counts most first
    nearest  item id to query name to the source that is nearest to it; only of an explained answer
    photo    what was searched with; with raw features if the photo is to be remembered
    taste    of the person; None: nobody was named, or they are not known now
    exposure  the experiment and the variant whose weights were used
    confidence  of an answer across domains (`order.confidence`); None: it is none, or cannot be told
    recommendation_id, next_page_token    of the frozen result; empty: none
    """

    recommended: Sequence[Recommended]
    used: Mapping[str, float]
    dropped: Sequence[Dropped]
    scene: str
    space: str
    model_digest: str
    index_version: str
    costs: Mapping[str, float]
    ranking: Ranking
    weights_version: str = ""
    calibration_version: str = ""
    collaborative_space: str = ""
    language: str = ENGLISH
    blocks: Mapping[str, float] = field(default_factory=dict)
    sources: Mapping[str, Sequence[Source]] = field(default_factory=dict)
    nearest: Mapping[str, Mapping[str, Source]] = field(default_factory=dict)
    photo: Embedding | None = None
    taste: Taste | None = None
    exposure: Exposure = NOT_EXPOSED
    confidence: float | None = None
    recommendation_id: str = ""
    next_page_token: str = ""
