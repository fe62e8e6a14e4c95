"""ProfileService: every RPC is decoded, asked of the domain in one call, and encoded."""

from __future__ import annotations

import grpc

from services.errors import VisrecError
from services.profile.catalogue.forgetting import Forgetter
from services.profile.collaborative.placer import Placer
from services.profile.events.export_events import EventExport
from services.profile.events.record import Ending, Recorder
from services.profile.people.export_user import PersonExporter
from services.profile.people.people import People
from services.profile.popularity.popular import Popular, PopularQuery
from services.profile.segments.export_features import FeatureExport
from services.profile.segments.segmentations import Segmentations
from services.profile.taste.reader import TasteReader, TasteView
from services.profile.taste.rebuild import Rebuilder
from services.profile.wire import events as wire_events
from services.profile.wire import export as wire_export
from services.profile.wire import features as wire_features
from services.profile.wire import messages as wire
from services.profile.wire import segments as wire_segments
from services.profile.wire.kept import field
from services.runtime.faults import status_of
from services.runtime.guard import Written
from visrec.v1 import profile_pb2 as pb
from visrec.v1.profile_pb2_grpc import ProfileServiceServicer


class ProfileServicer(ProfileServiceServicer):
    """Over the use cases of the service. Errors are converted around it."""

    def __init__(
        self,
        *,
        people: People,
        recorder: Recorder,
        tastes: TasteReader,
        popular: Popular,
        segmentations: Segmentations,
        features: FeatureExport,
        placer: Placer,
        event_export: EventExport,
        exporter: PersonExporter,
        rebuilder: Rebuilder,
        forgetter: Forgetter,
    ) -> None:
        self._people = people
        self._recorder = recorder
        self._tastes = tastes
        self._popular = popular
        self._segmentations = segmentations
        self._features = features
        self._placer = placer
        self._event_export = event_export
        self._exporter = exporter
        self._rebuilder = rebuilder
        self._forgetter = forgetter

    def PutUser(self, request: pb.PutUserRequest, context: grpc.ServicerContext) -> pb.PutUserResponse:
        put = self._people.put(wire.person_of(request.user), tuple(request.update_mask.paths), request.request_id)
        return pb.PutUserResponse(user=wire.user_message(put.person), created=put.created)

    def GetUser(self, request: pb.GetUserRequest, context: grpc.ServicerContext) -> pb.GetUserResponse:
        return pb.GetUserResponse(user=wire.user_message(self._people.get(request.user_id)))

    def ListUsers(self, request: pb.ListUsersRequest, context: grpc.ServicerContext) -> pb.ListUsersResponse:
        page = self._people.page(request.page_size, request.page_token)
        return pb.ListUsersResponse(users=map(wire.user_message, page.people), next_page_token=page.token)

    def DeleteUser(self, request: pb.DeleteUserRequest, context: grpc.ServicerContext) -> pb.DeleteUserResponse:
        return wire.receipt_message(self._people.erase(request.user_id))

    def SetConsent(self, request: pb.SetConsentRequest, context: grpc.ServicerContext) -> pb.SetConsentResponse:
        consent = self._people.consent(request.user_id, wire.consent_of(request.consent, "consent"))
        return pb.SetConsentResponse(consent=wire.consent_message(consent))

    def RecordEvents(self, request: pb.RecordEventsRequest, context: grpc.ServicerContext) -> pb.RecordEventsResponse:
        endings = self._recorder.record(wire.events_of(request.events))
        results = [_result(event.event_id, end) for event, end in zip(request.events, endings, strict=True)]
        return pb.RecordEventsResponse(results=results)

    def GetTaste(self, request: pb.GetTasteRequest, context: grpc.ServicerContext) -> pb.GetTasteResponse:
        query = wire.query_of(request)
        (answer,) = wire.tastes_bytes([(query, self._tastes.one(query))])
        return Written(field(pb.GetTasteResponse.TASTE_FIELD_NUMBER, answer))  # type: ignore[return-value] # as bytes

    def GetTastes(self, request: pb.GetTastesRequest, context: grpc.ServicerContext) -> pb.GetTastesResponse:
        queries = [wire.query_of(each) for each in request.requests]
        views = list(zip(queries, self._tastes.several(queries), strict=True))
        tastes = iter(wire.tastes_bytes([(query, view) for query, view in views if isinstance(view, TasteView)]))
        answers = [next(tastes) if isinstance(view, TasteView) else view for _, view in views]
        results = [field(pb.GetTastesResponse.RESULTS_FIELD_NUMBER, _taste_result(answer)) for answer in answers]
        return Written(b"".join(results))  # type: ignore[return-value] # as bytes

    def GetPopularItems(
        self, request: pb.GetPopularItemsRequest, context: grpc.ServicerContext
    ) -> pb.GetPopularItemsResponse:
        query = PopularQuery(request.catalogue, request.domains, request.segment, request.limit, request.item_ids)
        items = wire.popular_messages(self._popular.items(query))
        return pb.GetPopularItemsResponse(items=items, half_life_hours=self._popular.half_life_hours)

    def ExportUser(self, request: pb.ExportUserRequest, context: grpc.ServicerContext) -> pb.ExportUserResponse:
        return wire_export.export_message(self._exporter.export(request.user_id))

    def ListSegments(self, request: pb.ListSegmentsRequest, context: grpc.ServicerContext) -> pb.ListSegmentsResponse:
        page = self._segmentations.page(request.catalogue, request.page_size, request.page_token)
        return wire_segments.page_message(page)

    def ExportEvents(self, request: pb.ExportEventsRequest, context: grpc.ServicerContext) -> pb.ExportEventsResponse:
        page = self._event_export.page(wire_events.export_query_of(request))
        return wire_events.exported_page(request.catalogue, page)

    def PutUserVectors(
        self, request: pb.PutUserVectorsRequest, context: grpc.ServicerContext
    ) -> pb.PutUserVectorsResponse:
        places, learned_ms = wire_features.places_of(request.vectors), wire_features.learned_of(request)
        results = self._placer.put(request.catalogue, places, learned_ms)
        return wire_features.places_message(results)

    def PutSegments(self, request: pb.PutSegmentsRequest, context: grpc.ServicerContext) -> pb.PutSegmentsResponse:
        given = [wire_segments.segment_of(each) for each in request.segments]
        return pb.PutSegmentsResponse(segments=self._segmentations.put(request.catalogue, given))

    def ExportFeatures(
        self, request: pb.ExportFeaturesRequest, context: grpc.ServicerContext
    ) -> pb.ExportFeaturesResponse:
        page = self._features.page(request.catalogue, request.page_size, request.page_token)
        return wire_features.features_message(page)

    def RebuildTastes(
        self, request: pb.RebuildTastesRequest, context: grpc.ServicerContext
    ) -> pb.RebuildTastesResponse:
        rebuilt = self._rebuilder.page(request.catalogue, request.space, request.page_size, request.page_token)
        return pb.RebuildTastesResponse(
            people=rebuilt.people, rebuilt=rebuilt.rebuilt, lost_events=rebuilt.lost, next_page_token=rebuilt.token
        )

    def ForgetCatalogue(
        self, request: pb.ForgetCatalogueRequest, context: grpc.ServicerContext
    ) -> pb.ForgetCatalogueResponse:
        forgotten = self._forgetter.page(request.catalogue, request.page_size, request.page_token)
        return pb.ForgetCatalogueResponse(people=forgotten.people, next_page_token=forgotten.token)


def _result(event_id: str, ending: Ending) -> pb.EventResult:
    if isinstance(ending, VisrecError):
        return pb.EventResult(event_id=event_id, status=status_of(ending))
    return pb.EventResult(event_id=event_id, status={"code": 0}, outcome=wire.OUTCOMES[ending])


def _taste_result(answer: bytes | VisrecError) -> bytes:
    if isinstance(answer, VisrecError):
        return pb.TasteResult(error=status_of(answer)).SerializeToString()
    return field(pb.TasteResult.TASTE_FIELD_NUMBER, answer)
