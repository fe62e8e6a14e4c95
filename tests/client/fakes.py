"""Four services in one process that keep everything in dictionaries: what a caller sees, without what is behind it."""
# ruff: noqa: N802 (methods are named as in the contract)

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NoReturn

import grpc
from google.protobuf import duration_pb2
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2

from visrec.connection import Targets
from visrec.v1 import (
    common_pb2,
    embedder_pb2,
    embedder_pb2_grpc,
    indexer_pb2,
    indexer_pb2_grpc,
    profile_pb2,
    profile_pb2_grpc,
    ranker_pb2,
    ranker_pb2_grpc,
)

SPACE = common_pb2.Space(name="toy@1", blocks=[common_pb2.Block(name="content", dimension=2, default_weight=1.0)])


def status_of(
    code: grpc.StatusCode, message: str, reason: str, *, at: str = "", retry_after_ms: int = 0
) -> status_pb2.Status:
    """A status with the details that the contract promises; `at` is the path of a wrong field."""
    status = status_pb2.Status(code=int(code.value[0]), message=message)
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason, domain="visrec", metadata={"hint": "yes"}))
    if at:
        violation = error_details_pb2.BadRequest.FieldViolation(field=at, description=message)
        status.details.add().Pack(error_details_pb2.BadRequest(field_violations=[violation]))
    if retry_after_ms:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(retry_after_ms)
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    return status


def refuse(context: grpc.ServicerContext, status: status_pb2.Status) -> NoReturn:
    """End a call as the services do: the details in the trailer, as grpc-status puts them there."""
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    code = next(code for code in grpc.StatusCode if code.value[0] == status.code)
    context.abort(code, status.message)


def not_found(context: grpc.ServicerContext, kind: str, name: str) -> NoReturn:
    refuse(
        context, status_of(grpc.StatusCode.NOT_FOUND, f"{kind} {name!r} does not exist", f"{kind}_NOT_FOUND".upper())
    )


class FakeEmbedder(embedder_pb2_grpc.EmbedderServiceServicer):
    """Every photo has the same vector; one that begins with `bad` is no picture."""

    def __init__(self) -> None:
        self.spaces_asked: list[str] = []
        self.space = SPACE

    def GetModel(
        self, request: embedder_pb2.GetModelRequest, context: grpc.ServicerContext
    ) -> embedder_pb2.GetModelResponse:
        return embedder_pb2.GetModelResponse(model=embedder_pb2.Model(name="toy", digest="d1", spaces=[self.space]))

    def EmbedImage(
        self, request: embedder_pb2.EmbedImageRequest, context: grpc.ServicerContext
    ) -> embedder_pb2.EmbedImageResponse:
        self.spaces_asked.append(request.space)
        if request.photo.data.startswith(b"bad"):
            refuse(
                context, status_of(grpc.StatusCode.INVALID_ARGUMENT, "no picture", "INVALID_PICTURE", at="photo.data")
            )
        return embedder_pb2.EmbedImageResponse(vector=common_pb2.Vector(space=SPACE.name, data=bytes(8)))


