"""Bad input through the front door: a clear, typed error each time, and the services keep serving."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

import grpc
import numpy as np
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from PIL import Image

from tests.e2e.conftest import CALL_S, Stubs
from tests.e2e.pictures import picture
from visrec.v1 import common_pb2, indexer_pb2, ranker_pb2

CATALOGUE = "bad-input"
GOOD = picture("rings", "red", 1)
MIB = 1024 * 1024


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims to be this large, with next to nothing in it."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    )


def square(mode: str) -> Image.Image:
    return Image.open(io.BytesIO(GOOD)).convert(mode)


NOT_PICTURES = {
    "nothing": b"",
    "text": b"this is not a picture",
    "truncated": GOOD[: len(GOOD) // 2],
    "20,000 x 20,000": png_header(20_000, 20_000),
    "over 16 MiB": GOOD + b"\0" * (16 * MIB),
    "1 x 1": saved(Image.new("RGB", (1, 1), "red"), "PNG"),
    "TIFF": saved(square("RGB"), "TIFF"),
}

UNUSUAL = {
    "animated GIF": saved(
        square("RGB"), "GIF", save_all=True, append_images=[Image.new("RGB", (96, 96), "blue")], duration=50
    ),
    "CMYK": saved(square("CMYK"), "JPEG"),
    "16-bit": saved(Image.fromarray(np.arange(96 * 96, dtype=np.uint16).reshape(96, 96)), "PNG"),
    "alpha": saved(square("RGBA"), "PNG"),
    "palette": saved(square("P"), "PNG"),
}


@pytest.fixture(scope="module")
def shop(visrec: Stubs) -> Iterator[Stubs]:
    visrec.indexer.CreateCatalogue(indexer_pb2.CreateCatalogueRequest(catalogue=CATALOGUE), timeout=CALL_S)
    item = indexer_pb2.IngestItem(item=indexer_pb2.Item(id="one"), photos=[common_pb2.Photo(data=GOOD)])
    request = indexer_pb2.IngestItemsRequest(catalogue=CATALOGUE, items=[item])
    version = visrec.indexer.IngestItems(request, timeout=CALL_S).version
    # Asked for once with the version, so that no test is too early.
    recommend(visrec, photo=common_pb2.Photo(data=GOOD), min_version=version)
    yield visrec
    visrec.indexer.DeleteCatalogue(indexer_pb2.DeleteCatalogueRequest(catalogue=CATALOGUE), timeout=CALL_S)


def recommend(visrec: Stubs, **fields: object) -> ranker_pb2.RecommendResponse:
    request = ranker_pb2.RecommendRequest(catalogue=CATALOGUE, **fields)  # type: ignore[arg-type]  # fields of the message
    answer: ranker_pb2.RecommendResponse = visrec.ranker.Recommend(request, timeout=CALL_S)
    return answer


def detail(error: grpc.RpcError, into: Message) -> Message:
    status = rpc_status.from_call(error)
    assert status is not None, error
    assert any(each.Unpack(into) for each in status.details)
    return into


@pytest.mark.parametrize("name", NOT_PICTURES)
def test_what_is_not_a_picture_is_refused_with_its_field(shop: Stubs, name: str) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        recommend(shop, photo=common_pb2.Photo(data=NOT_PICTURES[name]))
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    bad = detail(refused.value, error_details_pb2.BadRequest())
    assert [violation.field for violation in bad.field_violations] == ["photo.data"]  # type: ignore[attr-defined]
    info = detail(refused.value, error_details_pb2.ErrorInfo())
    assert info.reason  # type: ignore[attr-defined]
    assert recommend(shop, photo=common_pb2.Photo(data=GOOD)).recommendations, "it keeps serving"


@pytest.mark.parametrize("name", UNUSUAL)
def test_an_unusual_picture_is_answered(shop: Stubs, name: str) -> None:
    answer = recommend(shop, photo=common_pb2.Photo(data=UNUSUAL[name]))
    assert [item.item.id for item in answer.recommendations] == ["one"]


def test_a_rotated_photo_is_the_photo(shop: Stubs) -> None:
    """EXIF orientation is undone: the upright and the rotated file are the same picture."""
    upright = Image.open(io.BytesIO(picture("stripes", "green", 5)))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise to stand upright
    rotated = saved(upright.transpose(Image.Transpose.ROTATE_90), "PNG", exif=exif)
    scores = [
        recommend(shop, photo=common_pb2.Photo(data=data)).recommendations[0].score
        for data in (saved(upright, "PNG"), rotated)
    ]
    # Resizing rounds to whole grey levels between its two directions, so the order of turning and resizing shows.
    assert scores[0] == pytest.approx(scores[1], abs=5e-3)


def test_a_bad_photo_among_items_fails_alone(shop: Stubs) -> None:
    items = [
        indexer_pb2.IngestItem(item=indexer_pb2.Item(id="good"), photos=[common_pb2.Photo(data=GOOD)]),
        indexer_pb2.IngestItem(
            item=indexer_pb2.Item(id="half"),
            photos=[common_pb2.Photo(data=GOOD), common_pb2.Photo(data=NOT_PICTURES["truncated"])],
        ),
    ]
    answer = shop.indexer.IngestItems(indexer_pb2.IngestItemsRequest(catalogue=CATALOGUE, items=items), timeout=CALL_S)
    assert [result.status.code for result in answer.results] == [0, grpc.StatusCode.INVALID_ARGUMENT.value[0]]
    assert answer.written == 1
    with pytest.raises(grpc.RpcError) as missing:
        shop.indexer.GetItem(indexer_pb2.GetItemRequest(catalogue=CATALOGUE, item_id="half"), timeout=CALL_S)
    assert missing.value.code() is grpc.StatusCode.NOT_FOUND
    shop.indexer.DeleteItems(indexer_pb2.DeleteItemsRequest(catalogue=CATALOGUE, item_ids=["good"]), timeout=CALL_S)


def test_a_message_over_the_limit_of_the_transport_is_refused(shop: Stubs) -> None:
    """gRPC itself answers here, so there are no details."""
    with pytest.raises(grpc.RpcError) as refused:
        recommend(shop, photo=common_pb2.Photo(data=b"\0" * (33 * MIB)))
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert recommend(shop, photo=common_pb2.Photo(data=GOOD)).recommendations, "it keeps serving"


def test_bytes_that_are_no_message_are_refused(shop: Stubs) -> None:
    call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = shop.channels["ranker"].unary_unary(
        "/visrec.v1.RankerService/Recommend"
    )
    with pytest.raises(grpc.RpcError) as refused:
        call(b"\xff\xff\xff", timeout=CALL_S)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert recommend(shop, photo=common_pb2.Photo(data=GOOD)).recommendations, "it keeps serving"
