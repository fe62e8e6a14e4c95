"""Wires the profile service together."""

from __future__ import annotations

import time
from functools import partial

from services.errors import InvalidInput
from services.profile.catalogue.existence import Existence
from services.profile.catalogue.forgetting import Forgetter
from services.profile.catalogue.items import Items
from services.profile.catalogue.known_spaces import KnownSpaces
from services.profile.catalogue.patience import PatientItems
from services.profile.catalogue.peers import IDEMPOTENT, IndexerItems, lookups_within
from services.profile.catalogue.recent_items import RecentItems
from services.profile.collaborative.factors import Factors
from services.profile.collaborative.placer import Placer
from services.profile.events.export_events import EventExport
from services.profile.events.record import Recorder
from services.profile.events.resolving import Resolver
from services.profile.events.settling import Settler
from services.profile.filing.keys import MIN_SECRET_BYTES
from services.profile.filing.store import ProfileStore
from services.profile.filing.store_redis import RedisProfileStore
from services.profile.filing.store_rules import StoreRules
from services.profile.people.export_user import PersonExporter
from services.profile.people.people import People
from services.profile.people.rewriting_redis import Rewriting
from services.profile.popularity.popular import Popular
from services.profile.segments.export_features import FeatureExport
from services.profile.segments.segmentations import Segmentations
from services.profile.servicer import ProfileServicer
from services.profile.settings import ProfileSettings
from services.profile.taste.background import Background
from services.profile.taste.folder import Folder
from services.profile.taste.reader import TasteReader
from services.profile.taste.rebuild import Rebuilder
from services.profile.taste.words import Words
from services.profile.wire.kept import FORMS
from services.runtime.app import SyncApp
from services.runtime.channel import open_channel
from services.runtime.redis import open_redis
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import Telemetry
from services.spaces import Space
from visrec.v1.profile_pb2_grpc import add_ProfileServiceServicer_to_server

LONG_METHODS = frozenset(
    (
        "RecordEvents",
        "ListUsers",
        "ExportEvents",
        "RebuildTastes",
        "ForgetCatalogue",
        "ExportFeatures",
        "PutSegments",
        "PutUserVectors",
        "ExportUser",
    )
)
"""They wait for the indexer, or walk the keys of Redis."""


def build(
    settings: ProfileSettings,
    runtime: RuntimeSettings,
    telemetry: Telemetry,  # noqa: ARG001 - the runtime's metrics of each call are all there is yet
) -> SyncApp:
    """Over the real Redis and the real indexer. Raises InvalidInput for settings that cannot work."""
    client = open_redis(runtime)
    store = RedisProfileStore(client, *_secrets(settings))
    items = IndexerItems(open_channel("indexer", runtime, idempotent=IDEMPOTENT), settings.lookup_s)
    return assemble(settings, store, items, Rewriting(client, time.monotonic))


def _secrets(settings: ProfileSettings) -> tuple[str, StoreRules, list[str]]:
    given = settings.secret.get_secret_value() if settings.secret else ""
    old = settings.old_secrets.get_secret_value().split(",") if settings.old_secrets else []
    former = [word.strip() for word in old if word.strip()]
    named = [("VISREC_PROFILE_SECRET", given), *(("VISREC_PROFILE_OLD_SECRETS", word) for word in former)]
    for name, word in named:
        if word and len(word.encode()) < MIN_SECRET_BYTES:
            raise InvalidInput(name, f"must be at least {MIN_SECRET_BYTES} bytes")
    if former and not given:
        raise InvalidInput("VISREC_PROFILE_SECRET", "is needed beside VISREC_PROFILE_OLD_SECRETS")
    return given, settings.store_rules(), former


def assemble(
    settings: ProfileSettings, store: ProfileStore, items: Items, rewriting: Rewriting | None = None
) -> SyncApp:
    """Over any store and any catalogue, which are closed with it."""
    rewrite = rewriting.ask if rewriting else lambda: False
    patient = PatientItems(RecentItems(items, _now_ms), _now_ms)
    resolver = Resolver(store, patient, KnownSpaces(store))
    settler = Settler(store, resolver, settings.store_rules(), settings.taste_rules())

    def visual(catalogue: str) -> Space:
        return patient.resolve(catalogue, []).space

    existence = Existence(patient, _now_ms)
    segmentations = Segmentations(store, visual, settings.segment_min_people, settings.taste_half_life_days)
    background = Background(segmentations, Words(patient, time.monotonic), Factors(patient, time.monotonic))
    bound = partial(lookups_within, settings.lookup_s)
    folder = Folder(resolver, settler, settings.taste_rules(), background, bound)
    tastes = TasteReader(store, folder, FORMS, existence)
    servicer = ProfileServicer(
        people=People(store, _now_ms, settings.tombstone_days, rewrite),
        recorder=Recorder(store, resolver, settler, _now_ms),
        tastes=tastes,
        popular=Popular(store, segmentations, existence, settings.popular_half_life_hours, _now_ms),
        segmentations=segmentations,
        features=FeatureExport(store, tastes, segmentations, visual),
        placer=Placer(store, patient),
        event_export=EventExport(store, settings.store_rules(), resolver.look_up, _now_ms),
        exporter=PersonExporter(store, _now_ms),
        rebuilder=Rebuilder(store, resolver, folder, FORMS),
        forgetter=Forgetter(store, items),
    )

    def canary() -> None:
        store.ping()
        segmentations.refresh()

    def close() -> None:
        items.close()
        if rewriting:
            rewriting.close()
        store.close()

    return SyncApp(
        services=("visrec.v1.ProfileService",),
        register=lambda server: add_ProfileServiceServicer_to_server(servicer, server),
        canary=canary,
        close=close,
        threads=settings.threads,
        long_methods=LONG_METHODS,
        long_threads=settings.long_threads,
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