@dataclass
class FakeIndexer(indexer_pb2_grpc.IndexerServiceServicer):
    """Catalogues of items. A photo that begins with `bad` fails its item; `shed` names items that are shed once."""

    catalogues: dict[str, dict[str, indexer_pb2.Item]] = field(default_factory=dict)
    batches: list[list[str]] = field(default_factory=list)
    searches: list[indexer_pb2.SearchRequest] = field(default_factory=list)
    shed: set[str] = field(default_factory=set)
    refuse_calls: int = 0

    def items_of(self, name: str, context: grpc.ServicerContext) -> dict[str, indexer_pb2.Item]:
        if name not in self.catalogues:
            not_found(context, "catalogue", name)
        return self.catalogues[name]

    def CreateCatalogue(
        self, request: indexer_pb2.CreateCatalogueRequest, context: grpc.ServicerContext
    ) -> indexer_pb2.CreateCatalogueResponse:
        if request.catalogue in self.catalogues:
            text = f"catalogue {request.catalogue!r} exists"
            refuse(context, status_of(grpc.StatusCode.ALREADY_EXISTS, text, "CONFLICT"))
        self.catalogues[request.catalogue] = {}
        catalogue = indexer_pb2.Catalogue(name=request.catalogue, space=SPACE, partitions=request.partitions or 1)
        return indexer_pb2.CreateCatalogueResponse(catalogue=catalogue)

    def ListCatalogues(
        self, request: indexer_pb2.ListCataloguesRequest, context: grpc.ServicerContext
    ) -> indexer_pb2.ListCataloguesResponse:
        """One on each page."""
        names = sorted(self.catalogues)
        at = int(request.page_token or 0)
        return indexer_pb2.ListCataloguesResponse(
            catalogues=[indexer_pb2.Catalogue(name=name, space=SPACE, partitions=1) for name in names[at : at + 1]],
            next_page_token=str(at + 1) if at + 1 < len(names) else "",
        )

    def DeleteCatalogue(
        self, request: indexer_pb2.DeleteCatalogueRequest, context: grpc.ServicerContext
    ) -> indexer_pb2.DeleteCatalogueResponse:
        count = len(self.items_of(request.catalogue, context))
        del self.catalogues[request.catalogue]
        return indexer_pb2.DeleteCatalogueResponse(items_deleted=count)

    def IngestItems(
        self, request: indexer_pb2.IngestItemsRequest, context: grpc.ServicerContext
    ) -> indexer_pb2.IngestItemsResponse:
        items = self.items_of(request.catalogue, context)
        if self.refuse_calls:
            self.refuse_calls -= 1
            refuse(context, status_of(grpc.StatusCode.RESOURCE_EXHAUSTED, "full", "OVERLOADED", retry_after_ms=1500))
        self.batches.append([each.item.id for each in request.items])
        results = [self._ingest(items, each) for each in request.items]
        return indexer_pb2.IngestItemsResponse(results=results, version=f"v{len(self.batches)}")

    def _ingest(self, items: dict[str, indexer_pb2.Item], each: indexer_pb2.IngestItem) -> indexer_pb2.ItemResult:
        result = indexer_pb2.ItemResult(item_id=each.item.id)
        if each.item.id in self.shed:
            self.shed.remove(each.item.id)
            result.status.CopyFrom(status_of(grpc.StatusCode.RESOURCE_EXHAUSTED, "queue is full", "OVERLOADED"))
        elif any(photo.data.startswith(b"bad") for photo in each.photos):
            result.status.CopyFrom(
                status_of(grpc.StatusCode.INVALID_ARGUMENT, "not a picture", "INVALID_PICTURE", at="items[0].photos[0]")
            )
        else:
            items[each.item.id] = each.item
        return result

    def DeleteItems(
        self, request: indexer_pb2.DeleteItemsRequest, context: grpc.ServicerContext
    ) -> indexer_pb2.DeleteItemsResponse:
        items = self.items_of(request.catalogue, context)
        deleted = [items.pop(name) for name in request.item_ids if name in items]
        return indexer_pb2.DeleteItemsResponse(deleted=len(deleted), version="v9")

    def GetItem(
        self, request: indexer_pb2.GetItemRequest, context: grpc.ServicerContext
    ) -> indexer_pb2.GetItemResponse:
        items = self.items_of(request.catalogue, context)
        if request.item_id not in items:
            not_found(context, "item", request.item_id)
        return indexer_pb2.GetItemResponse(stored=indexer_pb2.StoredItem(item=items[request.item_id]))

    def BatchGetItems(
        self, request: indexer_pb2.BatchGetItemsRequest, context: grpc.ServicerContext
    ) -> indexer_pb2.BatchGetItemsResponse:
        items = self.items_of(request.catalogue, context)
        found = [indexer_pb2.StoredItem(item=items[name]) for name in request.item_ids if name in items]
        return indexer_pb2.BatchGetItemsResponse(items=found)

    def ListItems(
        self, request: indexer_pb2.ListItemsRequest, context: grpc.ServicerContext
    ) -> indexer_pb2.ListItemsResponse:
        """Two on each page."""
        items = list(self.items_of(request.catalogue, context).values())
        at = int(request.page_token or 0)
        return indexer_pb2.ListItemsResponse(
            items=[indexer_pb2.StoredItem(item=item) for item in items[at : at + 2]],
            next_page_token=str(at + 2) if at + 2 < len(items) else "",
        )

    def Search(self, request: indexer_pb2.SearchRequest, context: grpc.ServicerContext) -> indexer_pb2.SearchResponse:
        """Every item, in the order of ingest, each a little less near."""
        items = self.items_of(request.catalogue, context)
        self.searches.append(request)
        found = list(items.values())[: request.limit]
        hits = [
            indexer_pb2.Hit(item_id=item.id, score=0.9 - at / 10, parts=[0.9 - at / 10], item=item)
            for at, item in enumerate(found)
        ]
        return indexer_pb2.SearchResponse(
            hits=hits, part_queries=["query"], part_blocks=["content"], space=SPACE.name, version="v1"
        )

    def ListSpaces(
        self, request: indexer_pb2.ListSpacesRequest, context: grpc.ServicerContext
    ) -> indexer_pb2.ListSpacesResponse:
        self.items_of(request.catalogue, context)
        return indexer_pb2.ListSpacesResponse(spaces=[indexer_pb2.SpaceState(space=SPACE, aliases=["visual"])])

    def GetFacets(
        self, request: indexer_pb2.GetFacetsRequest, context: grpc.ServicerContext
    ) -> indexer_pb2.GetFacetsResponse:
        """Of a filter only its words of a category are looked at."""
        items = list(self.items_of(request.catalogue, context).values())
        for condition in request.filter.must:
            items = [
                item for item in items if condition.field != "category" or item.category in condition.keyword.any_of
            ]
        (field,) = request.fields
        words = Counter("available" if field == "availability" else str(getattr(item, field)) for item in items)
        values = [
            indexer_pb2.FacetValue(value=word, count=count) for word, count in words.most_common(request.limit or 20)
        ]
        facet = indexer_pb2.Facet(field=field, values=values, distinct_values=len(words))
        return indexer_pb2.GetFacetsResponse(facets=[facet])

    def GetStats(
        self, request: indexer_pb2.GetStatsRequest, context: grpc.ServicerContext
    ) -> indexer_pb2.GetStatsResponse:
        names = [request.catalogue] if request.catalogue else sorted(self.catalogues)
        stats = [
            indexer_pb2.CatalogueStats(
                catalogue=name, items=len(self.items_of(name, context)), version="v1", space=SPACE.name
            )
            for name in names
        ]
        return indexer_pb2.GetStatsResponse(catalogues=stats, durability="every acknowledged write")


