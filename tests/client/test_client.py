from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.launch import settings_classes
from services.runtime import variables
from tests.client.fakes.embedder import SPACE
from tests.client.fakes.fleet import Fleet
from visrec.client import Client
from visrec.connection import Targets, Tls
from visrec.errors import VisrecCallError
from visrec.filters import all_of, between, during, is_, one_of
from visrec.items import Attribute, NewItem, attribute, attribute_message
from visrec.people import Event, Facts
from visrec.targets import is_target
from visrec.v1 import indexer_pb2, profile_pb2, ranker_pb2
from visrec.vectors import Vector


def test_lists_are_read_to_their_last_page(client: Client) -> None:
    client.create_catalogue("attic")
    client.ingest("shop", [NewItem(name, photos=[b"x"]) for name in "abcde"])
    assert [catalogue.name for catalogue in client.list_catalogues()] == ["attic", "shop"]
    assert [item.id for item in client.list_items("shop")] == list("abcde")


def test_a_catalogue_that_is_there_may_be_asked_for_again(client: Client) -> None:
    client.ingest("shop", [NewItem("a", photos=[b"x"])])
    assert client.create_catalogue("shop", exist_ok=True).name == "shop"
    assert client.count_items("shop") == 1
    assert client.create_catalogue("attic", exist_ok=True).name == "attic"
    with pytest.raises(VisrecCallError, match="ALREADY_EXISTS"):
        client.create_catalogue("attic")


def test_an_item_arrives_as_it_was_written(client: Client, tmp_path: Path) -> None:
    photo = tmp_path / "chair.jpg"
    photo.write_bytes(b"x")
    when = datetime(2026, 1, 2, tzinfo=UTC)
    attributes: dict[str, Attribute] = {"legs": 4.0, "used": True, "colour": "red", "woods": ("oak", "ash")}
    item = NewItem("c1", [photo], title="Chair", price=12.5, currency="EUR", attributes=attributes, time=when)
    client.ingest("shop", [item])
    stored = client.get_item("shop", "c1").item
    assert (stored.title, stored.price, stored.currency) == ("Chair", 12.5, "EUR")
    assert {name: attribute(value) for name, value in stored.attributes.items()} == attributes
    assert stored.time.ToDatetime(UTC) == when
    assert list(stored.image_references) == [str(photo)]


def test_an_item_without_a_price_has_none(client: Client) -> None:
    client.ingest("shop", [NewItem("c1", [b"x"])])
    assert not client.get_item("shop", "c1").item.HasField("price")


def test_a_photo_is_embedded_in_the_space_of_the_catalogue(client: Client, services: Fleet) -> None:
    client.ingest("shop", [NewItem("a", [b"x"])])
    answer = client.similar("shop", photo=b"y", n=3, block_weights={"content": 2.0}, exclude=["z"])
    assert services.embedder.spaces_asked == [SPACE.name]
    assert [hit.item.id for hit in answer.hits] == ["a"]
    (search,) = services.indexer.searches
    assert search.limit == 3
    assert list(search.exclude_item_ids) == ["z"]
    assert dict(search.queries[0].block_weights) == {"content": 2.0}


def test_a_recommendation_carries_everything_that_was_asked(client: Client, services: Fleet) -> None:
    wanted = all_of(one_of("category", "sofa"), between("price", at_most=5), none_of=[is_("attributes.used")])
    client.recommend(
        "shop",
        photo=b"x",
        crop=(0, 0.1, 0.5, 1),
        user="anna",
        seeds={"a": 1.0, "b": -0.5},
        n=3,
        scene="art",
        where=wanted,
        signal_weights={"photo": 2.0},
        explain=True,
    )
    (request,) = services.ranker.requests
    assert (request.user_id, request.n, request.scene, request.explain) == ("anna", 3, "art", True)
    assert [(seed.item_id, seed.weight) for seed in request.seeds] == [("a", 1.0), ("b", -0.5)]
    assert request.photo.crop.top == pytest.approx(0.1)
    assert request.filter.must[1].range.at_most == 5
    assert not request.filter.must[1].range.HasField("at_least")
    assert dict(request.signal_weights) == {"photo": 2.0}


