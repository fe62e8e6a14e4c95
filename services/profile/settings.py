"""The settings of the profile service, VISREC_PROFILE_… in the environment."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from services.profile.events.record import MAX_EVENTS
from services.profile.filing.store_rules import StoreRules
from services.profile.people.people import TOMBSTONE_DAYS
from services.profile.taste.liking import TasteRules
from services.runtime.settings import METRICS_PORTS, PORTS, ServiceSettings

_STORE = StoreRules()
_TASTE = TasteRules()


class ProfileSettings(ServiceSettings):
    """Ports, the secret, and the bounds and half-lives of what is kept."""

    model_config = SettingsConfigDict(env_prefix="VISREC_PROFILE_", frozen=True)

    port: int = Field(PORTS["profile"], ge=0, le=65535, description="Port of the gRPC server. 0: any free one.")
    metrics_port: int = Field(
        METRICS_PORTS["profile"], ge=0, le=65535, description="Port of Prometheus metrics at /metrics. 0: none."
    )
    threads: int = Field(
        8, ge=1, le=256, description="Threads that answer calls; most of the time they wait for Redis."
    )
    long_threads: int = Field(
        8, ge=1, le=256, description="Threads for calls that wait longer: RecordEvents (for the indexer) and ListUsers."
    )
    lookup_s: float = Field(
        1.0,
        gt=0,
        le=60,
        description="Seconds for which the indexer is waited for: then events are taken on trust, and a taste is told "
        "with what is known (`pending`).",
    )
    secret: SecretStr | None = Field(
        None,
        description="Secret that people are filed under, at least 16 bytes. Empty: a random one, made once and kept in "
        "Redis. It can be changed while the one before is named in VISREC_PROFILE_OLD_SECRETS.",
    )
    old_secrets: SecretStr | None = Field(
        None,
        description="Secrets that people may still be filed under, separated by commas: who is looked up is moved to "
        "the present one. Drop them when VISREC_PROFILE_RETENTION_DAYS have passed. Not in a Redis Cluster.",
    )

    window: int = Field(
        _STORE.window,
        ge=1,
        le=1000,
        description="Events of a person in a catalogue that taste is made from, the latest.",
    )
    block: int = Field(
        _STORE.block,
        ge=1,
        le=200,
        description="As soon as a person has so many events more than the window, as many of the oldest go into what "
        "is remembered of them in the long term.",
    )
    event_days: float = Field(
        _STORE.event_days, gt=0, le=3650, description="Days after which an event is dropped, and an older one refused."
    )
    retention_days: float = Field(
        _STORE.retention_days,
        gt=0,
        le=3650,
        description="Days after the last write about a person after which all that is kept of them expires, younger "
        "events, too: fewer than VISREC_PROFILE_EVENT_DAYS forget who stays away before their events are old.",
    )
    max_events_per_minute: int = Field(
        _STORE.per_minute,
        ge=1,
        le=10_000,
        description="Events of a person in a catalogue in one minute of their own time; further ones are taken for a "
        "robot's and ignored. Above the window: no bound.",
    )
    shown: int = Field(_STORE.shown, ge=1, le=1000, description="Impressions of a person in a catalogue that are kept.")
    seen: int = Field(_STORE.seen, ge=0, le=10_000, description="Seen items of a person in a catalogue that are kept.")
    remembered: int = Field(
        _STORE.remembered,
        ge=MAX_EVENTS,
        le=10_000,
        description="Event ids of a person that are remembered, as keyed digests, to count each once.",
    )
    remembered_days: float = Field(
        _STORE.remembered_days, gt=0, le=365, description="Days after which a remembered event id is forgotten."
    )

    tombstone_days: float = Field(
        TOMBSTONE_DAYS,
        gt=0,
        le=3650,
        description="Days for which the time of an erasure is kept, to refuse events from before it.",
    )

    taste_half_life_days: float = Field(
        _TASTE.half_life_days, gt=0, le=3650, description="Days after which an event says half as much about taste."
    )
    merge_below: float = Field(
        _TASTE.merge_below, gt=0, le=100, description="Ward distance below which two groups of items are one interest."
    )
    session_half_life_hours: float = Field(
        _TASTE.session_half_life_hours,
        gt=0,
        le=720,
        description="Hours after which an event counts half for which interest matters now.",
    )
    max_interests: int = Field(_TASTE.max_interests, ge=1, le=16, description="Most interests of a person.")

    segment_min_people: int = Field(
        20, ge=2, le=1_000_000, description="People below which a segment is nobody's: not kept, shown or assigned."
    )

    popular: int = Field(_STORE.popular, ge=1, le=1_000_000, description="Items of a popularity list.")
    popular_half_life_hours: float = Field(
        _STORE.popular_hours,
        ge=0.1,
        le=87_600,
        description="Hours after which an event counts half for popularity. Another one starts new lists.",
    )

    def store_rules(self) -> StoreRules:
        """For the store."""
        return StoreRules(
            window=self.window,
            block=self.block,
            shown=self.shown,
            seen=self.seen,
            remembered=self.remembered,
            remembered_days=self.remembered_days,
            event_days=self.event_days,
            retention_days=self.retention_days,
            per_minute=self.max_events_per_minute,
            popular=self.popular,
            popular_hours=self.popular_half_life_hours,
        )

    def taste_rules(self) -> TasteRules:
        """For folding."""
        return TasteRules(
            half_life_days=self.taste_half_life_days,
            merge_below=self.merge_below,
            max_interests=self.max_interests,
            session_half_life_hours=self.session_half_life_hours,
        )