@dataclass
class FakeProfile(profile_pb2_grpc.ProfileServiceServicer):
    """People, and every event as it came; an event of an unknown person fails alone."""

    users: dict[str, profile_pb2.User] = field(default_factory=dict)
    puts: list[profile_pb2.PutUserRequest] = field(default_factory=list)
    events: dict[str, profile_pb2.Event] = field(default_factory=dict)
    calls: list[int] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    segments: list[profile_pb2.Segment] = field(default_factory=list)

    def user(self, user_id: str, context: grpc.ServicerContext) -> profile_pb2.User:
        if user_id not in self.users:
            not_found(context, "user", user_id)
        return self.users[user_id]

    def PutUser(
        self, request: profile_pb2.PutUserRequest, context: grpc.ServicerContext
    ) -> profile_pb2.PutUserResponse:
        self.puts.append(request)
        created = request.user.user_id not in self.users
        self.users[request.user.user_id] = request.user
        return profile_pb2.PutUserResponse(user=request.user, created=created)

    def GetUser(
        self, request: profile_pb2.GetUserRequest, context: grpc.ServicerContext
    ) -> profile_pb2.GetUserResponse:
        return profile_pb2.GetUserResponse(user=self.user(request.user_id, context))

    def ListUsers(
        self, request: profile_pb2.ListUsersRequest, context: grpc.ServicerContext
    ) -> profile_pb2.ListUsersResponse:
        """Two on each page."""
        found, at = list(self.users.values()), int(request.page_token or 0)
        return profile_pb2.ListUsersResponse(
            users=found[at : at + 2], next_page_token=str(at + 2) if at + 2 < len(found) else ""
        )

    def DeleteUser(
        self, request: profile_pb2.DeleteUserRequest, context: grpc.ServicerContext
    ) -> profile_pb2.DeleteUserResponse:
        self.user(request.user_id, context)
        del self.users[request.user_id]
        self.deleted.append(request.user_id)
        self.events = {name: event for name, event in self.events.items() if event.user_id != request.user_id}
        erased = [profile_pb2.Erasure(place="profile", entries=1)]
        return profile_pb2.DeleteUserResponse(
            erased=erased,
            remains=["backups, for 7 days"],
            erased_at=Timestamp(seconds=1_767_225_600),
            tombstone_until=Timestamp(seconds=1_769_817_600),
            rewrite_asked=True,
        )

    def ExportUser(
        self, request: profile_pb2.ExportUserRequest, context: grpc.ServicerContext
    ) -> profile_pb2.ExportUserResponse:
        user = self.user(request.user_id, context)
        events = [event for event in self.events.values() if event.user_id == request.user_id]
        seen = [event.item_id for event in events]
        return profile_pb2.ExportUserResponse(
            user=user,
            events=events,
            tastes=[profile_pb2.Taste(catalogue="shop", seen_item_ids=seen)],
            long_term=[profile_pb2.LongTermMemory(catalogue="shop", events=32)],
            remembered_event_ids=7,
            held=[profile_pb2.HeldRecord(kind="recommendation", content=b"as it is kept")],
            kept_until=Timestamp(seconds=1_769_817_600),
        )

    def SetConsent(
        self, request: profile_pb2.SetConsentRequest, context: grpc.ServicerContext
    ) -> profile_pb2.SetConsentResponse:
        self.user(request.user_id, context).consent.CopyFrom(request.consent)
        return profile_pb2.SetConsentResponse(consent=request.consent)

    def RecordEvents(
        self, request: profile_pb2.RecordEventsRequest, context: grpc.ServicerContext
    ) -> profile_pb2.RecordEventsResponse:
        self.calls.append(len(request.events))
        return profile_pb2.RecordEventsResponse(results=[self._record(event) for event in request.events])

    def _record(self, event: profile_pb2.Event) -> profile_pb2.EventResult:
        result = profile_pb2.EventResult(event_id=event.event_id, outcome=profile_pb2.EVENT_OUTCOME_LEARNED)
        if event.user_id not in self.users:
            text = f"user {event.user_id!r} does not exist"
            result.status.CopyFrom(status_of(grpc.StatusCode.NOT_FOUND, text, "USER_NOT_FOUND"))
            result.outcome = profile_pb2.EVENT_OUTCOME_UNSPECIFIED
        elif event.event_id in self.events:
            result.outcome = profile_pb2.EVENT_OUTCOME_DUPLICATE
        else:
            self.events[event.event_id] = event
        return result

    def GetTaste(
        self, request: profile_pb2.GetTasteRequest, context: grpc.ServicerContext
    ) -> profile_pb2.GetTasteResponse:
        self.user(request.user_id, context)
        return profile_pb2.GetTasteResponse(taste=self._taste(request))

    def GetTastes(
        self, request: profile_pb2.GetTastesRequest, context: grpc.ServicerContext
    ) -> profile_pb2.GetTastesResponse:
        self.calls.append(len(request.requests))
        unknown = status_of(grpc.StatusCode.NOT_FOUND, "does not exist", "USER_NOT_FOUND")
        return profile_pb2.GetTastesResponse(
            results=[
                profile_pb2.TasteResult(taste=self._taste(each))
                if each.user_id in self.users
                else profile_pb2.TasteResult(error=unknown)
                for each in request.requests
            ]
        )

    def _taste(self, request: profile_pb2.GetTasteRequest) -> profile_pb2.Taste:
        sources = [
            profile_pb2.InterestSource(item_id=event.item_id, event_type=event.type)
            for event in self.events.values()
            if event.user_id == request.user_id
        ]
        interests = [profile_pb2.Interest(weight=1.0, sources=sources)] if sources else []
        return profile_pb2.Taste(
            user_id=request.user_id,
            catalogue=request.catalogue,
            interests=interests,
            seen_item_ids=[source.item_id for source in sources],
            personalised=self.users[request.user_id].consent.personalisation == profile_pb2.CONSENT_STATE_GIVEN,
        )

    def ListSegments(
        self, request: profile_pb2.ListSegmentsRequest, context: grpc.ServicerContext
    ) -> profile_pb2.ListSegmentsResponse:
        """Two on each page; of `shop` alone."""
        found, at = self.segments if request.catalogue == "shop" else [], int(request.page_token or 0)
        return profile_pb2.ListSegmentsResponse(
            segments=found[at : at + 2], next_page_token=str(at + 2) if at + 2 < len(found) else ""
        )

    def GetPopularItems(
        self, request: profile_pb2.GetPopularItemsRequest, context: grpc.ServicerContext
    ) -> profile_pb2.GetPopularItemsResponse:
        items = [profile_pb2.PopularItem(item_id=event.item_id, score=1.0) for event in self.events.values()]
        return profile_pb2.GetPopularItemsResponse(items=items[: request.limit], half_life_hours=336)


