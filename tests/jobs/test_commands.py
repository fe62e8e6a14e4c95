"""The commands as they are typed, over services that answer from memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from jobs.__main__ import app
from jobs.people import Somebody
from jobs.terminal import EXIT_FAILED, EXIT_NOTHING, EXIT_WRONG
from services.errors import Refused
from services.ranker.order.calibration import read
from services.runtime.faults import status_of, trailers_of
from tests.jobs.people import PEOPLE, SIZE, SPACE, crowd
from visrec.v1 import common_pb2, indexer_pb2, indexer_pb2_grpc, profile_pb2, profile_pb2_grpc

PAGE = 50


@dataclass
class Services(profile_pb2_grpc.ProfileServiceServicer, indexer_pb2_grpc.IndexerServiceServicer):
    """People and `items` page by page, and what is put. `away`: tokens of pages that are not answered."""

    people: Sequence[Somebody] = ()
    away: set[str] = field(default_factory=set)
    items: int = 0
    put: list[profile_pb2.PutSegmentsRequest] = field(default_factory=list)
    min_people: int = 30
    rebuilds: list[profile_pb2.RebuildTastesRequest] = field(default_factory=list)

    def ExportFeatures(  # noqa: N802 - named as the contract says
        self, request: profile_pb2.ExportFeaturesRequest, context: grpc.ServicerContext
    ) -> profile_pb2.ExportFeaturesResponse:
        if request.page_token in self.away:
            context.abort(grpc.StatusCode.UNAVAILABLE, "away")
        start = int(request.page_token or 0)
        users = [_message(each) for each in self.people[start : start + PAGE]]
        rest = str(start + PAGE) if start + PAGE < len(self.people) else ""
        return profile_pb2.ExportFeaturesResponse(users=users, next_page_token=rest)

    def PutSegments(  # noqa: N802 - named as the contract says
        self, request: profile_pb2.PutSegmentsRequest, context: grpc.ServicerContext
    ) -> profile_pb2.PutSegmentsResponse:
        self.put.append(request)
        large = [each for each in request.segments if each.people >= self.min_people]
        if request.segments and not large:
            problem = status_of(Refused("too small", reason="SEGMENTS_TOO_SMALL"))
            context.set_trailing_metadata(trailers_of(problem))
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "too small")
        return profile_pb2.PutSegmentsResponse(segments=len(large))

    def ListSegments(  # noqa: N802 - named as the contract says
        self, request: profile_pb2.ListSegmentsRequest, context: grpc.ServicerContext
    ) -> profile_pb2.ListSegmentsResponse:
        return profile_pb2.ListSegmentsResponse(segments=self.put[-1].segments if self.put else [])

    def RebuildTastes(  # noqa: N802 - named as the contract says
        self, request: profile_pb2.RebuildTastesRequest, context: grpc.ServicerContext
    ) -> profile_pb2.RebuildTastesResponse:
        if request.page_token in self.away:
            context.abort(grpc.StatusCode.UNAVAILABLE, "away")
        self.rebuilds.append(request)
        rest = {"": "second", "second": "third", "third": ""}[request.page_token]
        return profile_pb2.RebuildTastesResponse(people=10, rebuilt=9, lost_events=2, next_page_token=rest)

    def ForgetCatalogue(  # noqa: N802 - named as the contract says
        self, request: profile_pb2.ForgetCatalogueRequest, context: grpc.ServicerContext
    ) -> profile_pb2.ForgetCatalogueResponse:
        rest = {"": "second", "second": ""}[request.page_token]
        return profile_pb2.ForgetCatalogueResponse(people=7, next_page_token=rest)

    def ListSpaces(  # noqa: N802 - named as the contract says
        self, request: indexer_pb2.ListSpacesRequest, context: grpc.ServicerContext
    ) -> indexer_pb2.ListSpacesResponse:
        if request.catalogue != "shop":
            context.abort(grpc.StatusCode.NOT_FOUND, "catalogue does not exist")
        blocks = [
            common_pb2.Block(name="content", dimension=SIZE - 8, default_weight=1.0),
            common_pb2.Block(name="style", dimension=8, default_weight=0.0),
        ]
        space = common_pb2.Space(name=SPACE, blocks=blocks)
        return indexer_pb2.ListSpacesResponse(spaces=[indexer_pb2.SpaceState(space=space, aliases=["visual"])])

    def ListItems(  # noqa: N802 - named as the contract says
        self, request: indexer_pb2.ListItemsRequest, context: grpc.ServicerContext
    ) -> indexer_pb2.ListItemsResponse:
        start = int(request.page_token or 0)
        random = np.random.default_rng(start)
        rows = random.normal(size=(min(PAGE, self.items - start), SIZE)).astype("<f4")
        rows[:, :-8] /= np.linalg.norm(rows[:, :-8], axis=1, keepdims=True)
        rows[:, -8:] /= np.linalg.norm(rows[:, -8:], axis=1, keepdims=True)
        vectors = [common_pb2.Vector(space=request.space, data=row.tobytes()) for row in rows]
        items = [
            indexer_pb2.StoredItem(item=indexer_pb2.Item(id=f"item-{start + at}"), vectors=[vector])
            for at, vector in enumerate(vectors)
        ]
        rest = str(start + PAGE) if start + PAGE < self.items else ""
        return indexer_pb2.ListItemsResponse(items=items, next_page_token=rest)


def _message(person: Somebody) -> profile_pb2.UserFeatures:
    def vector(space: str, numbers: np.typing.NDArray[np.float32]) -> common_pb2.Vector:
        return common_pb2.Vector(space=space, data=numbers.astype("<f4").tobytes())

    return profile_pb2.UserFeatures(
        pseudonym=person.pseudonym,
        features=vector(PEOPLE, person.features),
        facts=person.facts,
        tags=[profile_pb2.TagWeight(word=word, weight=0.5) for word in person.words]
        + [profile_pb2.TagWeight(word="hardly", weight=0.01)],
        item_ids=person.items,
        interests=[
            profile_pb2.Interest(vector=vector(each.space, each.vector), weight=each.weight)
            for each in person.interests
        ],
    )


@pytest.fixture
def services() -> Services:
    return Services()  # type: ignore[abstract] # what it lacks answers UNIMPLEMENTED


def typed(target: str, *arguments: str) -> Result:
    targets = {"VISREC_PROFILE_TARGET": target, "VISREC_INDEXER_TARGET": target, "COLUMNS": "200"}
    return CliRunner().invoke(app, arguments, env=targets)


def test_segments_are_found_put_and_told(services: Services, target: str) -> None:
    services.people = crowd(80, 60, 40)
    result = typed(target, "segments", "-c", "shop")
    assert result.exit_code == 0, result.output
    assert "3 segments are in place." in result.output
    (put,) = services.put
    assert put.catalogue == "shop"
    assert [each.people for each in put.segments] == pytest.approx([80, 60, 40], abs=5)
    assert {each.centre.space for each in put.segments} == {PEOPLE}
    assert {liked.vector.space for each in put.segments for liked in each.interests} == {SPACE}
    for each, kind in zip(put.segments, ("lamp", "chair", "vase"), strict=True):
        assert each.segment_id in result.output
        assert f"likes {kind}" in each.description
        assert "hardly" not in each.description
        assert all(item.startswith(kind) for item in each.typical_item_ids)


def test_segments_go_on_under_their_ids(services: Services, target: str) -> None:
    services.people = crowd(80, 60, 40)
    typed(target, "segments", "-c", "shop")
    services.people = crowd(50, 70, 45, 40)
    typed(target, "segments", "-c", "shop", "--seed", "8")
    before, after = ({each.segment_id.split("-")[0]: each.segment_id for each in put.segments} for put in services.put)
    assert before.items() < after.items()
    assert set(after) - set(before) == {"rug"}


def test_what_the_service_drops_is_told(services: Services, target: str) -> None:
    services.people = crowd(60, 25)
    result = typed(target, "segments", "-c", "shop")
    assert "1 segments are in place; the service dropped 1 of too few people." in result.output


def test_when_the_service_would_keep_none_there_are_none_any_more(services: Services, target: str) -> None:
    services.people, services.min_people = crowd(80, 60), 100
    result = typed(target, "segments", "-c", "shop")
    assert result.exit_code == EXIT_NOTHING
    assert "the largest of 2 groups has 80 people" in result.output
    assert "VISREC_PROFILE_SEGMENT_MIN_PEOPLE" in result.output
    assert [len(put.segments) for put in services.put] == [2, 0]


def test_a_dry_run_puts_nothing(services: Services, target: str) -> None:
    services.people = crowd(60, 60)
    result = typed(target, "segments", "-c", "shop", "--dry-run")
    assert result.exit_code == 0
    assert "Nothing was put" in result.output
    assert not services.put


def test_too_few_people_are_nothing_to_do(services: Services, target: str) -> None:
    services.people = crowd(20, 5)
    result = typed(target, "segments", "-c", "shop")
    assert result.exit_code == EXIT_NOTHING
    assert "25 people" in result.output
    assert "`visrec user put USER --personalisation --segments`" in result.output
    assert "any more" not in result.output, "there were none before"


def test_segments_that_are_found_no_more_are_taken_away(services: Services, target: str) -> None:
    """They would else keep the share of people who were erased since."""
    services.people = crowd(80, 60)
    typed(target, "segments", "-c", "shop")
    services.people = services.people[:25]
    typed(target, "segments", "-c", "shop", "--dry-run")
    assert len(services.put) == 1
    result = typed(target, "segments", "-c", "shop")
    assert "no segments any more" in result.output
    assert [len(put.segments) for put in services.put] == [2, 0]
    assert "any more" not in typed(target, "segments", "-c", "shop").output, "they are gone already"


def test_what_a_service_refuses_is_one_line(services: Services, target: str) -> None:
    services.people = crowd(60, 60)
    result = typed(target, "segments", "-c", "nowhere")
    assert result.exit_code == EXIT_FAILED
    assert result.output.strip() == "error: catalogue does not exist"
    assert "Traceback" not in result.output


def test_a_catalogue_is_forgotten_page_by_page(target: str) -> None:
    result = typed(target, "forget-catalogue", "-c", "shop")
    assert result.exit_code == 0, result.output
    assert "What 14 people did in shop is forgotten" in result.output


def test_profiles_are_rebuilt_page_by_page(services: Services, target: str) -> None:
    result = typed(target, "rebuild-profiles", "-c", "shop", "--space", SPACE, "--page-size", "7")
    assert result.exit_code == 0, result.output
    assert [each.page_token for each in services.rebuilds] == ["", "second", "third"]
    assert {(each.space, each.page_size) for each in services.rebuilds} == {(SPACE, 7)}
    for number in ("30", "27", "6"):
        assert number in result.output


def test_a_space_goes_by_its_alias_too(services: Services, target: str) -> None:
    assert typed(target, "rebuild-profiles", "-c", "shop", "--space", "visual").exit_code == 0
    assert {each.space for each in services.rebuilds} == {SPACE}


def test_a_space_that_there_is_not_is_told_with_those_there_are(services: Services, target: str) -> None:
    result = typed(target, "rebuild-profiles", "-c", "shop", "--space", "visual@none")
    assert result.exit_code == EXIT_WRONG
    assert result.output.strip() == f"error: shop has no space visual@none; it has: {SPACE} (visual)"
    assert not services.rebuilds


def test_a_run_that_breaks_off_says_where_to_go_on(services: Services, target: str) -> None:
    services.away = {"second"}
    result = typed(target, "rebuild-profiles", "-c", "shop", "--patience", "0")
    assert result.exit_code == EXIT_FAILED
    assert "--from second" in result.output
    services.away = set()
    result = typed(target, "rebuild-profiles", "-c", "shop", "--from", "second")
    assert result.exit_code == 0
    assert [each.page_token for each in services.rebuilds] == ["", "second", "third"]


def test_a_job_that_begins_anew_does_not_name_a_place_to_go_on(services: Services, target: str) -> None:
    services.people, services.away = crowd(60, 60), {"50"}
    result = typed(target, "segments", "-c", "shop", "--patience", "0")
    assert result.exit_code == EXIT_FAILED
    assert result.output.strip().endswith("; then run it again")


def test_curves_are_written_beside_those_of_other_catalogues(services: Services, target: str, tmp_path: Path) -> None:
    services.items = 120
    file = tmp_path / "calibration.json"
    file.write_text('{"version": "v0", "catalogues": {"art": {"curves": {}}}}')
    arguments = ("calibrate", "-c", "shop", "-f", str(file), "--pairs", "20000", "--sample", "100")
    result = typed(target, *arguments)
    assert result.exit_code == 0, result.output
    assert "of 100 items" in result.output
    assert f"VISREC_RANKER_CALIBRATION={file}" in result.output
    calibration = read(file.read_text())
    assert set(calibration.catalogues) == {"art", "shop"}
    curves = calibration.of("shop", SPACE)
    content, style = curves.of["photo", "content"], curves.of["photo", "style"]
    assert content(np.array([0.0])) == pytest.approx([0.0], abs=0.05), "pairs taken by chance are not alike"
    assert content(np.array([0.9])) > style(np.array([0.9])), "in eight dimensions much is alike by chance"
    written = file.read_text()
    typed(target, *arguments)
    assert file.read_text() == written, "the same items give the same curves, and the same version"


def test_without_items_or_into_another_file_nothing_is_written(services: Services, target: str, tmp_path: Path) -> None:
    file = tmp_path / "calibration.json"
    assert typed(target, "calibrate", "-c", "shop", "-f", str(file)).exit_code == EXIT_NOTHING
    assert not file.exists()
    services.items = 20
    file.write_text("my diary")
    result = typed(target, "calibrate", "-c", "shop", "-f", str(file), "--pairs", "100")
    assert result.exit_code == EXIT_NOTHING
    assert file.read_text() == "my diary"
