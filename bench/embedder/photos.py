"""The photos that are sent, and how each protocol carries one."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from bench.pictures import QUALITY, picture
from visrec.v1 import common_pb2, embedder_pb2

COUNT = 16
"""Different ones: a single photo would be the best case of every cache, the processor's and a service's."""


@dataclass(frozen=True)
class Photos:
    """Files of a folder, in the same order everywhere: the pictures, and the bodies of the requests that carry them.

    A body of gRPC is the serialised request; what is `framed` has gRPC's five bytes before it.
    """

    pictures: Sequence[Path]
    grpc: Sequence[Path]
    framed: Sequence[Path]

    @classmethod
    def written(cls, folder: Path) -> Photos:
        """COUNT made-up JPEGs of 640 by 480, below `folder`."""
        files: dict[str, list[Path]] = {"jpg": [], "grpc": [], "framed": []}
        for number in range(COUNT):
            data = picture(number)
            body = request(data)
            for kind, content in (("jpg", data), ("grpc", body), ("framed", framed(body))):
                path = folder / f"{number:02}.{kind}"
                path.write_bytes(content)
                files[kind].append(path)
        return cls(files["jpg"], files["grpc"], files["framed"])


def enlarged(data: bytes, times: int) -> bytes:
    """A JPEG, so many times as wide and as high."""
    file = io.BytesIO()
    with Image.open(io.BytesIO(data)) as image:
        image.resize((image.width * times, image.height * times)).save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def request(data: bytes, *, raw: bool = False) -> bytes:
    """A serialised EmbedImageRequest for the bytes of a file; `raw` asks for the network's features as well."""
    message = embedder_pb2.EmbedImageRequest(photo=common_pb2.Photo(data=data), include_raw_features=raw)
    return message.SerializeToString()


def framed(message: bytes) -> bytes:
    """A message as gRPC sends it: not compressed, and the length before it."""
    return b"\0" + len(message).to_bytes(4, "big") + message