@dataclass
class FakeRanker(ranker_pb2_grpc.RankerServiceServicer):
    """Recommends the items of the fake indexer in the order of their ingest."""

    indexer: FakeIndexer
    requests: list[ranker_pb2.RecommendRequest] = field(default_factory=list)
    puts: list[ranker_pb2.PutSignalWeightsRequest] = field(default_factory=list)

    def Recommend(
        self, request: ranker_pb2.RecommendRequest, context: grpc.ServicerContext
    ) -> ranker_pb2.RecommendResponse:
        self.requests.append(request)
        if request.photo.data.startswith(b"bad"):
            refuse(
                context, status_of(grpc.StatusCode.INVALID_ARGUMENT, "no picture", "INVALID_PICTURE", at="photo.data")
            )
        kinds = {word for each in request.filter.must if each.field == "category" for word in each.keyword.any_of}
        every = self.indexer.items_of(request.catalogue, context).values()
        left = [each for each in every if each.id not in request.exclude_item_ids]
        items = [each for each in left if not kinds or each.category in kinds][: request.n or 10]
        return ranker_pb2.RecommendResponse(
            recommendations=[self._recommendation(at, item) for at, item in enumerate(items)],
            used=[ranker_pb2.UsedSignal(signal="photo", weight=1.0)],
            dropped=[ranker_pb2.DroppedSignal(signal="taste", reason="NO_HISTORY", message="nothing is known yet")],
            scene=request.scene or "balanced",
            provenance=ranker_pb2.Provenance(space=SPACE.name, index_version="v1"),
            costs=[common_pb2.StageCost(stage="search", ms=1.5)],
            recommendation_id=request.catalogue,
            next_page_token=f"{request.catalogue}:1",
        )

    def NextPage(
        self, request: ranker_pb2.NextPageRequest, context: grpc.ServicerContext
    ) -> ranker_pb2.NextPageResponse:
        """Each page has one item."""
        catalogue, colon, place = request.page_token.partition(":")
        if not colon:
            text = "page_token: is not one"
            refuse(context, status_of(grpc.StatusCode.INVALID_ARGUMENT, text, "BAD_PAGE_TOKEN", at="page_token"))
        page = self._kept(catalogue, int(place), int(place) + 1, context)
        return ranker_pb2.NextPageResponse(page=page)

    def GetRecommendation(
        self, request: ranker_pb2.GetRecommendationRequest, context: grpc.ServicerContext
    ) -> ranker_pb2.GetRecommendationResponse:
        shown = self._kept(request.recommendation_id, 0, 1, context)
        moment = Timestamp(seconds=1_800_000_000)
        return ranker_pb2.GetRecommendationResponse(shown=shown, time=moment, expire_time=moment)

    def Explain(self, request: ranker_pb2.ExplainRequest, context: grpc.ServicerContext) -> ranker_pb2.ExplainResponse:
        """What counts is in the lower right corner."""
        items = list(self._items(request.recommendation_id, context))
        names = [item.id for item in items]
        if request.item_id not in names:
            not_found(context, "item", request.item_id)
        at = names.index(request.item_id)
        return ranker_pb2.ExplainResponse(
            recommendation=self._recommendation(at, items[at]),
            counterfactual="If popularity counted 20%, it would leave",
            rows=2,
            columns=2,
            evidence=[-0.1, 0.0, 0.2, 0.8] if request.include_evidence_map else [],
            evidence_block="content" if request.include_evidence_map else "",
        )

    def PutSignalWeights(
        self, request: ranker_pb2.PutSignalWeightsRequest, context: grpc.ServicerContext
    ) -> ranker_pb2.PutSignalWeightsResponse:
        self.puts.append(request)
        return ranker_pb2.PutSignalWeightsResponse(weights_version=f"builtin-1+{len(self.puts)}")

    def _items(self, catalogue: str, context: grpc.ServicerContext) -> list[indexer_pb2.Item]:
        if catalogue not in self.indexer.catalogues:
            refuse(context, status_of(grpc.StatusCode.NOT_FOUND, "it is gone", "RECOMMENDATION_EXPIRED"))
        return list(self.indexer.items_of(catalogue, context).values())

    def _kept(
        self, catalogue: str, start: int, stop: int, context: grpc.ServicerContext
    ) -> ranker_pb2.RecommendResponse:
        items = self._items(catalogue, context)
        return ranker_pb2.RecommendResponse(
            recommendations=[self._recommendation(at, items[at]) for at in range(start, min(stop, len(items)))],
            recommendation_id=catalogue,
            next_page_token=f"{catalogue}:{stop}" if stop < len(items) else "",
        )

    def _recommendation(self, at: int, item: indexer_pb2.Item) -> ranker_pb2.Recommendation:
        value = 0.9 - at / 10
        part = ranker_pb2.ScorePart(
            signal="photo", query="photo", block="content", weight=1.0, value=value, contribution=value
        )
        reason = ranker_pb2.Reason(
            kind=ranker_pb2.REASON_KIND_SIMILAR_CONTENT, text="shows the same kind of thing", contribution=value
        )
        return ranker_pb2.Recommendation(item=item, rank=at + 1, score=value, parts=[part], reasons=[reason])

    def GetScenes(
        self, request: ranker_pb2.GetScenesRequest, context: grpc.ServicerContext
    ) -> ranker_pb2.GetScenesResponse:
        scene = ranker_pb2.Scene(name="balanced", description="everything alike", signal_weights={"photo": 1.0})
        return ranker_pb2.GetScenesResponse(scenes=[scene], weights_version="builtin-1")