def test_weights_are_put_and_taken_away(client: Client, services: Fleet) -> None:
    scene = ranker_pb2.Scene(name="mine", signal_weights={"taste": 1.0})
    assert client.put_weights(scene, if_version="builtin-1") == "builtin-1+1"
    assert client.remove_weights("mine") == "builtin-1+2"
    put, removed = services.ranker.puts
    assert (put.scene, put.if_version, put.remove) == (scene, "builtin-1", False)
    assert (removed.scene.name, removed.remove) == ("mine", True)


def test_only_the_facts_that_are_given_are_changed(client: Client, services: Fleet) -> None:
    client.put_user("anna", Facts(age=31, city="Ghent", personalisation=True, photo_learning=False))
    (request,) = services.profile.puts
    assert list(request.update_mask.paths) == [
        "attributes.age",
        "attributes.location.city",
        "consent.personalisation",
        "consent.photo_learning",
    ]
    assert request.user.consent.photo_learning == profile_pb2.CONSENT_STATE_REFUSED
    assert request.user.consent.segments == profile_pb2.CONSENT_STATE_UNSPECIFIED


def test_putting_a_known_person_without_facts_clears_nothing(client: Client, services: Fleet) -> None:
    client.put_user("anna", Facts(age=31))
    assert client.put_user("anna").attributes.age == 31
    assert len(services.profile.puts) == 1


def test_a_new_person_needs_no_facts(client: Client, services: Fleet) -> None:
    client.put_user("bo")
    assert "bo" in services.profile.users


def test_events_go_out_a_thousand_a_call_and_come_back_one_by_one(client: Client, services: Fleet) -> None:
    client.put_user("anna")
    known = [Event("anna", "like", "shop", str(at)) for at in range(1200)]
    results = client.record([*known, Event("nobody", "like", "shop", "1")])
    assert services.profile.calls == [1000, 201]
    assert [result.event_id for result in results[:-1]] == [event.event_id for event in known]
    assert results[-1].status.code != 0


def test_an_event_sent_again_counts_once(client: Client) -> None:
    client.put_user("anna")
    event = Event("anna", "save", "shop", "a")
    outcomes = [client.record([event])[0].outcome for _ in range(2)]
    assert outcomes == [profile_pb2.EVENT_OUTCOME_LEARNED, profile_pb2.EVENT_OUTCOME_DUPLICATE]


def test_an_hour_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        during("time", not_before=datetime(2026, 1, 1))  # noqa: DTZ001 (that is what is refused)


@given(st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=20))
def test_vectors_survive_the_wire(numbers: list[float]) -> None:
    assert list(Vector.from_message(Vector("toy@1", numbers).message()).numbers) == numbers


@given(st.one_of(st.text(), st.floats(allow_nan=False), st.booleans(), st.lists(st.text()).map(tuple)))
def test_attributes_survive_the_wire(value: Attribute) -> None:
    assert attribute(attribute_message(value)) == value


def test_targets_come_from_the_given_environment(services: Fleet) -> None:
    assert Targets.from_environment(services.environment) == services.targets
    assert Targets.from_environment({}) == Targets()
    encrypted = Targets.from_environment({"VISREC_CHANNEL_CA": "ca.pem", "VISREC_CHANNEL_CERT": "me.pem"})
    assert encrypted.tls == Tls(Path("ca.pem"), Path("me.pem"))


def test_a_missing_certificate_is_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"no-such-ca\.pem"):
        Client.connect(Targets(tls=Tls(Path("no-such-ca.pem"))))


@pytest.mark.parametrize("asked", [{}, {"item_id": "a", "photo": "b.jpg"}])
def test_likeness_is_asked_of_exactly_one_thing(asked: dict[str, str]) -> None:
    """Before anybody is asked."""
    with Client.connect(Targets()) as client, pytest.raises(ValueError, match="exactly one"):
        client.similar("shop", **asked)  # type: ignore[arg-type] # wrong on purpose


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.delete_items("shop", "i1"),
        lambda client: client.get_items("shop", "i1"),
        lambda client: client.recommend("shop", domains="art"),
        lambda client: client.recommend("shop", exclude="i1"),
        lambda client: client.similar("shop", item_id="i", exclude="i1"),
        lambda client: client.popular("shop", domains="art"),
        lambda client: client.put_user("anna", Facts(interests="plants")),
    ],
)
def test_one_text_is_not_taken_for_a_list_of_its_letters(
    client: Client, services: Fleet, call: Callable[[Client], object]
) -> None:
    services.indexer.catalogues["shop"] = {"i": indexer_pb2.Item(id="i"), "1": indexer_pb2.Item(id="1")}
    with pytest.raises(TypeError, match="give a list of texts, such as "):
        call(client)
    assert set(services.indexer.catalogues["shop"]) == {"i", "1"}


