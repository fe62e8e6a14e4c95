"""The examples, each over a catalogue that knows what a right answer is, and each as a command."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from examples import art, shop, social
from tests.e2e.conftest import Stubs
from tests.e2e.pictures import COLOURS, PATTERNS, picture
from visrec.client import Client
from visrec.connection import Targets
from visrec.items import NewItem
from visrec.people import Event, Facts
from visrec.v1 import ranker_pb2

NAMES = ("embedder", "indexer", "profile", "ranker")
PHOTO = 77
"""The number of a picture that is in no catalogue."""


@pytest.fixture(scope="module")
def client(visrec: Stubs) -> Iterator[Client]:
    embedder, indexer, profile, ranker = (visrec.fleet.target(name) for name in NAMES)
    with Client.connect(Targets(embedder, indexer, profile, ranker)) as connected:
        yield connected


@contextmanager
def filled(client: Client, name: str, items: list[NewItem]) -> Iterator[str]:
    client.create_catalogue(name)
    try:
        report = client.ingest(name, items)
        assert report.failed == []
        client.recommend(name, n=1, min_version=report.version)
        yield name
    finally:
        client.delete_catalogue(name)


def every(make: Callable[[str, str, int], NewItem]) -> list[NewItem]:
    return [make(pattern, colour, number) for pattern in PATTERNS for colour in COLOURS for number in range(3)]


def ids(answer: ranker_pb2.RecommendResponse) -> list[str]:
    assert answer.recommendations
    return [each.item.id for each in answer.recommendations]


def typed(
    visrec: Stubs, monkeypatch: pytest.MonkeyPatch, main: Callable[[list[str]], int], arguments: list[str]
) -> int:
    for name in NAMES:
        monkeypatch.setenv(f"VISREC_{name.upper()}_TARGET", visrec.fleet.target(name))
    return main(arguments)


def test_a_shop_has_the_garment_in_another_colour_in_stock_and_under_the_price(
    client: Client, visrec: Stubs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A red striped one is asked for by somebody who likes green ones."""

    def garment(pattern: str, colour: str, number: int) -> NewItem:
        return NewItem(
            f"{pattern}-{colour}-{number}",
            [picture(pattern, colour, number)],
            title=f"{colour} {pattern}",
            group_id=f"{pattern}-{colour}",
            price=(30.0, 45.0, 300.0)[number],
            currency="EUR",
            availability="out_of_stock" if number == 0 else "available",
        )

    with filled(client, "example-shop", every(garment)) as catalogue:
        client.put_user("example-anna", Facts(personalisation=True))
        client.record([Event("example-anna", "like", catalogue, "stripes-green-0")])
        photo = picture("stripes", "red", PHOTO)
        answer = shop.in_another_colour(
            client, catalogue, photo, user="example-anna", at_most=60.0, currency="EUR", n=3
        )
        found = ids(answer)
        assert all(each.startswith("stripes") and each.endswith("-1") for each in found)
        assert not any("red" in each for each in found)
        assert found[0] == "stripes-green-1", "of the colours that which she likes comes first"
        file = tmp_path / "garment.jpg"
        file.write_bytes(photo)
        assert typed(visrec, monkeypatch, shop.main, [str(file), "-c", catalogue, "--at-most", "60"]) == 0
        assert typed(visrec, monkeypatch, shop.main, [str(file), "-c", "nowhere"]) == 1
        capsys.readouterr()
        assert typed(visrec, monkeypatch, shop.main, [str(file), "-c", catalogue, "--currency", "USD"]) == 0
        assert "passes by currency; currency is one of: EUR" in capsys.readouterr().out


def test_social_media_have_places_and_posts_of_the_kind_and_fresh_ones_first(
    client: Client, visrec: Stubs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)

    def post(pattern: str, colour: str, number: int) -> NewItem:
        return NewItem(
            f"{pattern}-{colour}-{number}",
            [picture(pattern, colour, number)],
            domain=("places", "posts", "adverts")[number],
            time=now - timedelta(days=(400, 1, 0)[number]),
        )

    with filled(client, "example-travel", every(post)) as catalogue:
        photo = picture("rings", "blue", PHOTO)
        answer = social.places_and_posts(client, catalogue, photo, n=8)
        assert {each.item.domain for each in answer.recommendations} == {"places", "posts"}
        assert sum(each.startswith("rings") for each in ids(answer)) >= 5
        assert ids(answer)[0] == "rings-blue-1", "a post of yesterday, before the place of last year"
        kinds = {reason.kind for reason in answer.recommendations[0].reasons}
        assert {ranker_pb2.REASON_KIND_SIMILAR_CONTENT, ranker_pb2.REASON_KIND_FRESH} <= kinds
        file = tmp_path / "monument.jpg"
        file.write_bytes(photo)
        assert typed(visrec, monkeypatch, social.main, [str(file), "-c", catalogue]) == 0


def drawn(pattern: str, colour: str, number: int, hand: str) -> bytes:
    """The picture as one of two hands would make it: soft, or with a coarse grain."""
    with Image.open(io.BytesIO(picture(pattern, colour, number))) as opened:
        plain = opened.convert("RGB")
    if hand == "soft":
        made = plain.filter(ImageFilter.GaussianBlur(2.5))
    else:
        grain = np.random.default_rng(number).normal(0, 45, (plain.height, plain.width, 1))
        made = Image.fromarray(np.clip(np.asarray(plain, np.float64) + grain, 0, 255).astype(np.uint8))
    buffer = io.BytesIO()
    made.save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def test_art_has_the_same_style_and_the_same_palette_with_another_subject(
    client: Client, visrec: Stubs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(hand: str) -> Callable[[str, str, int], NewItem]:
        return lambda pattern, colour, number: NewItem(
            f"{hand}-{pattern}-{colour}-{number}", [drawn(pattern, colour, number, hand)]
        )

    with filled(client, "example-museum", [*every(work("soft")), *every(work("grained"))]) as catalogue:
        painting = drawn("rings", "yellow", PHOTO, "grained")
        style = ids(art.same_style(client, catalogue, painting))
        assert sum(each.startswith("grained") for each in style) >= 5
        palette = ids(art.same_palette(client, catalogue, painting))
        assert sum("-yellow-" in each for each in palette) >= 5
        assert sum("-rings-" in each for each in palette) <= 1
        file = tmp_path / "painting.jpg"
        file.write_bytes(painting)
        assert typed(visrec, monkeypatch, art.main, [str(file), "-c", catalogue, "--palette"]) == 0