@dataclass(frozen=True)
class Fleet:
    """The four fakes behind one port, and where they are."""

    embedder: FakeEmbedder
    indexer: FakeIndexer
    profile: FakeProfile
    ranker: FakeRanker
    target: str

    @property
    def targets(self) -> Targets:
        return Targets(self.target, self.target, self.target, self.target)

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which a caller finds them."""
        return {f"VISREC_{name}_TARGET": self.target for name in ("EMBEDDER", "INDEXER", "PROFILE", "RANKER")}


@contextmanager
def fleet() -> Iterator[Fleet]:
    """Serve the fakes on a free port of loopback while the context lasts."""
    # The RPCs that no caller here needs answer UNIMPLEMENTED, as the generated base does.
    embedder, indexer = FakeEmbedder(), FakeIndexer()  # type: ignore[abstract]
    profile, ranker = FakeProfile(), FakeRanker(indexer)  # type: ignore[abstract]
    server = grpc.server(futures.ThreadPoolExecutor(4), options=[("grpc.max_receive_message_length", 32 << 20)])
    embedder_pb2_grpc.add_EmbedderServiceServicer_to_server(embedder, server)
    indexer_pb2_grpc.add_IndexerServiceServicer_to_server(indexer, server)
    profile_pb2_grpc.add_ProfileServiceServicer_to_server(profile, server)
    ranker_pb2_grpc.add_RankerServiceServicer_to_server(ranker, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield Fleet(embedder, indexer, profile, ranker, f"127.0.0.1:{port}")
    finally:
        server.stop(None).wait(5)