def test_a_kind_that_does_not_exist_is_told_with_those_that_do() -> None:
    with pytest.raises(ValueError, match=r"type: 'lik' is none of view, click, like, .* upload"):
        Event("anna", "lik", "shop", "i1").message()  # type: ignore[arg-type] # what this is about
    with pytest.raises(ValueError, match="gender: 'f' is none of female, male, other"):
        Facts(gender="f").message("anna")  # type: ignore[arg-type] # what this is about
    for age in (-4, 121):
        with pytest.raises(ValueError, match=rf"age: {age} is none of 0 to 120"):
            Facts(age=age).message("anna")


def test_an_event_that_cannot_be_sent_does_not_stop_the_others(client: Client, services: Fleet) -> None:
    client.put_user("anna")
    photo = Vector(SPACE.name, [1.0, 0.0])
    events = [
        Event("anna", "like", "shop", "a"),
        Event("anna", "lik", "shop", "b"),  # type: ignore[arg-type] # what this is about
        Event("anna", "upload", "shop", "c", photo_vector=photo),
        Event("anna", "like", "shop", "d", time=datetime(2026, 1, 1)),  # noqa: DTZ001 - what this is about
        Event("anna", "like", "shop", 5),  # type: ignore[arg-type] # what this is about
        Event("anna", "save", "shop", "f"),
    ]
    results = client.record(events)
    assert [result.event_id for result in results] == [event.event_id for event in events]
    assert [result.status.code for result in results] == [0, 3, 3, 3, 3, 0]
    assert [event.item_id for event in services.profile.events.values()] == ["a", "f"]
    error = VisrecCallError.from_status(results[1].status)
    assert (error.reason, "none of view, click" in error.message) == ("INVALID_EVENT", True)
    assert "not both" in results[2].status.message


def test_an_event_tells_what_it_followed_from(client: Client, services: Fleet) -> None:
    client.put_user("anna")
    client.record([Event("anna", "impression", "shop", "a", recommendation_id="r1", shown_signals={"photo": 0.5})])
    (event,) = services.profile.events.values()
    assert (event.recommendation_id, dict(event.shown_signals)) == ("r1", {"photo": 0.5})


def test_everybody_is_listed_and_tastes_are_asked_for_together(client: Client, services: Fleet) -> None:
    names = [f"user-{at}" for at in range(70)]
    for name in names:
        client.put_user(name)
    assert [user.user_id for user in client.list_users()] == names
    results = client.tastes([*names, "nobody"], "shop")
    assert [result.taste.user_id for result in results] == [*names, ""]
    assert VisrecCallError.from_status(results[-1].error).reason == "USER_NOT_FOUND"
    assert services.profile.calls == [64, 7]
    with pytest.raises(TypeError, match="give a list"):
        client.tastes("anna", "shop")


def test_no_setting_of_a_service_is_taken_for_a_slip_in_ours() -> None:
    """One environment is often shared."""
    Targets.from_environment(dict.fromkeys(variables.names(settings_classes()), "127.0.0.1:1"))


@pytest.mark.parametrize("service", ["EMBEDDER", "INDEXER", "PROFILE", "RANKER", "REDIS"])
def test_what_kubernetes_names_after_services_is_no_slip(service: str) -> None:
    ends = ("PORT", "SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_GRPC", "PORT_50051_TCP", "PORT_50051_TCP_ADDR")
    Targets.from_environment(dict.fromkeys((f"VISREC_{service}_{end}" for end in ends), "tcp://10.0.0.1:50051"))


@pytest.mark.parametrize(
    "target", ["embedder", "10.0.0.1:50051", "[::1]:50051", "dns:///a.b:1", "unix:/run/x", "dns:a"]
)
def test_a_target_is_an_address_or_has_a_scheme(target: str) -> None:
    assert is_target(target)


@pytest.mark.parametrize("target", ["", "???", "a b", "http://a:1", "a:port", "unix:"])
def test_what_is_no_target_is_told_from_those(target: str) -> None:
    assert not is_target(target)
