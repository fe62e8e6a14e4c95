"""What may be known of a person, changing part of it, and its packed form."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from services.errors import Internal, InvalidInput
from services.profile.people import person
from services.profile.people.person import Attributes, Consent, Gender, Location, Person, Value, changed, checked
from tests.profile.builders import GIVEN, REFUSED
from tests.profile.strategies import PEOPLE
from visrec.v1 import profile_pb2

WHOLE = Person(
    "ada",
    Attributes(36, Gender.FEMALE, Location("GB", "Surrey", "Ockham"), ("minimalism",), {"size": "M"}),
    Consent(GIVEN, GIVEN, REFUSED),
)


@given(PEOPLE)
def test_a_packed_person_comes_back_equal(someone: Person) -> None:
    assert person.unpack(person.pack(someone)) == someone


def test_equal_people_pack_to_equal_bytes_whatever_the_order_of_their_attributes() -> None:
    """The store compares the bytes to see whether somebody has changed."""
    one = Person("ada", Attributes(other={"a": 1.0, "b": 2.0}))
    same = Person("ada", Attributes(other={"b": 2.0, "a": 1.0}))
    assert person.pack(one) == person.pack(same)


def test_an_unknown_format_is_not_guessed_at() -> None:
    with pytest.raises(Internal, match="format"):
        person.unpack(b"\x7f{}")


def test_a_mask_changes_what_it_names_and_nothing_else() -> None:
    after = changed(WHOLE, Person("ada", Attributes(age=37, interests=("art",))), ["attributes.age"])
    assert after == replace(WHOLE, attributes=replace(WHOLE.attributes, age=37))


def test_a_mask_reaches_into_the_location() -> None:
    after = changed(WHOLE, Person("ada", Attributes(location=Location(city="London"))), ["attributes.location.city"])
    assert after.attributes.location == Location("GB", "Surrey", "London")


def test_a_masked_field_that_is_not_given_is_cleared() -> None:
    assert changed(WHOLE, Person("ada"), ["attributes.age", "consent"]).attributes.age is None
    assert changed(WHOLE, Person("ada"), ["attributes.age", "consent"]).consent == Consent()


def test_without_a_mask_everything_is_replaced() -> None:
    assert changed(WHOLE, Person("ada"), []) == Person("ada")


@pytest.mark.parametrize("path", ["user_id", "created_ms", "attributes.shoe_size", "attributes.other.size", "", "*"])
def test_a_mask_with_another_field_names_it(path: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        changed(WHOLE, WHOLE, ["consent", path])
    assert caught.value.field == "update_mask.paths[1]"
    assert caught.value.reason == "UNKNOWN_FIELD"


def test_every_field_of_the_contract_can_be_named_in_a_mask() -> None:
    """Those that are set by the service or say who it is excepted."""
    paths = set()
    for field in profile_pb2.User.DESCRIPTOR.fields:
        if field.message_type is not None and field.name in ("attributes", "consent"):
            paths |= {field.name} | {f"{field.name}.{inner.name}" for inner in field.message_type.fields}
    paths |= {f"attributes.location.{field.name}" for field in profile_pb2.Location.DESCRIPTOR.fields}
    assert paths == person.CHANGEABLE


@given(PEOPLE)
def test_what_the_bounds_allow_passes(someone: Person) -> None:
    assert checked(someone) is someone


@pytest.mark.parametrize(
    ("attributes", "field"),
    [
        (Attributes(age=121), "user.attributes.age"),
        (Attributes(location=Location("Germany")), "user.attributes.location.country"),
        (Attributes(location=Location(city="x" * 65)), "user.attributes.location.city"),
        (Attributes(location=Location(region="a\nb")), "user.attributes.location.region"),
        (Attributes(interests=("x",) * 65), "user.attributes.interests"),
        (Attributes(interests=("fine", "x" * 65)), "user.attributes.interests[1]"),
        (Attributes(interests=("",)), "user.attributes.interests[0]"),
        (Attributes(interests=("fine", " ")), "user.attributes.interests[1]"),
        (Attributes(other={f"n{number}": True for number in range(33)}), "user.attributes.other"),
        (Attributes(other={"Shoe size": 40.0}), "user.attributes.other"),
    ],
)
def test_what_is_out_of_bounds_is_named(attributes: Attributes, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        checked(Person("ada", attributes))
    assert caught.value.field == field


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "x" * 257, ("x",) * 65, ("x" * 257,)])
def test_a_free_attribute_out_of_bounds_is_named(value: Value) -> None:
    with pytest.raises(InvalidInput) as caught:
        checked(Person("ada", Attributes(other={"size": value})))
    assert caught.value.field == "user.attributes.other['size']"


@pytest.mark.parametrize("user_id", ["", "x" * 129, "tab\there", "\x00", "next\x85line"])
def test_an_id_out_of_bounds_is_named(user_id: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        checked(Person(user_id))
    assert caught.value.field == "user.user_id"


def test_a_person_is_of_a_bounded_size_whatever_is_known_of_them() -> None:
    """Each field is within its own bound."""
    words = tuple("w" * person.MAX_VALUE_LETTERS for _ in range(person.MAX_WORDS))
    few: dict[str, Value] = {f"name_{number}": words for number in range(3)}
    many: dict[str, Value] = {f"name_{number}": words for number in range(person.MAX_OTHER)}
    assert len(person.pack(checked(Person("ada", Attributes(other=few))))) <= person.MAX_BYTES
    with pytest.raises(InvalidInput) as problem:
        checked(Person("ada", Attributes(other=many)))
    assert problem.value.field == "user.attributes"
